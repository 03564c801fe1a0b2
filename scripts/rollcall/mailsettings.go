package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

const mailSettingsHelp = `Print all that the administrator of a mail server needs, in one document: where to get
tokens, as whom, and where to sign in to IMAP with them. With a mail client it says how
that one proves itself and which mailboxes it may have. There is no secret in it.`

// mailServerRow is the document.
type mailServerRow struct {
	Enterprise string `json:"enterprise"`
	IMAP       struct {
		Host           string `json:"host"`
		Port           int    `json:"port"`
		TLS            string `json:"tls"`
		Mechanism      string `json:"mechanism"`
		GoogleClientID string `json:"googleClientId"`
	} `json:"imap"`
	Token struct {
		URL          string `json:"url"`
		Method       string `json:"method"`
		ContentType  string `json:"contentType"`
		MaxMailboxes int    `json:"maxMailboxes"`
	} `json:"token"`
	Client *struct {
		ID             string                     `json:"id"`
		Name           string                     `json:"name"`
		State          string                     `json:"state"`
		Proof          string                     `json:"proof"`
		Thumbprint     string                     `json:"thumbprint"`
		ServiceAccount *mailclient.ServiceAccount `json:"serviceAccount"`
		Audience       string                     `json:"audience"`
		Scope          string                     `json:"scope"`
		Allow          mailclient.Allow           `json:"allow"`
	} `json:"client"`
}

func (a *app) mailSettings() *cobra.Command {
	var asYAML bool
	cmd := &cobra.Command{
		Use: "settings [MAILCLIENT]", Short: "Print what a mail server's administrator needs", Long: mailSettingsHelp, Args: cobra.MaximumNArgs(1),
		Example: "  rollcall mail settings\n  rollcall mail settings m2k4v --yaml > rollcall.yaml",
	}
	cmd.Flags().BoolVar(&asYAML, "yaml", false, "print YAML")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		if asYAML && a.json {
			return usagef("give --yaml or --json, not both")
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		query := url.Values{}
		if len(args) > 0 {
			query.Set("client", args[0])
		}
		got, err := c.get(cmd.Context(), path+"/mail-server", query)
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(got)
		case asYAML:
			return a.printYAML(got)
		}
		r, err := decode[mailServerRow](got)
		if err != nil {
			return err
		}
		if err := a.table(nil, mailServerRows(r)); err != nil {
			return err
		}
		if r.Client == nil {
			a.say("Name a mail client for how it proves itself: %s", a.command("mail client list"))
		}
		return nil
	}
	return cmd
}

func mailServerRows(r mailServerRow) [][]string {
	rows := [][]string{
		{"IMAP server", r.IMAP.Host}, {"port", fmt.Sprint(r.IMAP.Port)}, {"connection", upperTLS(r.IMAP.TLS)},
		{"sign-in", "AUTHENTICATE " + r.IMAP.Mechanism + ", with the member xoauth2 of the token's item"},
		{"token URL", r.Token.URL}, {"request", fmt.Sprintf(`%s, %s: {"mailboxes": ["ADDRESS", ...]}, up to %d`, r.Token.Method, r.Token.ContentType, r.Token.MaxMailboxes)},
	}
	if r.IMAP.GoogleClientID != "" {
		rows = append(rows, []string{"client id at Google", r.IMAP.GoogleClientID + " (to be listed where Google lets only certain mail clients in)"})
	}
	c := r.Client
	if c == nil {
		return rows
	}
	rows = append(rows, []string{"mail client", c.ID + ", " + c.Name + ", " + c.State})
	if s := c.ServiceAccount; s != nil {
		rows = append(rows, []string{"proof", "header Authorization: Bearer, an ID token of " + s.Email + " (id " + s.Sub + ")"}, []string{"audience", c.Audience})
	} else {
		rows = append(rows, []string{"proof", "header DPoP, signed by the key with the thumbprint " + c.Thumbprint})
	}
	row := mailClientRow{Client: mailclient.Client{Allow: c.Allow}, Mailboxes: len(c.Allow.Mailboxes)}
	return append(rows, []string{"scope", c.Scope}, []string{"mailboxes", row.allowed()})
}

func upperTLS(s string) string {
	if s == "tls" {
		return "TLS from the first byte"
	}
	return strings.ToUpper(s)
}

// printYAML prints JSON as YAML, with its members in the order in which they came.
func (a *app) printYAML(raw []byte) error {
	if !json.Valid(raw) {
		return failf(exitFailed, "the server's reply is not JSON; check --url")
	}
	var doc yaml.Node
	// JSON is YAML.
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return failf(exitFailed, "the server's reply cannot be written as YAML")
	}
	plain(&doc)
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return failf(exitFailed, "the server's reply cannot be written as YAML")
	}
	if _, err := a.out.Write(out); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	return nil
}

// plain takes away the braces and quotes that JSON has, where YAML needs none.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}
