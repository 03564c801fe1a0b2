package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

const mailClientCreateHelp = `Register a server that reads mailboxes. It proves itself with a P-256 key of its own,
whose public half goes here (PEM or JWK), or as a Google service account. To make a
key, on the server:

  openssl ecparam -name prime256v1 -genkey -noout -out private.pem
  openssl ec -in private.pem -pubout -out public.pem

It gets tokens for the mailboxes that any of --mailbox, --mailboxes-file, --label and
--domain allows. A label allows those of people who have it, who are active in the
directory, and whose Google account is not known to be closed.`

func (a *app) mailClientPath(id string) (string, error) {
	path, err := a.of()
	if id != "" {
		id = "/" + segment(id)
	}
	return path + "/mail-clients" + id, err
}

func (a *app) mailClientCreate() *cobra.Command {
	var key, account, sub string
	var in mailClientFlags
	cmd := &cobra.Command{
		Use: "create --name NAME --key FILE | --service-account ADDRESS --service-account-id NUMBER", Short: "Register a server that reads mailboxes", Long: mailClientCreateHelp, Args: cobra.NoArgs,
		Example: "  rollcall mail client create --name Voicemail --key public.pem --label voicemail --scope imap_admin\n" +
			"  rollcall mail client create --name Gateway --service-account gw@project.iam.gserviceaccount.com \\\n    --service-account-id 104123456789012345678 --domain example.com",
	}
	cmd.Flags().StringVar(&key, "key", "", "`file` with the server's public P-256 key, PEM or JWK; - is standard input")
	cmd.Flags().StringVar(&account, "service-account", "", "the service account's `address`")
	cmd.Flags().StringVar(&sub, "service-account-id", "", "the service account's unique id, a `number`")
	in.flags(cmd.Flags(), mailclient.Full)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.mailClientPath("")
		if err != nil {
			return err
		}
		if key == "-" && in.mailboxesFile == "-" {
			return usagef("standard input cannot be both the key and the mailboxes")
		}
		body := map[string]any{}
		switch byAccount := account != "" || sub != ""; {
		case (key != "") == byAccount:
			return usagef("say how the server proves itself: --key FILE, or --service-account ADDRESS with --service-account-id NUMBER")
		case byAccount:
			body["serviceAccount"] = mailclient.ServiceAccount{Email: account, Sub: sub}
		default:
			if body["key"], err = a.readPublicKey(key); err != nil {
				return err
			}
		}
		allow := mailclient.Allow{}
		if err := in.over(a, cmd.Flags(), &allow); err != nil {
			return err
		}
		body["name"], body["scope"], body["allow"] = in.name, in.scope, allow
		c, err := a.client()
		if err != nil {
			return err
		}
		got, err := c.change(cmd.Context(), http.MethodPost, path, body)
		if err != nil {
			return withFlag(err, mailClientFlagOf)
		}
		return a.printMailClient(got, "Registered. What its administrator needs: "+a.command("mail settings")+" %s")
	}
	return cmd
}

func (a *app) mailClientList() *cobra.Command {
	var p pager
	cmd := &cobra.Command{Use: "list", Short: "List the servers that get tokens for mailboxes", Args: cobra.NoArgs}
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.mailClientPath("")
		if err != nil {
			return err
		}
		return show(cmd, a, &p, path, nil, "There is no mail client yet; register one with: rollcall mail client create --help",
			[]string{"ID", "NAME", "STATE", "SCOPE", "PROVES ITSELF BY", "MAY HAVE", "CHANGED"},
			func(r mailClientRow) []string {
				by := "key"
				if r.ServiceAccount != nil {
					by = r.ServiceAccount.Email
				}
				return []string{r.ID, r.Name, string(r.State), string(r.Scope), by, r.allowed(), a.ago(r.UpdatedAt)}
			})
	}
	return cmd
}

func (a *app) mailClientShow() *cobra.Command {
	return &cobra.Command{
		Use: "show MAILCLIENT", Short: "Show one mail client, and which mailboxes it may have", Args: exactlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			got, err := a.one(cmd, "/mail-clients/", args[0])
			if err != nil || a.json {
				return err
			}
			r, err := decode[mailClientRow](got)
			if err != nil {
				return err
			}
			return a.table(nil, a.mailClientRows(r))
		},
	}
}

// mailClientRows are all there is to show; a long list of mailboxes is cut short.
func (a *app) mailClientRows(r mailClientRow) [][]string {
	const shown = 20
	rows := [][]string{
		{"id", r.ID}, {"name", r.Name}, {"state", string(r.State)}, {"proves itself by", r.proves()}, {"scope", string(r.Scope) + ": " + r.Scope.URL()},
		{"labels", join(r.Allow.Labels)}, {"domains", join(r.Allow.Domains)}, {"mailboxes", quantity(r.Mailboxes, "mailbox", "mailboxes") + " by address"},
	}
	for i, m := range r.Allow.Mailboxes {
		if i == shown {
			rows = append(rows, []string{"  and more", "--json has all"})
			break
		}
		rows = append(rows, []string{"  address", m})
	}
	return append(rows, []string{"created", a.both(r.CreatedAt)}, []string{"changed", a.both(r.UpdatedAt) + " by " + r.UpdatedBy})
}

func (a *app) printMailClient(got []byte, then string) error {
	if a.json {
		return a.printJSON(got)
	}
	r, err := decode[mailClientRow](got)
	if err != nil {
		return err
	}
	if err := a.table(nil, a.mailClientRows(r)); err != nil {
		return err
	}
	a.say(then, r.ID)
	return nil
}
