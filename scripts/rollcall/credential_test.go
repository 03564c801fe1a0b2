package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

// threeKeys are made once.
var threeKeys = sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, credential.LeastBits); err != nil {
			panic(err)
		}
	}
	return keys
})

// console is Google's, with two keys of one service account, and one of another, in
// files; what differs from run to run has names.
type console struct {
	*place
	google *googletest.TokenEndpoint
	names  *strings.Replacer
}

const tokenURI = "http://google.test/token"

func newConsole(t *testing.T) *console {
	t.Helper()
	keys := threeKeys()
	made := -1
	next := func() (*rsa.PrivateKey, error) { made++; return keys[made], nil }
	c := &console{place: newPlace(t), google: googletest.NewTokenEndpoint(googletest.TokenOptions{NewKey: next})}
	c.dir = t.TempDir()
	c.google.SetSubject("admin@example.com", googletest.SubjectActive)
	c.office.AnyTokenURI = true
	c.office.Tokens = func(ent string, stored secret.Value) *google.Tokens {
		return google.NewTokens(google.TokenOptions{
			Credential: func(context.Context) (secret.Value, error) { return stored, nil }, AnyTokenURI: true, Enterprise: ent,
			Base: googletest.InProcess(map[string]http.Handler{"google.test": c.google}), Log: slog.New(slog.DiscardHandler),
		})
	}
	var names []string
	for i, name := range []string{"old", "new", "other"} {
		account := map[bool]string{true: "other", false: "sync"}[i == 2]
		a, err := c.google.NewServiceAccount(account, tokenURI)
		if err != nil {
			t.Fatal(err)
		}
		// The simulator makes another client id with each key.
		client := map[bool]string{true: "204123456789012345678", false: "104123456789012345678"}[i == 2]
		a.JSON = []byte(strings.Replace(string(a.JSON), a.ClientID, client, 1))
		c.write(name+".json", string(a.JSON))
		print, err := credential.Fingerprint(&a.Key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, a.KeyID, "KEY-ID-"+name, print, "SHA-256-"+name)
		if i == 0 {
			c.google.Delegate(a.Email, doctor.ScopeReadUsers, doctor.ScopeUsers, doctor.ScopeSecurity)
			template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sync"}, NotBefore: clock, NotAfter: clock.AddDate(10, 0, 0)}
			der, err := x509.CreateCertificate(rand.Reader, template, template, &a.Key.PublicKey, a.Key)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			p12, err := pkcs12.Legacy.Encode(a.Key, cert, nil, "hunter2")
			if err != nil {
				t.Fatal(err)
			}
			c.write("old.p12", string(p12))
			c.write("cut.json", string(a.JSON[:len(a.JSON)/2]))
			c.write("foreign.json", strings.Replace(string(a.JSON), tokenURI, "https://evil.example.com/token", 1))
			c.write("renamed.json", strings.Replace(string(a.JSON), a.Email, "sync@another.iam.gserviceaccount.com", 1))
		}
	}
	c.write("oauth.json", `{"installed":{"client_id":"1","client_secret":"hunter2"}}`)
	c.write("password", "hunter2\n")
	c.names = strings.NewReplacer(append(names, c.dir, "DIR")...)
	return c
}

// company is a company with a directory, whose credential is the old one.
func (c *console) company() { c.place.company(); c.has("old.json") }

// reader is a mail client of a whole domain.
func (c *console) reader() {
	account := &mailclient.ServiceAccount{Email: "v@p.iam.gserviceaccount.com", Sub: "1000001"}
	c.put(func(tx *record.Tx) error {
		return tx.PutMailClient(mailclient.Client{
			ID: mailclient.AccountID(account.Sub), Enterprise: "acme", Name: "Voicemail", ServiceAccount: account,
			Scope: mailclient.Full, State: mailclient.Active, Allow: mailclient.Allow{Domains: []string{"example.com"}},
		})
	})
}

func (c *console) has(file string) {
	c.t.Helper()
	if code, _, errs := c.run(c.t.Context(), "credential", "import", c.dir+"/"+file); code != 0 {
		c.t.Fatal(errs)
	}
}

// several are enterprises with and without credentials.
func (c *console) several() {
	c.company()
	for _, id := range []string{"beta", "corp"} {
		c.put(func(tx *record.Tx) error {
			return tx.PutEnterprise(enterprise.Enterprise{ID: id, Name: id, Play: "LC-" + id, State: enterprise.Bound})
		})
	}
	file, err := c.office.Secrets.Access(c.t.Context(), directory.KeySecret("acme"))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, v := range map[string]secret.Value{tokens.PlayKey: file, directory.KeySecret("corp"): secret.New("hunter2")} {
		if err := c.office.Secrets.Put(c.t.Context(), name, v); err != nil {
			c.t.Fatal(err)
		}
	}
}

