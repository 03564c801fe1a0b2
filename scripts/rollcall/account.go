package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/account"
)

// accountRow is what the tables show of an account.
type accountRow struct {
	ID          string          `json:"id"`
	Subject     account.Subject `json:"subject"`
	Type        account.Type    `json:"type"`
	DisplayName string          `json:"displayName"`
	State       account.State   `json:"state"`
	UserID      string          `json:"userId"`
	Name        string          `json:"name"`
	Reason      string          `json:"reason"`
	Incarnation int             `json:"incarnation"`
	Devices     int             `json:"devices"`
	CreatedAt   time.Time       `json:"createdAt"`
	UpdatedAt   time.Time       `json:"updatedAt"`
	Bindings    []bindingRow    `json:"bindings"`
}

// state is the state with the word of the last failure.
func (r accountRow) state() string {
	if r.Reason != "" {
		return string(r.State) + " (" + r.Reason + ")"
	}
	return string(r.State)
}

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Managed Google Play accounts", Aliases: []string{"accounts"}}
	cmd.AddCommand(a.accountList(), a.accountShow(),
		a.workflowCommand("create", "account", "Bring accounts to Google again",
			"Bring accounts to Google again that are not finished or were deleted, and have\ntheir devices add them. New accounts are made by themselves when a device needs\none; this is for accounts that are in the list."),
		a.workflowCommand("rename", "account", "Change what Google shows for accounts",
			"Change the name that Google Play shows for accounts. It must not be a person's."),
		a.workflowCommand("revoke", "account", "Sign every device out of accounts and hold the devices",
			"Sign every device out of accounts at Google, and hold the devices, so that none\nadds its account again until it is released (rollcall device release)."),
		a.workflowCommand("delete", "account", "Delete accounts at Google",
			"Have the devices give accounts up, and delete the accounts at Google, with the\napps and settings that belong to them there."))
	return cmd
}

func (a *app) accountList() *cobra.Command {
	var p pager
	var state, userID, name string
	cmd := &cobra.Command{
		Use: "list", Short: "List an enterprise's accounts, or find one", Args: cobra.NoArgs,
		Example: "  rollcall account list --state creating\n  rollcall account list --user-id 104123456789012345678",
	}
	cmd.Flags().StringVar(&state, "state", "", "only accounts that are creating, active, deleting or deleted")
	cmd.Flags().StringVar(&userID, "user-id", "", "the account with this `id` at Google")
	cmd.Flags().StringVar(&name, "name", "", "the account that devices report by this `name`")
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		none := "There is no account yet; each is made when a device first asks for it."
		if state != "" || userID != "" || name != "" {
			none = "No account fits."
		}
		return show(cmd, a, &p, path+"/accounts", url.Values{"state": {state}, "userId": {userID}, "name": {name}}, none,
			[]string{"ID", "STATE", "TYPE", "SUBJECT", "DEVICES", "UPDATED"},
			func(r accountRow) []string {
				return []string{r.ID, r.state(), string(r.Type), r.Subject.String(), strconv.Itoa(r.Devices), a.ago(r.UpdatedAt)}
			})
	}
	return cmd
}

func (a *app) accountShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID | PERSON", Short: "Show one account, or a person's, and what Google says of the person now", Args: exactlyOne,
		Long: "Show one managed Google Play account, its devices and what became of their tokens; or\n" +
			"for a person the Play accounts, how the generated password stands, and what Google\n" +
			"says of the Google account now: it is asked, and nothing is changed.\nPERSON is a key, a mail address or a user id.",
		Example: "  rollcall account show ada@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.of()
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			if keyPattern.MatchString(args[0]) || strings.Contains(args[0], "@") {
				return a.personsAccounts(cmd, c, path, args[0])
			}
			got, err := c.get(cmd.Context(), path+"/accounts/"+segment(args[0]), nil)
			if err != nil && asFailure(err).code == exitNotFound {
				return neither(a.personsAccounts(cmd, c, path, args[0]), args[0])
			}
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(got)
			}
			r, err := decode[accountRow](got)
			if err != nil {
				return err
			}
			rows := [][]string{
				{"id", r.ID}, {"state", r.state()}, {"type", string(r.Type)}, {"subject", r.Subject.String()},
				{"display name", r.DisplayName}, {"user id", r.UserID}, {"name on devices", r.Name},
				{"created", a.both(r.CreatedAt)}, {"updated", a.both(r.UpdatedAt)},
				{"made anew", strconv.Itoa(r.Incarnation) + " times"},
			}
			for _, b := range r.Bindings {
				rows = append(rows, []string{"device", b.DeviceID + ", since " + a.both(b.Since)})
				rows = append(rows, a.tokenRows(b.Tokens)...)
			}
			return a.table(nil, rows)
		},
	}
}

// neither says of a word that names no account, and nobody either, both.
func neither(err error, word string) error {
	f := asFailure(err)
	if f == nil || f.code != exitNotFound || f.fromServer {
		return err
	}
	return failf(exitNotFound, "there is no account %q, and %s", word, f.text)
}
