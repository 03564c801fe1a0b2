package main

import (
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/password"
)

const passwordHelp = `Passwords that Rollcall generates for people, the "Google Apps passwords".

Where an enterprise has a password policy, Rollcall generates a password for each
person whose devices get a mail setting that signs in with it, sends it to Google,
and gives it to the devices once Google has accepted it. Nobody is shown a password.

Google has closed sign-in by password for mail clients on most domains. Use OAuth
(rollcall setting create does), and passwords only where the domain is exempt.

  rollcall password key --rotate                   # once: the key that seals passwords
  rollcall password policy --length 20 --rotate-days 90
  rollcall password status                         # how they stand
  rollcall password status ada@example.com         # one person's, and what to do`

func (a *app) passwordCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "password", Short: "Generated passwords: how they stand, their policy, renewing them", Long: passwordHelp, Aliases: []string{"passwords"}}
	cmd.AddCommand(a.passwordStatus(), a.passwordList(), a.passwordRenew(), a.passwordPolicy(), a.passwordKey())
	return cmd
}

// passwordRow is what is shown of a person's password.
type passwordRow struct {
	Person      string         `json:"person"`
	Name        string         `json:"name"`
	Mail        string         `json:"mail"`
	State       password.State `json:"state"`
	Version     int            `json:"version"`
	Accepted    int            `json:"accepted"`
	Attempts    int            `json:"attempts"`
	MaxAttempts int            `json:"maxAttempts"`
	SetAt       time.Time      `json:"setAt"`
	RotateAt    time.Time      `json:"rotateAt"`
	NextAt      time.Time      `json:"nextAt"`
	Due         time.Time      `json:"due"`
	Reason      string         `json:"reason"`
	ReasonText  string         `json:"reasonText"`
	Last        string         `json:"last"`
	LastText    string         `json:"lastText"`
	LastAt      time.Time      `json:"lastAt"`
	Deferred    time.Time      `json:"deferredSince"`
	Waiting     bool           `json:"waiting"`
	Account     string         `json:"account"`
	Locked      string         `json:"locked"`
	LockedText  string         `json:"lockedText"`
}

func (a *app) passwordList() *cobra.Command {
	var p pager
	var state string
	cmd := &cobra.Command{
		Use: "list", Short: "List how people's passwords stand", Args: cobra.NoArgs,
		Long: "List how people's passwords stand: those of everybody who ever needed one.\n\n" +
			"NEXT is when the password is offered to Google, or replaced, without anybody asking.\nTRIES are those that were made of those that the policy allows.",
		Example: "  rollcall password list --state failed",
	}
	cmd.Flags().StringVar(&state, "state", "", "only those that are pending, leased, retry, active or failed")
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		none := "Nobody needed a password yet: one is made when a device gets a mail setting that signs in with it."
		if state != "" {
			none = "No password is in the state " + state + "."
		}
		return show(cmd, a, &p, path+"/passwords", url.Values{"state": {state}}, none,
			[]string{"PERSON", "STATE", "VERSION", "TRIES", "SET", "NEXT", "REASON", "KEY"},
			func(r passwordRow) []string {
				set := ""
				if !r.SetAt.IsZero() {
					set = a.ago(r.SetAt)
				}
				return []string{named(r.Name, r.Mail, ""), string(r.State), r.version(), r.tries(), set, a.next(r), r.reasonWord(), r.Person}
			})
	}
	return cmd
}

// passwordOf reads one person's password.
func (c *client) passwordOf(cmd *cobra.Command, path, key string) ([]byte, passwordRow, error) {
	got, err := c.get(cmd.Context(), path+"/people/"+segment(key)+"/password", nil)
	if err != nil {
		return nil, passwordRow{}, err
	}
	r, err := decode[passwordRow](got)
	return got, r, err
}