// TestCredentialCommands holds the outputs of the commands on credentials, and that
// none of them shows what is secret (invariant E3).
func TestCredentialCommands(t *testing.T) {
	t.Parallel()
	const p12 = " --p12 --email sync@sim-project.iam.gserviceaccount.com --client-id 104123456789012345678"
	acme := func(c *console) { c.acme() }
	for _, tc := range []struct {
		name  string
		setup func(*console)
		args  string
		code  int
	}{
		{"credential-import", acme, "credential import DIR/old.json", 0},
		{"credential-import-json", acme, "credential import DIR/old.json --json", 0},
		{"credential-import-verify", func(c *console) { c.place.company() }, "credential import DIR/old.json --verify", 0},
		{"credential-import-verify-fails", func(c *console) { c.place.company() }, "credential import DIR/other.json --verify", 4},
		{"credential-import-over", (*console).company, "credential import DIR/other.json --yes", 0},
		{"credential-import-over-alone", (*console).company, "credential import DIR/other.json", 2},
		{"credential-import-p12", acme, "credential import DIR/old.p12 --password-file DIR/password" + p12, 0},
		{"credential-import-p12-password", acme, "credential import DIR/old.p12" + p12, 2},
		{"credential-import-p12-nameless", acme, "credential import DIR/old.p12 --p12", 2},
		{"credential-import-p12-unsaid", acme, "credential import DIR/old.p12", 2},
		{"credential-import-keyless", acme, "credential import --keyless --email sync@sim-project.iam.gserviceaccount.com --client-id 104123456789012345678", 0},
		{"credential-import-keyless-person", acme, "credential import --keyless --email ada@example.com --client-id 104123456789012345678", 2},
		{"credential-import-keyless-file", acme, "credential import DIR/old.json --keyless --email x --client-id 1", 2},
		{"credential-import-oauth", acme, "credential import DIR/oauth.json", 2},
		{"credential-import-cut", acme, "credential import DIR/cut.json", 2},
		{"credential-import-renamed", acme, "credential import DIR/renamed.json", 2},
		{"credential-import-nothing", acme, "credential import", 2},
		{"credential-import-flags", acme, "credential import DIR/old.json --email a@b", 2},
		{"credential-import-no-file", acme, "credential import /nowhere/key.json", 2},
		{"credential-import-no-enterprise", func(*console) {}, "credential import DIR/old.json", 3},
		{"credential-rotate", (*console).company, "credential rotate DIR/new.json", 0},
		{"credential-rotate-json", (*console).company, "credential rotate DIR/new.json --json", 0},
		{"credential-rotate-untried", func(c *console) { c.acme(); c.reader(); c.has("old.json") }, "credential rotate DIR/other.json", 0},
		{"credential-rotate-same", (*console).company, "credential rotate DIR/old.json", 4},
		{"credential-rotate-scopes", (*console).company, "credential rotate DIR/other.json", 4},
		{"credential-rotate-none", acme, "credential rotate DIR/new.json", 3},
		{"credential-show", (*console).company, "credential show", 0},
		{"credential-show-json", (*console).company, "credential show acme --json", 0},
		{"credential-show-none", acme, "credential show", 3},
		{"credential-list", (*console).several, "credential list", 0},
		{"credential-list-json", (*console).several, "credential list --limit 1 --json", 0},
		{"credential-remove", func(c *console) { c.acme(); c.has("old.json") }, "credential remove --yes", 0},
		{"credential-remove-alone", func(c *console) { c.acme(); c.has("old.json") }, "credential remove", 2},
		{"credential-remove-needed", (*console).company, "credential remove --yes", 4},
		{"credential-remove-none", acme, "credential remove --yes", 3},
		{"credential-directory", (*console).company, "directory configure --google-key-file DIR/new.json", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			tc.setup(c)
			code, out, errs := c.run(t.Context(), strings.Fields(strings.ReplaceAll(tc.args, "DIR", c.dir))...)
			text := c.names.Replace(fmt.Sprintf("$ rollcall %s\n%s--- standard error, exit code %d\n%s", tc.args, out, code, errs))
			golden(t, tc.name, text)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, s := range append(c.google.Secrets(), "PRIVATE KEY", "MII", "hunter2") {
				if strings.Contains(out+errs, s) {
					t.Errorf("%q is shown", s)
				}
			}
		})
	}
}

// TestCredential_K1_AForeignTokenEndpointIsTheServersToRefuse: the command's own checks
// do not know what the server allows.
func TestCredential_K1_AForeignTokenEndpointIsTheServersToRefuse(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.place.company()
	c.office.AnyTokenURI = false
	for _, command := range []string{"credential import", "directory configure --google-key-file"} {
		code, out, errs := c.run(t.Context(), append(strings.Fields(command), c.dir+"/foreign.json")...)
		if code != exitUsage || !strings.Contains(errs, "token_uri: the key file sends its proofs to evil.example.com") {
			t.Errorf("%s: %d %s%s", command, code, out, errs)
		}
	}
}

// TestCredential_AsksBeforeAnotherIsReplaced.
func TestCredential_AsksBeforeAnotherIsReplaced(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{"yes\n": "other@", "no\n": "sync@"} {
		c := newConsole(t)
		c.company()
		c.in, c.person = strings.NewReader(answer), true
		_, _, errs := c.run(t.Context(), "credential", "import", c.dir+"/other.json")
		if !strings.Contains(errs, "There is a credential already, of sync@sim-project.iam.gserviceaccount.com.") {
			t.Errorf("asks %s", errs)
		}
		if _, out, _ := c.run(t.Context(), "credential", "show"); !strings.Contains(out, want) {
			t.Errorf("%q: %s", answer, out)
		}
	}
}
