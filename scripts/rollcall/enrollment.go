package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/enrollment"
)

// tokenRow is what the tables show of an enrollment token.
type tokenRow struct {
	enrollment.Token
	Status string          `json:"status"`
	Used   *int            `json:"used"`
	Secret string          `json:"secret"`
	QR     json.RawMessage `json:"qr"`
}

func (t tokenRow) uses() string {
	switch {
	case t.Uses == 0:
		return "any"
	case t.Used != nil:
		return fmt.Sprintf("%d of %d", *t.Used, t.Uses)
	}
	return fmt.Sprint(t.Uses)
}

func (t tokenRow) owner() string {
	if t.Person == "" {
		return "dedicated"
	}
	return "person:" + t.Person
}

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "enrollment-token", Short: "Tokens with which devices enter an enterprise", Aliases: []string{"enrollment-tokens"}}
	cmd.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenShow(), a.tokenRevoke())
	return cmd
}

const tokenCreateHelp = `Create an enrollment token and print its secret.

The secret is shown this once and is stored nowhere; whoever has it can enroll
devices. Standard output is the secret alone, or with --qr the content of an
Android provisioning QR code (which holds the secret), so either can be piped:

  rollcall enrollment-token create --qr \
    --qr-admin-component com.example.agent/.AdminReceiver \
    --qr-package-location https://example.com/agent.apk \
    --qr-signature-checksum I5YvS0O5hXY46mb01BlRjq4oJJGs2kuUcHvVkAPEXlg | qrencode -o token.png`

func (a *app) tokenCreate() *cobra.Command {
	var body struct {
		Person      string   `json:"person,omitempty"`
		Uses        int      `json:"uses"`
		LifeSeconds int64    `json:"lifeSeconds"`
		AccountType string   `json:"accountType,omitempty"`
		Labels      []string `json:"labels,omitempty"`
		Note        string   `json:"note,omitempty"`
		QR          any      `json:"qr,omitempty"`
	}
	var qr struct {
		AdminComponent     string `json:"adminComponent"`
		PackageLocation    string `json:"packageLocation"`
		SignatureChecksum  string `json:"signatureChecksum"`
		LeaveAllSystemApps bool   `json:"leaveAllSystemApps,omitempty"`
	}
	var withQR bool
	life := period(24 * time.Hour)
	cmd := &cobra.Command{
		Use: "create", Short: "Create an enrollment token; its secret is shown once", Long: tokenCreateHelp, Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&body.Person, "person", "", "directory `id` of the person whose devices enroll; without it, dedicated devices")
	f.IntVar(&body.Uses, "uses", 1, "how many devices may enroll; 0 is any number")
	f.Var(&life, "life", "how long the token lives, at most 365d")
	f.StringVar(&body.AccountType, "account-type", "", "`type` of the devices' account, over the policy: userAccount or deviceAccount")
	f.StringArrayVar(&body.Labels, "label", nil, "`label` of the devices; may be repeated")
	f.StringVar(&body.Note, "note", "", "your own words")
	f.BoolVar(&withQR, "qr", false, "print the content of a provisioning QR code")
	f.StringVar(&qr.AdminComponent, "qr-admin-component", "", "the agent's device admin receiver, `PACKAGE/CLASS`")
	f.StringVar(&qr.PackageLocation, "qr-package-location", "", "https `URL` of the agent's APK")
	f.StringVar(&qr.SignatureChecksum, "qr-signature-checksum", "", "`SHA-256` of the APK's signing certificate in base64url")
	f.BoolVar(&qr.LeaveAllSystemApps, "qr-leave-all-system-apps", false, "keep the system's apps enabled")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("person") && body.Person == "" {
			// Left out it means dedicated devices, which an unset variable must not.
			return usagef("--person is empty; give the directory id of the person, or leave --person out for dedicated devices")
		}
		body.LifeSeconds = int64(time.Duration(life) / time.Second)
		if withQR {
			if qr.AdminComponent == "" || qr.PackageLocation == "" || qr.SignatureChecksum == "" {
				return usagef("--qr needs to know the agent: give --qr-admin-component, --qr-package-location and --qr-signature-checksum")
			}
			body.QR = qr
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		got, err := c.change(cmd.Context(), http.MethodPost, path+"/enrollment-tokens", body)
		if err != nil || a.json {
			if err == nil {
				err = a.printJSON(got)
			}
			return err
		}
		return a.printNewToken(got)
	}
	return cmd
}

func (a *app) printNewToken(body []byte) error {
	t, err := decode[tokenRow](body)
	if err != nil {
		return err
	}
	what := "the secret"
	out := t.Secret
	if len(t.QR) > 0 {
		what, out = "the QR code's content, which holds the secret,", string(t.QR)
	}
	if _, err := fmt.Fprintln(a.out, out); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	a.say("Above is %s of the enrollment token %s (%s, uses: %s, expires %s).", what, t.ID, t.owner(), t.uses(), a.ago(t.ExpiresAt))
	a.say("It is shown this once and stored nowhere. If it gets lost or into wrong hands:\n  rollcall enrollment-token revoke %s", t.ID)
	return nil
}

func (a *app) tokenList() *cobra.Command {
	var p pager
	cmd := &cobra.Command{Use: "list", Short: "List an enterprise's enrollment tokens, without their secrets", Args: cobra.NoArgs}
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		return show(cmd, a, &p, path+"/enrollment-tokens", nil,
			"There is no enrollment token yet; make one with: rollcall enrollment-token create",
			[]string{"ID", "STATUS", "FOR", "USES", "EXPIRES", "NOTE"},
			func(t tokenRow) []string {
				return []string{t.ID, t.Status, t.owner(), t.uses(), a.ago(t.ExpiresAt), t.Note}
			})
	}
	return cmd
}

func (a *app) tokenShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one enrollment token, without its secret", Args: exactlyOne,
		RunE: func(cmd *cobra.Command, args []string) error { return a.oneToken(cmd, http.MethodGet, args[0]) },
	}
}

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End an enrollment token; devices that enrolled with it stay", Args: exactlyOne,
		RunE: func(cmd *cobra.Command, args []string) error { return a.oneToken(cmd, http.MethodDelete, args[0]) },
	}
}

func (a *app) oneToken(cmd *cobra.Command, method, id string) error {
	path, err := a.of()
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	path += "/enrollment-tokens/" + segment(id)
	var got []byte
	if method == http.MethodGet {
		got, err = c.get(cmd.Context(), path, nil)
	} else {
		got, err = c.change(cmd.Context(), method, path, nil)
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got)
	}
	t, err := decode[tokenRow](got)
	if err != nil {
		return err
	}
	rows := [][]string{
		{"id", t.ID}, {"status", t.Status}, {"for", t.owner()}, {"uses", t.uses()},
		{"account type", string(t.AccountType)}, {"labels", join(t.Labels)}, {"note", t.Note},
		{"created", a.both(t.CreatedAt) + " by " + t.CreatedBy}, {"expires", a.both(t.ExpiresAt)},
	}
	if !t.RevokedAt.IsZero() {
		rows = append(rows, []string{"revoked", a.both(t.RevokedAt)})
	}
	return a.table(nil, rows)
}
