package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, credential.LeastBits)
	if err != nil {
		panic(err)
	}
	return key
})

// keyFile is a key file of Google's form with some members replaced; "" takes a
// member out.
func keyFile(t *testing.T, other map[string]string) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(testKey())
	if err != nil {
		t.Fatal(err)
	}
	f := map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "0123456789abcdef",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "sync@p.iam.gserviceaccount.com", "client_id": "104123456789012345678",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	maps.Copy(f, other)
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBindPassword_E3_IsNeverShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path := dirPath + "/bind-password"
	const password = "hunter2-ü-\"quoted\""
	check := func(set bool) {
		t.Helper()
		var got secretView
		b.want(200, "GET", path, "", &got)
		if got.Set != set {
			t.Errorf("set is %v, want %v", got.Set, set)
		}
	}
	check(false)
	body, _ := json.Marshal(map[string]string{"password": password})
	w := b.do("PUT", path, string(body))
	if w.Code != 200 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	check(true)
	kept, err := b.office.Secrets.Access(t.Context(), directory.BindSecret("acme"))
	if err != nil || kept.Reveal() != password {
		t.Errorf("it is not kept as it was given: %v", err)
	}
	for _, wrong := range []string{
		`{"password":""}`, `{}`, `{"password":7}`, `{"Password":"hunter2"}`, `{"hunter2":""}`, `"hunter2"`, `hunter2`, `{"password":"hunter2`,
		`{"password":"hunter2","hunter2":1}`, `{"password":"hunter2\u0000"}`, `{"password":"` + strings.Repeat("hunter2", 200) + `"}`,
	} {
		if w := b.do("PUT", path, wrong); w.Code != 400 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), `"field":"password"`) {
			t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
		}
	}
	b.want(204, "DELETE", path, "", nil)
	check(false)
	b.want(204, "DELETE", path, "", nil)
	b.refuse(404, "PUT", "/v1/enterprises/nobody/directory/bind-password", string(body), "", "no enterprise")
	b.leaksNothing("hunter2")
	want := []string{
		"admin:local directory.bind-password enterprise:acme ok", "admin:local directory.bind-password enterprise:acme ok",
		"admin:local directory.bind-password enterprise:acme ok",
	}
	if d := cmp.Diff(want, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

// leaksNothing looks for a secret in the log and in the trail.
func (b *bench) leaksNothing(secrets ...string) {
	b.t.Helper()
	records, _, err := b.office.DB.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	trail, err := json.Marshal(records)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range secrets {
		if bytes.Contains(b.log.Bytes(), []byte(s)) || bytes.Contains(trail, []byte(s)) {
			b.t.Errorf("%q is in the log or the trail", s)
		}
	}
}

func TestGoogleKey_K1_IsCheckedAndShownByFingerprint(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path := dirPath + "/google-key"
	var got keyView
	b.want(200, "GET", path, "", &got)
	if got != (keyView{}) {
		t.Errorf("none is shown as %+v", got)
	}
	der, err := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	want := keyView{
		Set: true, ClientID: "104123456789012345678", ClientEmail: "sync@p.iam.gserviceaccount.com",
		KeyID: "0123456789abcdef", Fingerprint: hex.EncodeToString(sum[:]),
	}
	file := keyFile(t, nil)
	for _, method := range []string{"PUT", "GET"} {
		body := ""
		if method == "PUT" {
			body = file
		}
		got = keyView{}
		b.want(200, method, path, body, &got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", method, d)
		}
	}
	kept, err := b.office.Secrets.Access(t.Context(), directory.KeySecret("acme"))
	if err != nil || kept.Reveal() != file {
		t.Errorf("it is not kept as it was given: %v", err)
	}
	b.leaksNothing("PRIVATE KEY", "MII")
	b.want(204, "DELETE", path, "", nil)
	if _, err := b.office.Secrets.Access(t.Context(), directory.KeySecret("acme")); fault.KindOf(err) != fault.NotFound {
		t.Error("the key is still there")
	}
}

// brokenSecrets is a store that fails.
type brokenSecrets struct{}

var errBroken = fault.New(fault.Permanent, "secretmanager-permission", "grant the role")

func (brokenSecrets) Access(context.Context, string) (secret.Value, error) {
	return secret.Value{}, errBroken
}
func (brokenSecrets) Newest(context.Context, string) (secret.Value, secret.Version, error) {
	return secret.Value{}, "", errBroken
}
func (brokenSecrets) Replace(context.Context, string, secret.Version, secret.Value) (secret.Version, []secret.Value, error) {
	return "", nil, errBroken
}
func (brokenSecrets) Retire(context.Context, string, secret.Version) error { return errBroken }
func (brokenSecrets) Put(context.Context, string, secret.Value) error      { return errBroken }
func (brokenSecrets) Delete(context.Context, string) error                 { return errBroken }

func TestSecretsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	b.office.Secrets = brokenSecrets{}
	b.refuse(502, "PUT", dirPath+"/bind-password", `{"password":"hunter2"}`, "", "grant the role")
	b.refuse(502, "PUT", dirPath+"/google-key", keyFile(t, nil), "", "grant the role")
	b.refuse(502, "GET", dirPath+"/bind-password", "", "", "grant the role")
	b.refuse(502, "GET", dirPath+"/google-key", "", "", "grant the role")
	b.refuse(502, "DELETE", dirPath+"/google-key", "", "", "grant the role")
	b.refuse(502, "DELETE", dirPath, "", "", "grant the role")
	b.want(200, "GET", dirPath, "", nil) // so that removing it can be tried again
	b.leaksNothing("hunter2", "PRIVATE KEY")
	for _, action := range []string{"directory.bind-password", "directory.google-key", "directory.remove"} {
		if want := "admin:local " + action + " enterprise:acme secretmanager-permission"; !slices.Contains(b.trail("acme"), want) {
			t.Errorf("the trail lacks %q: %v", want, b.trail("acme"))
		}
	}
}

func TestGoogleKeyRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path := dirPath + "/google-key"
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(short)}))
	for _, tc := range []struct {
		name  string
		other map[string]string
		field string
		text  string
	}{
		{"a person's login", map[string]string{"type": "authorized_user"}, "type", "service_account"},
		{"no type", map[string]string{"type": ""}, "type", "service_account"},
		{"no address", map[string]string{"client_email": ""}, "client_email", "address"},
		{"strange address", map[string]string{"client_email": "a@b\x1b[2J"}, "client_email", "address"},
		{"no client id", map[string]string{"client_id": ""}, "client_id", "number"},
		{"no key", map[string]string{"private_key": ""}, "private_key", "RSA"},
		{"broken key", map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, "private_key", "RSA"},
		{"weak key", map[string]string{"private_key": weak}, "private_key", "2048"},
		{"foreign token endpoint", map[string]string{"token_uri": "https://evil.example.com/token"}, "token_uri", "evil.example.com"},
		{"no token endpoint", map[string]string{"token_uri": ""}, "token_uri", "not Google's"},
		{"token endpoint in the clear", map[string]string{"token_uri": "http://oauth2.googleapis.com/token"}, "token_uri", "not Google's"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.refuse(400, "PUT", path, keyFile(t, tc.other), tc.field, tc.text)
		})
	}
	b.refuse(400, "PUT", path, `["MII"]`, "", "not a service account's key file")
	b.refuse(413, "PUT", path, keyFile(t, map[string]string{"x": strings.Repeat("x", maxKeyBody)}), "", "at most")
	b.leaksNothing("PRIVATE KEY", "MII", "AAAA")

	b.office.AnyTokenURI = true // development
	b.want(200, "PUT", path, keyFile(t, map[string]string{"token_uri": "http://127.0.0.1:1/token"}), nil)
}
