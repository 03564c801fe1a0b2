package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

func TestCredential_K1_IsImportedShownAndRemoved(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	d.refuse(404, "GET", credentialPath, "", "", "rollcall credential import")
	d.refuse(404, "DELETE", credentialPath, "", "", "rollcall credential import")
	a := d.account("sync")
	w := d.do("PUT", credentialPath, keyBody(a.JSON))
	var put credentialReply
	if err := json.Unmarshal(w.Body.Bytes(), &put); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	print, err := credential.Fingerprint(&a.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	want := credentialView{"acme", credential.View{
		Kind: credential.Key, ClientID: a.ClientID, ClientEmail: a.Email, KeyID: a.KeyID, Fingerprint: print, TokenURI: "http://google.test/token",
	}}
	if diff := cmp.Diff(credentialReply{Credential: want}, put); diff != "" {
		t.Errorf("PUT: -want +got:\n%s", diff)
	}
	var got credentialView
	shown := d.do("GET", credentialPath, "")
	d.want(200, "GET", credentialPath, "", &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GET: -want +got:\n%s", diff)
	}
	d.keeps(a)
	next := d.account("sync")
	d.want(200, "PUT", credentialPath, keyBody(next.JSON), &put)
	if put.Replaced == nil || put.Replaced.KeyID != a.KeyID || d.faults.Calls(googletest.TokenMethod) > 0 {
		t.Errorf("replaced %+v, after %d calls", put.Replaced, d.faults.Calls(googletest.TokenMethod))
	}
	d.want(204, "DELETE", credentialPath, "", nil)
	if _, err := d.office.Secrets.Access(t.Context(), directory.KeySecret("acme")); fault.KindOf(err) != fault.NotFound {
		t.Error("it is still there")
	}
	d.leaks(w.Body.String(), shown.Body.String())
	trail := fmt.Sprint(d.trail("acme"))
	for _, action := range []string{"credential.import", "credential.remove"} {
		if !strings.Contains(trail, "admin:local "+action+" enterprise:acme ok") {
			t.Errorf("the trail lacks %s: %s", action, trail)
		}
	}
	if !strings.Contains(d.trailText(), print) {
		t.Error("the trail does not name the key by its fingerprint")
	}
}

func TestCredential_K1_TakesP12AndKeyless(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	const email, client = "sync@p.iam.gserviceaccount.com", "104123456789012345678"
	print, err := credential.Fingerprint(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	view := credential.View{Kind: credential.Key, ClientID: client, ClientEmail: email, Fingerprint: print, TokenURI: credential.TokenURI}
	keyless := credential.View{Kind: credential.Keyless, ClientID: client, ClientEmail: email, TokenURI: credential.TokenURI}
	names := `"email":"` + email + `","clientId":"` + client + `"`
	for _, tc := range []struct {
		body string
		want credential.View
	}{
		{`{"p12":"` + p12File(t, "notasecret") + `",` + names + `}`, view},
		{`{"p12":"` + p12File(t, "another") + `","p12Password":"another",` + names + `}`, view},
		{`{"keyless":{` + names + `}}`, keyless},
	} {
		var put credentialReply
		b.want(200, "PUT", credentialPath, tc.body, &put)
		if diff := cmp.Diff(tc.want, put.Credential.View); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		var got credentialView
		b.want(200, "GET", credentialPath, "", &got)
		if diff := cmp.Diff(tc.want, got.View); diff != "" {
			t.Errorf("GET: -want +got:\n%s", diff)
		}
	}
	b.leaksNothing("PRIVATE KEY", "MII", "another")
}

func TestCredential_K1_RefusalsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	const names = `"email":"sync@p.iam.gserviceaccount.com","clientId":"104123456789012345678"`
	good := p12File(t, "notasecret")
	key := func(other map[string]string) string { return `{"key":` + keyFile(t, other) + `}` }
	for _, tc := range []struct{ name, body, field, text string }{
		{"an OAuth client's file", `{"key":{"installed":{"client_id":"1","client_secret":"hunter2"}}}`, "key.installed", "people sign in by themselves"},
		{"a person's sign-in", key(map[string]string{"type": "authorized_user"}), "key.type", "service_account"},
		{"no address", key(map[string]string{"client_email": ""}), "key.client_email", "address"},
		{"an address that is not the key's", key(map[string]string{"client_email": "other@q.iam.gserviceaccount.com"}), "key.client_email", "not that of the key"},
		{"no client id", key(map[string]string{"client_id": ""}), "key.client_id", "number"},
		{"a broken key", key(map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIhunter2\n-----END PRIVATE KEY-----\n"}), "key.private_key", "RSA"},
		{"a key cut off", key(map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIhunter2\n"}), "key.private_key", "cut off"},
		{"a foreign token endpoint", key(map[string]string{"token_uri": "https://evil.example.com/token"}), "key.token_uri", "evil.example.com"},
		{"a file that is none", `{"key":["hunter2"]}`, "key", "not a service account's key file"},
		{"a file as text", `{"key":"hunter2"}`, "key", "not a service account's key file"},
		{"a file with a name twice", `{"key":{"type":"x","type":"hunter2"}}`, "key", "send one JSON object"},
		{"a body cut off", `{"key":{"type":"service_account","private_key":"hunter2`, "key", "send one JSON object"},
		{"nothing", `{}`, "key", "exactly one"},
		{"two", `{"p12":"` + good + `","keyless":{` + names + `},` + names + `}`, "key", "exactly one"},
		{"no base64", `{"p12":"hunter2!",` + names + `}`, "p12", "base64"},
		{"no P12", `{"p12":"aHVudGVyMg==",` + names + `}`, "p12", "not a P12 file"},
		{"a P12 cut off", `{"p12":"` + good[:400] + `",` + names + `}`, "p12", "cut off"},
		{"a P12 with another password", `{"p12":"` + p12File(t, "hunter2") + `",` + names + `}`, "p12Password", "another password"},
		{"a P12 with a wrong password", `{"p12":"` + good + `","p12Password":"hunter2",` + names + `}`, "p12Password", "does not open"},
		{"a P12 without a client id", `{"p12":"` + good + `","email":"sync@p.iam.gserviceaccount.com"}`, "clientId", "number"},
		{"a P12 without an address", `{"p12":"` + good + `","clientId":"104123456789012345678"}`, "email", "address"},
		{"a P12 of a person", `{"p12":"` + good + `","email":"hunter2@example.com","clientId":"104123456789012345678"}`, "email", "person's address"},
		{"a key file with a client id", `{"key":` + keyFile(t, nil) + `,"clientId":"104123456789012345678"}`, "clientId", "goes with p12"},
		{"a key file with a password", `{"key":` + keyFile(t, nil) + `,"p12Password":"hunter2"}`, "p12Password", "p12 alone"},
		{"keyless without a client id", `{"keyless":{"email":"sync@p.iam.gserviceaccount.com"}}`, "keyless.clientId", "number"},
		{"keyless with a person's address", `{"keyless":{"email":"hunter2@example.com","clientId":"104123456789012345678"}}`, "keyless.email", "person's address"},
		{"a word that is none", `{"hunter2":"x"}`, "", "send one JSON object"},
		{"a word in keyless", `{"keyless":{"hunter2":"x"}}`, "", "send one JSON object"},
		{"a key in the place of a name", key(nil)[:8] + `"MIIhunter2":1,"MIIhunter2":2}}`, "key", "send one JSON object"},
		{"verify as text", `{"keyless":{` + names + `},"verify":"yes"}`, "verify", "wrong type"},
		{"null", `{"key":null}`, "key", ""},
		{"an array", `["hunter2"]`, "", "send one JSON object"},
		{"no JSON", `hunter2`, "", "send one JSON object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.refuse(400, "PUT", credentialPath, tc.body, tc.field, tc.text)
			b.refuse(400, "PUT", rotatePath, tc.body, tc.field, tc.text)
			if w := b.do("PUT", credentialPath, tc.body); strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "MII") {
				t.Errorf("the answer quotes the body: %s", w.Body)
			}
		})
	}
	b.refuse(413, "PUT", credentialPath, key(map[string]string{"x": strings.Repeat("x", maxCredentialBody)}), "", "at most")
	b.refuse(404, "PUT", "/v1/enterprises/nobody/credential", key(nil), "", "no enterprise")
	b.refuse(404, "PUT", rotatePath, key(nil), "", "rollcall credential import")
	b.leaksNothing("PRIVATE KEY", "MII", "hunter2")
	if got := b.trail("acme"); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "credential") }) {
		t.Errorf("a refusal left %v", got)
	}
}

