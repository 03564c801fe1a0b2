package main

import (
	"encoding/json"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/credential"
)

const credentialHelp = `The credential with which an enterprise proves itself to Google, for its directory
and for mail: a service account's key file, or a service account that signs without a
key. It is kept in the secret store and never shown. What is shown of it is for
comparison with Google Cloud's console (IAM & Admin, Service Accounts): the client id,
the address, the key id, and the SHA-256 of the public key.

  rollcall credential import key.json           # as Google's console handed it out
  rollcall doctor                               # which scopes it needs, and has
  rollcall credential rotate new-key.json       # tried at Google before the old one goes`

func (a *app) credentialCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "credential", Short: "How an enterprise proves itself to Google", Long: credentialHelp, Aliases: []string{"credentials"}}
	cmd.AddCommand(a.credentialImport(), a.credentialRotate(), a.credentialShow(), a.credentialList(), a.credentialRemove())
	return cmd
}

func (a *app) credentialShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [ENTERPRISE]", Short: "Show what to compare with Google's console", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.enterprisePath(args)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			got, err := c.get(cmd.Context(), path+"/credential", nil)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(got)
			}
			v, err := decode[credential.View](got)
			if err != nil {
				return err
			}
			return a.table(nil, credentialRows(v))
		},
	}
}

// credentialRows are for comparison with Google's console.
func credentialRows(v credential.View) [][]string {
	kind := "key file"
	if v.Kind == credential.Keyless {
		kind = "keyless: Google signs, and there is no key to keep"
	}
	rows := [][]string{{"kind", kind}, {"service account", v.ClientEmail}, {"client id", v.ClientID}}
	if v.Kind != credential.Keyless {
		id := v.KeyID
		if id == "" {
			id = "not told by the file; compare the SHA-256"
		}
		rows = append(rows, []string{"key id", id}, []string{"public key SHA-256", v.Fingerprint})
	}
	if v.TokenURI != credential.TokenURI {
		rows = append(rows, []string{"token endpoint", v.TokenURI})
	}
	return rows
}

// credentialStand is how one credential stands.
type credentialStand struct {
	Enterprise string           `json:"enterprise"`
	Set        bool             `json:"set"`
	Credential *credential.View `json:"credential"`
	Problem    string           `json:"problem"`
}

func (s credentialStand) row() []string {
	name := s.Enterprise
	if name == "" {
		name = "(Google Play)"
	}
	switch {
	case s.Problem != "":
		return []string{name, "NOT USABLE", "", "", s.Problem}
	case !s.Set || s.Credential == nil:
		return []string{name, "NOT SET", "", "", ""}
	}
	v := *s.Credential
	id := v.KeyID
	if id == "" && v.Fingerprint != "" {
		id = "SHA-256 " + v.Fingerprint
	}
	return []string{name, string(v.Kind), v.ClientEmail, v.ClientID, id}
}

func (a *app) credentialList() *cobra.Command {
	var p pager
	cmd := &cobra.Command{
		Use: "list", Short: "List the credentials of all enterprises, and the one for Google Play", Args: cobra.NoArgs,
		Long: "List the credentials of all enterprises, also of those that have none, and the key\nwith which Google Play is called for all of them (the secret play-key).",
	}
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		l, err := p.list(cmd.Context(), c, "/v1/credentials", nil)
		if err != nil {
			return err
		}
		got, err := c.get(cmd.Context(), "/v1/credentials", map[string][]string{"limit": {"1"}})
		if err != nil {
			return err
		}
		first, err := decode[struct {
			Play json.RawMessage `json:"play"`
		}](got)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(struct {
				listing
				Play json.RawMessage `json:"play"`
			}{l, first.Play})
		}
		stands, err := items[credentialStand](l)
		if err != nil {
			return err
		}
		play, err := decode[credentialStand](first.Play)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range append(stands, play) {
			rows = append(rows, s.row())
		}
		if err := a.table([]string{"ENTERPRISE", "KIND", "SERVICE ACCOUNT", "CLIENT ID", "KEY"}, rows); err != nil {
			return err
		}
		if l.Next != "" {
			a.say("There is more: add --next %s, or --limit 0 for all.", l.Next)
		}
		return nil
	}
	return cmd
}

func (a *app) credentialRemove() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove [ENTERPRISE]", Short: "Remove an enterprise's credential", Args: cobra.MaximumNArgs(1),
		Long: "Remove an enterprise's credential from the secret store. While a directory, a password\n" +
			"policy or a mail client needs it, that is refused; a key that others may have got hold\nof is rotated instead, and deleted in Google's console. It asks first.",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.enterprisePath(args)
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		old, err := c.credential(cmd.Context(), path)
		if err != nil {
			return err
		}
		if !yes {
			if err := a.confirm(cmd.Context(), "credential remove", "Remove the Google credential of "+a.enterprise+"? It cannot be had back from Rollcall."); err != nil {
				return err
			}
		}
		if _, err := c.change(cmd.Context(), http.MethodDelete, path+"/credential", nil); err != nil {
			return err
		}
		a.say("Removed from the secret store.")
		a.sayOld(old, nil)
		return nil
	}
	return cmd
}
