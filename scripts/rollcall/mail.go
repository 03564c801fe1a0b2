package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

const mailHelp = `Mail by OAuth: servers that read people's mailboxes, such as a voicemail system or a mail
gateway, get tokens for them from the function mailtoken. Each is registered with a key
of its own or as a Google service account, and is allowed certain mailboxes.

  rollcall mail client create --name Voicemail --key public.pem --label voicemail
  rollcall mail settings MAILCLIENT     # all that the server's administrator needs
  rollcall mail check ann@example.com   # signs in to a mailbox by IMAP`

func (a *app) mailCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mail", Short: "Servers that read mailboxes by OAuth", Long: mailHelp}
	client := &cobra.Command{Use: "client", Short: "The servers that get tokens for mailboxes", Aliases: []string{"clients"}}
	client.AddCommand(a.mailClientCreate(), a.mailClientList(), a.mailClientShow(), a.mailClientChange(), a.mailClientRemove())
	cmd.AddCommand(client, a.mailSettings(), a.mailCheck())
	return cmd
}

const mailCheckHelp = `Sign in to a mailbox by IMAP, as a mail server would with a token of the function
mailtoken, and say what the server answered. The function admin does it, so that no
token leaves it; it looks at the number of messages and reads none.`

// mailChecked is how a check of a mailbox went.
type mailChecked struct {
	Mailbox      string `json:"mailbox"`
	Server       string `json:"server"`
	Scope        string `json:"scope"`
	OK           bool   `json:"ok"`
	Messages     int    `json:"messages"`
	TokenMillis  int64  `json:"tokenMillis"`
	SignInMillis int64  `json:"signInMillis"`
	Failed       string `json:"failed"`
	Reason       string `json:"reason"`
	ReasonText   string `json:"reasonText"`
}

func (a *app) mailCheck() *cobra.Command {
	var scope, host, tls string
	var port int
	cmd := &cobra.Command{
		Use: "check MAILBOX", Short: "Sign in to a mailbox by IMAP and say what the server answers", Long: mailCheckHelp, Args: exactlyOne,
		Example: "  rollcall mail check ann@example.com",
	}
	cmd.Flags().StringVar(&scope, "scope", "", "full or imap_admin; what is not said is the lesser that mail clients use")
	cmd.Flags().StringVar(&host, "host", "", "another mail server's `name`; for development alone")
	cmd.Flags().IntVar(&port, "port", 0, "another `port`; for development alone")
	cmd.Flags().StringVar(&tls, "tls", "", "tls or starttls; for development alone")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		body := map[string]any{"mailbox": args[0]}
		for name, v := range map[string]string{"scope": scope, "host": host, "tls": tls} {
			if v != "" {
				body[name] = v
			}
		}
		if port != 0 {
			body["port"] = port
		}
		got, err := c.change(cmd.Context(), http.MethodPost, path+"/mail-check", body)
		if err != nil {
			return err
		}
		r, err := decode[mailChecked](got)
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON(got)
		} else {
			err = a.table(nil, checkedRows(r))
		}
		if err == nil && !r.OK {
			return failf(exitFailed, "%s", clean(r.ReasonText))
		}
		return err
	}
	return cmd
}

func checkedRows(r mailChecked) [][]string {
	took := func(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
	rows := [][]string{{"mailbox", r.Mailbox}, {"server", r.Server}, {"scope", r.Scope}}
	if r.Failed == "token" {
		return append(rows, []string{"token", "REFUSED after " + took(r.TokenMillis) + " (" + r.Reason + ")"}, []string{"sign-in", "not tried"})
	}
	rows = append(rows, []string{"token", "given in " + took(r.TokenMillis)})
	if !r.OK {
		return append(rows, []string{"sign-in", "REFUSED after " + took(r.SignInMillis) + " (" + r.Reason + ")"})
	}
	return append(rows, []string{"sign-in", "done in " + took(r.SignInMillis)}, []string{"messages", fmt.Sprint(r.Messages)})
}

// mailClientRow is what is shown of a mail client.
type mailClientRow struct {
	mailclient.Client
	Mailboxes int  `json:"mailboxes"`
	Changed   bool `json:"changed"`
}

// proves says how a mail client proves itself.
func (r mailClientRow) proves() string {
	if s := r.ServiceAccount; s != nil {
		return "service account " + s.Email + ", id " + s.Sub
	}
	return "key with the thumbprint " + r.Thumbprint
}

// allowed says in short which mailboxes a mail client may have.
func (r mailClientRow) allowed() string {
	var parts []string
	if r.Mailboxes > 0 {
		parts = append(parts, quantity(r.Mailboxes, "mailbox", "mailboxes"))
	}
	for _, l := range r.Allow.Labels {
		parts = append(parts, "label "+l)
	}
	for _, d := range r.Allow.Domains {
		parts = append(parts, "@"+d)
	}
	return join(parts)
}

func quantity(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