func TestCredentials_ListTellsOfAll(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	for i, id := range []string{"beta", "corp", "dune"} {
		d.want(201, "POST", "/v1/enterprises", fmt.Sprintf(`{"id":%q,"name":"X","play":"LC1%d"}`, id, i), nil)
	}
	a, b := d.account("sync"), d.account("beta")
	d.want(200, "PUT", credentialPath, keyBody(a.JSON), nil)
	d.want(200, "PUT", "/v1/enterprises/beta/credential", keyBody(b.JSON), nil)
	if err := d.office.Secrets.Put(t.Context(), directory.KeySecret("dune"), secret.New("PRIVATE KEY and no JSON")); err != nil {
		t.Fatal(err)
	}
	if err := d.office.Secrets.Put(t.Context(), tokens.PlayKey, secret.NewBytes(d.account("play").JSON)); err != nil {
		t.Fatal(err)
	}
	var got credentialPage
	w := d.do("GET", "/v1/credentials", "")
	d.want(200, "GET", "/v1/credentials", "", &got)
	var lines []string
	for _, i := range append(got.Items, got.Play) {
		line := fmt.Sprintf("%s %v %v", i.Enterprise, i.Set, i.Problem != "")
		if i.Credential != nil {
			line += " " + i.Credential.ClientEmail
		}
		lines = append(lines, line)
	}
	want := []string{
		"acme true false sync@sim-project.iam.gserviceaccount.com", "beta true false beta@sim-project.iam.gserviceaccount.com", "corp false false", "dune true true",
		" true false play@sim-project.iam.gserviceaccount.com",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var first credentialPage
	d.want(200, "GET", "/v1/credentials?limit=3", "", &first)
	d.want(200, "GET", "/v1/credentials?limit=3&next="+first.Next, "", &got)
	if len(first.Items) != 3 || len(got.Items) != 1 || got.Next != "" {
		t.Errorf("pages of %d and %d", len(first.Items), len(got.Items))
	}
	d.refuse(502, "GET", "/v1/enterprises/dune/credential", "", "", "not usable")
	d.office.Secrets = brokenSecrets{}
	d.want(200, "GET", "/v1/credentials", "", &got)
	if got.Play.Set || got.Items[0].Problem != "grant the role" {
		t.Errorf("without the secret store: %+v", got)
	}
	d.leaks(w.Body.String())
}

// leaving are secrets whose caller leaves while something is deleted.
type leaving struct {
	secret.Versions
	leave context.CancelFunc
}

func (l leaving) Delete(ctx context.Context, name string) error {
	l.leave()
	return ctx.Err()
}

// TestRemove_E5_AFailureIsRecordedWhoeverLeft: the trail must not say ok of a removal
// that ended with the admin's request.
func TestRemove_E5_AFailureIsRecordedWhoeverLeft(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	d.want(200, "PUT", credentialPath, keyBody(d.account("sync").JSON), nil)
	ctx, leave := context.WithCancel(t.Context())
	d.office.Secrets = leaving{d.office.Secrets, leave}
	r := httptest.NewRequestWithContext(ctx, "DELETE", credentialPath, nil)
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	trail := d.trail("acme")
	want := []string{"admin:local credential.remove enterprise:acme ok", "admin:local credential.remove enterprise:acme failed"}
	if diff := cmp.Diff(want, trail[len(trail)-2:]); diff != "" || w.Code/100 == 2 {
		t.Errorf("%d, trail: -want +got:\n%s", w.Code, diff)
	}
}
