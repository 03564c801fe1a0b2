package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// The public key of RFC 7517's appendix A.1 as JWK and as PEM.
const (
	publicJWK = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	publicPEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMKBCTNIcKUSDii11ySs3526iDZ8A
iTo7Tu6KPAqv7D7gS2XpJFbZiItSs3m9+9Ue6GnvHw/GW2ZZaVtszggXIw==
-----END PUBLIC KEY-----
`
	gateway = "100000000000000000001"
)

var gatewayID = mailclient.AccountID(gateway)

// mailOffice is a company with a credential, a mail client, and a mail server that lets
// Ann in.
func (c *console) mailOffice() {
	c.t.Helper()
	c.place.company()
	c.has("old.json")
	c.google.Delegate("sync@sim-project.iam.gserviceaccount.com", mailclient.Full.URL(), mailclient.IMAPAdmin.URL())
	for _, who := range []string{"ann@example.com", "bob@example.com"} {
		c.google.SetSubject(who, googletest.SubjectActive)
	}
	c.office.MailTokenURL = "https://emm.example.com/mailtoken"
	c.office.IMAP = func(_ context.Context, _ imap.Server, mailbox string, token secret.Value) (imap.Result, error) {
		if g, ok := c.google.Grant(token.Reveal()); !ok || g.Subject != mailbox {
			c.t.Errorf("a token for %s", g.Subject)
		}
		if mailbox != "ann@example.com" {
			return imap.Result{}, fault.Wrap(errors.New("hunter2"), fault.Permanent, imap.ReasonOff, "IMAP is turned off for this mailbox.")
		}
		return imap.Result{Messages: 42}, nil
	}
	c.put(func(tx *record.Tx) error {
		return tx.PutMailClient(mailclient.Client{
			ID: gatewayID, Enterprise: "acme", Name: "Gateway", Scope: mailclient.IMAPAdmin, State: mailclient.Active, CreatedAt: clock.AddDate(0, 0, -3), UpdatedAt: clock.AddDate(0, 0, -1), UpdatedBy: "admin:ada@example.com",
			ServiceAccount: &mailclient.ServiceAccount{Email: "gw@p.iam.gserviceaccount.com", Sub: gateway},
			Allow:          mailclient.Allow{Mailboxes: []string{"ann@example.com", "bob@example.com"}, Labels: []string{"voicemail"}, Domains: []string{"example.org"}},
		})
	})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	otherDER, err := x509.MarshalPKIXPublicKey(other.Public())
	if err != nil {
		c.t.Fatal(err)
	}
	for name, content := range map[string]string{
		"public.jwk": publicJWK, "public.pem": publicPEM, "private.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"private.jwk": strings.Replace(publicJWK, "{", `{"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",`, 1),
		"other.pem":   string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: otherDER})), "none.pem": "hunter2",
		"mailboxes": "# voicemail\nann@example.com\n\n  bob@example.com # Bob\r\n", "empty": "# nothing\n", "bad": "ann@example.com\nnobody\n",
	} {
		c.write(name, content)
	}
}

// TestMailCommands holds the outputs of the commands on mail clients.
func TestMailCommands(t *testing.T) {
	t.Parallel()
	const create = "mail client create --name Voicemail "
	for _, tc := range []struct {
		name, args string
		code       int
	}{
		{"mail-client-create", create + "--key DIR/public.pem --label voicemail --mailbox ann@example.com --mailboxes-file DIR/mailboxes --scope imap_admin", 2}, // twice
		{"mail-client-create-pem", create + "--key DIR/public.pem --label voicemail --mailboxes-file DIR/mailboxes", 0},
		{"mail-client-create-jwk", create + "--key DIR/public.jwk --domain example.com --scope imap_admin --json", 0},
		{"mail-client-create-account", create + "--service-account v@p.iam.gserviceaccount.com --service-account-id 100000000000000000002 --domain example.com", 0},
		{"mail-client-create-again", create + "--service-account gw@p.iam.gserviceaccount.com --service-account-id " + gateway + " --domain example.com", 4},
		{"mail-client-create-person", create + "--service-account ada@example.com --service-account-id 100000000000000000002 --domain example.com", 2},
		{"mail-client-create-private", create + "--key DIR/private.pem --label a", 2},
		{"mail-client-create-private-jwk", create + "--key DIR/private.jwk --label a", 2},
		{"mail-client-create-curve", create + "--key DIR/other.pem --label a", 2},
		{"mail-client-create-no-key", create + "--key DIR/none.pem --label a", 2},
		{"mail-client-create-nobody", create + "--label a", 2},
		{"mail-client-create-nothing", create + "--key DIR/public.pem", 2},
		{"mail-client-create-empty", create + "--key DIR/public.pem --mailboxes-file DIR/empty", 2},
		{"mail-client-create-bad", create + "--key DIR/public.pem --mailboxes-file DIR/bad", 2},
		{"mail-client-create-scope", create + "--key DIR/public.pem --label a --scope imap", 2},
		{"mail-client-list", "mail client list", 0},
		{"mail-client-list-json", "mail client list --json", 0},
		{"mail-client-show", "mail client show ID", 0},
		{"mail-client-show-json", "mail client show ID --json", 0},
		{"mail-client-show-missing", "mail client show x", 3},
		{"mail-client-change", "mail client change ID --mailboxes-file DIR/mailboxes --label= --name New --state revoked", 0},
		{"mail-client-change-same", "mail client change ID --label voicemail", 0},
		{"mail-client-change-nothing", "mail client change ID", 2},
		{"mail-client-change-state", "mail client change ID --state off", 2},
		{"mail-client-remove", "mail client remove ID --yes", 0},
		{"mail-client-remove-alone", "mail client remove ID", 2},
		{"mail-client-remove-missing", "mail client remove x --yes", 3},
		{"mail-settings", "mail settings", 0},
		{"mail-settings-client", "mail settings ID", 0},
		{"mail-settings-json", "mail settings ID --json", 0},
		{"mail-settings-yaml", "mail settings ID --yaml", 0},
		{"mail-settings-both", "mail settings --yaml --json", 2},
		{"mail-settings-missing", "mail settings x", 3},
		{"mail-check", "mail check ann@example.com", 0},
		{"mail-check-json", "mail check ann@example.com --scope full --json", 0},
		{"mail-check-off", "mail check bob@example.com", 1},
		{"mail-check-nobody", "mail check nobody@example.com", 1},
		{"mail-check-nobody-json", "mail check nobody@example.com --json", 1},
		{"mail-check-bad", "mail check nobody", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			c.mailOffice()
			args := strings.NewReplacer("DIR", c.dir, "ID", gatewayID).Replace(tc.args)
			code, out, errs := c.run(t.Context(), strings.Fields(args)...)
			text := c.names.Replace(fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", tc.args, out, code, errs))
			golden(t, tc.name, text)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, s := range append(c.google.Secrets(), "PRIVATE KEY", "MII", "hunter2", "870MB") {
				if strings.Contains(out+errs, s) {
					t.Errorf("%q is shown", s)
				}
			}
		})
	}
}

// TestMailSettings_YAMLSaysWhatJSONSays.
func TestMailSettings_YAMLSaysWhatJSONSays(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.mailOffice()
	var docs [2]map[string]any
	for i, form := range []string{"--json", "--yaml"} {
		_, out, errs := c.run(t.Context(), "mail", "settings", gatewayID, form)
		if err := yaml.Unmarshal([]byte(out), &docs[i]); err != nil {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
	}
	if a, b := fmt.Sprintf("%#v", docs[0]), fmt.Sprintf("%#v", docs[1]); a != b || !strings.Contains(a, `"`+gateway+`"`) {
		t.Errorf("JSON says\n%s\nYAML says\n%s", a, b)
	}
}

// TestAKeyIsTheSameInEitherForm.
func TestAKeyIsTheSameInEitherForm(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.mailOffice()
	for i, file := range []string{"public.pem", "public.jwk"} {
		code, out, errs := c.run(t.Context(), "mail", "client", "create", "--name", "V", "--key", c.dir+"/"+file, "--label", "a")
		if want := []int{0, exitRefused}[i]; code != want || i == 0 && !strings.Contains(out, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s") {
			t.Errorf("%s: %d %s%s", file, code, out, errs)
		}
	}
}
