package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// serviceAccount is a key file of Google's form, and two pieces of its secret.
func serviceAccount(t *testing.T, tokenURI string) (file string, secrets []string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	b, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "private_key_id": "0123456789abcdef", "private_key": block,
		"client_email": "sync@p.iam.gserviceaccount.com", "client_id": "104123456789012345678", "token_uri": tokenURI,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b), []string{"PRIVATE KEY", strings.Split(block, "\n")[5]}
}

func TestConfigure_E3_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.acme()
	p.dir = t.TempDir()
	file, secrets := serviceAccount(t, "https://oauth2.googleapis.com/token")
	foreign, more := serviceAccount(t, "https://evil.example.com/token")
	secrets = append(append(secrets, more...), "hunter2")
	p.write("key.json", file)
	p.write("foreign.json", foreign)
	p.write("ca.pem", "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
	path := func(name string) string { return filepath.Join(p.dir, name) }
	ldap := []string{
		"directory", "configure", "acme", "--mode", "read-write", "--ldap-url", "ldaps://ldap.example.com", "--base-dn", "dc=example,dc=com",
		"--bind-dn", "cn=rollcall,dc=example,dc=com", "--google-subject", "admin@example.com", "--schema", "ad", "--org-unit", "/Sales", "--default-unit", "/Sales/New", "--group", "cn=g,dc=example,dc=com",
		"--exclude-mail", "root@example.com", "--exclude-unit", "ou=x,dc=example,dc=com", "--grace-days", "0", "--delete-after-days", "30",
		"--drop-percent", "10", "--full-every", "12h", "--domain", "example.com", "--watch", "--filter", "(mail=*)", "--incremental", "usn", "--security", "tls",
	}
	for _, tc := range []struct {
		args []string
		in   string
		code int
		text string
	}{
		{append(ldap, "--bind-password-file", "-", "--google-key-file", path("key.json")), "hunter2\r\n", 0, "grant the\n  client id 104123456789012345678"},
		{[]string{"directory", "configure", "--show"}, "", 0, "public key SHA-256"},
		{[]string{"directory", "configure"}, "", 0, "sync@p.iam.gserviceaccount.com"},
		{[]string{"directory", "configure", "--google-key-file", path("foreign.json")}, "", 2, "--google-key-file: token_uri"},
		{[]string{"directory", "configure", "--google-key-file", path("ca.pem")}, "", 2, "this is a bare key in PEM"},
		{[]string{"directory", "configure", "--ca-file", path("ca.pem")}, "", 2, "ldap.ca"},
		{[]string{"directory", "configure", "--ca-file", path("none.pem")}, "", 2, "cannot be read"},
		{[]string{"directory", "configure", "--bind-password-file", "-"}, "\n", 2, "is empty"},
		{[]string{"directory", "configure", "--bind-password-file", "-"}, strings.Repeat("hunter2", 200), 2, "password: "},
		{[]string{"directory", "configure", "--file", "-", "--bind-password-file", "-"}, "hunter2", 2, "cannot be both"},
		{[]string{"directory", "configure", "--file", "-"}, "hunter2", 2, "neither YAML nor JSON"},
		{[]string{"directory", "configure", "--full-every", "90m"}, "", 2, "whole hours"},
		{[]string{"directory", "configure", "--show", "--paused"}, "", 2, "alone"},
		{[]string{"directory", "configure", "--remove", "--paused"}, "", 2, "alone"},
		{[]string{"directory", "configure", "--paused"}, "", 0, "paused"},
		{[]string{"directory", "configure", "--paused=false", "--exclude-mail="}, "", 0, "What a sync would do now"},
	} {
		p.in = strings.NewReader(tc.in)
		code, out, errs := p.run(t.Context(), tc.args...)
		if code != tc.code || !strings.Contains(out+errs, tc.text) {
			t.Errorf("%v: code %d, want %d and %q:\n%s%s", tc.args[2:], code, tc.code, tc.text, out, errs)
		}
		for _, s := range secrets {
			if strings.Contains(out+errs, s) {
				t.Errorf("%v shows %q", tc.args[2:], s)
			}
		}
	}

	kept, err := p.office.Secrets.Access(t.Context(), directory.BindSecret("acme"))
	if err != nil || kept.Reveal() != "hunter2" {
		t.Errorf("the password is not kept as it was given: %v", err)
	}
	c, err := p.db.Directory(t.Context(), "acme")
	if err != nil || c.Paused || len(c.Exclude.Mails) > 0 || len(c.Exclude.Units) != 1 || c.FullEveryHours != 12 || c.LDAP.Filter != "(mail=*)" {
		t.Errorf("configured %+v, %v", c, err)
	}
	records, _, err := p.db.Audit(t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	trail, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if strings.Contains(string(trail), s) {
			t.Errorf("the trail holds %q", s)
		}
	}
}

// TestConfigurationRoundTrip proves that what is shown can be given again.
func TestConfigurationRoundTrip(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	_, shown, _ := p.run(t.Context(), "directory", "configure", "--show", "--json")
	p.in = strings.NewReader(shown)
	code, out, errs := p.run(t.Context(), "directory", "configure", "--file", "-", "--json")
	if code != 0 || out != shown {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	p.in = strings.NewReader(strings.Replace(shown, `"revision": 3`, `"revision": 2`, 1))
	if code, _, errs = p.run(t.Context(), "directory", "configure", "--file", "-"); code != exitRefused || !strings.Contains(errs, "has the revision 3 by now") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestRemoveDirectoryAsks(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.company()
	p.person = true
	p.in = strings.NewReader("no\n")
	if code, _, errs := p.run(t.Context(), "directory", "configure", "--remove"); code != exitFailed || !strings.Contains(errs, "People, devices and accounts stay") {
		t.Errorf("code %d: %s", code, errs)
	}
	p.in = strings.NewReader("yes\n")
	if code, _, errs := p.run(t.Context(), "directory", "configure", "--remove"); code != 0 {
		t.Errorf("code %d: %s", code, errs)
	}
	if _, err := p.db.Directory(t.Context(), "acme"); err == nil {
		t.Error("it is still there")
	}
}
