package protocol_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	password = `correct "horse" <battery>`
	idToken  = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
	anyKey   = `{"kty":"EC","crv":"P-256","x":"OqlpXJk2wi1RfUfdHkq2Ki2xfrYIUVV4Ea4YCCqKffU","y":"H5-uchcAkUdM07Ir0_ipc8LQt32h09PXDJ0zv1xBINo"}`
)

func bySignIn(user, pass string) protocol.EnrollRequest {
	return protocol.EnrollRequest{
		Enterprise: "acme", EncryptionKey: json.RawMessage(anyKey),
		SignIn: &protocol.SignIn{Username: user, Password: *protocol.NewSecret(secret.New(pass))},
	}
}

func byIDToken(token string) protocol.EnrollRequest {
	return protocol.EnrollRequest{
		Enterprise: "acme", EncryptionKey: json.RawMessage(anyKey), IDToken: protocol.NewSecret(secret.New(token)),
	}
}

func TestEnrollRequest_E4_TakesOneKindOfCredentials(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("t", 20)
	for _, tc := range []struct {
		name, field string
		change      func(*protocol.EnrollRequest)
	}{
		{"sign-in", "", func(*protocol.EnrollRequest) {}},
		{"sign-in of letters with marks", "", func(r *protocol.EnrollRequest) { r.SignIn.Username = strings.Repeat("ü", 128) }},
		{"ID token", "", func(r *protocol.EnrollRequest) { *r = byIDToken(idToken) }},
		{"token", "", func(r *protocol.EnrollRequest) { r.EnrollmentToken, r.Enterprise, r.SignIn = token, "", nil }},
		{"nothing", "enrollmentToken", func(r *protocol.EnrollRequest) { r.Enterprise, r.SignIn = "", nil }},
		{"enterprise alone", "signIn", func(r *protocol.EnrollRequest) { r.SignIn = nil }},
		{"token and enterprise", "enterprise", func(r *protocol.EnrollRequest) { r.EnrollmentToken, r.SignIn = token, nil }},
		{"token and sign-in", "signIn", func(r *protocol.EnrollRequest) { r.EnrollmentToken, r.Enterprise = token, "" }},
		{"token and ID token", "idToken", func(r *protocol.EnrollRequest) {
			*r = byIDToken(idToken)
			r.EnrollmentToken, r.Enterprise = token, ""
		}},
		{"sign-in and ID token", "idToken", func(r *protocol.EnrollRequest) { r.IDToken = byIDToken(idToken).IDToken }},
		{"sign-in without enterprise", "enterprise", func(r *protocol.EnrollRequest) { r.Enterprise = "" }},
		{"enterprise that is none", "enterprise", func(r *protocol.EnrollRequest) { r.Enterprise = "Acme" }},
		{"enterprise of another line", "enterprise", func(r *protocol.EnrollRequest) { r.Enterprise = "acme\n" }},
		{"no user name", "signIn.username", func(r *protocol.EnrollRequest) { r.SignIn.Username = "" }},
		{"long user name", "signIn.username", func(r *protocol.EnrollRequest) { r.SignIn.Username = strings.Repeat("a", 129) }},
		{"user name with NUL", "signIn.username", func(r *protocol.EnrollRequest) { r.SignIn.Username = "a\x00" }},
		{"empty password", "signIn.password", func(r *protocol.EnrollRequest) { r.SignIn.Password = protocol.Secret{} }},
		{"long password", "signIn.password", func(r *protocol.EnrollRequest) { *r = bySignIn("a", strings.Repeat("a", 257)) }},
		{"password of two lines", "signIn.password", func(r *protocol.EnrollRequest) { *r = bySignIn("a", "a\nb") }},
		{"empty ID token", "idToken", func(r *protocol.EnrollRequest) { *r = byIDToken("") }},
		{"unsigned ID token", "idToken", func(r *protocol.EnrollRequest) { *r = byIDToken("eyJ.e30.") }},
		{"ID token in JSON form", "idToken", func(r *protocol.EnrollRequest) { *r = byIDToken(`{"payload":"e30","signatures":[]}`) }},
		{"long ID token", "idToken", func(r *protocol.EnrollRequest) { *r = byIDToken("a.b." + strings.Repeat("c", 16384)) }},
	} {
		r := bySignIn("ada", password)
		tc.change(&r)
		err := r.Validate()
		if got := field(err); got != tc.field {
			t.Errorf("%s: field %q, want %q", tc.name, got, tc.field)
		}
	}
}

// TestEnrollRequest_E3_ShowsNoSecret: neither print nor log nor JSON nor a refusal
// has the password or the ID token; what is sent has them.
func TestEnrollRequest_E3_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, r := range []protocol.EnrollRequest{bySignIn("ada", password), byIDToken(idToken), bySignIn("ada", password+"\x00"), byIDToken(idToken + "!")} {
		var out strings.Builder
		for _, verb := range []string{"%v ", "%+v ", "%#v ", "%s ", "%q ", "%x "} {
			fmt.Fprintf(&out, verb, any(r))
			fmt.Fprintf(&out, verb, any(&r))
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("request", "r", r, "p", &r)
		slog.New(slog.NewTextHandler(&out, nil)).Info("request", "r", r)
		v1, err1 := json.Marshal(r)
		v2, err2 := jsonv2.Marshal(r)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		fmt.Fprintf(&out, "%s %s %v", v1, v2, r.Validate())
		for _, s := range []string{"horse", "eyJhbGci", "c2lnbmF0dXJl", "686f727365"} {
			if strings.Contains(out.String(), s) {
				t.Errorf("%q shows in %s", s, &out)
			}
		}
		if !strings.Contains(string(v1), secret.Redacted) {
			t.Errorf("%s has nothing redacted", v1)
		}
	}
}

// TestEnrollRequest_RevealIsWhatIsRead: what an agent sends is what a server reads.
func TestEnrollRequest_RevealIsWhatIsRead(t *testing.T) {
	t.Parallel()
	token := protocol.EnrollRequest{EnrollmentToken: strings.Repeat("t", 20), EncryptionKey: json.RawMessage(anyKey)}
	for _, want := range []protocol.EnrollRequest{bySignIn("ada", password), byIDToken(idToken), token} {
		raw, err := want.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		var got protocol.EnrollRequest
		if err := jsonv2.Unmarshal(raw, &got, jsonv2.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		if err := got.Validate(); err != nil {
			t.Error(err)
		}
		again, err := got.Reveal()
		if err != nil || string(again) != string(raw) {
			t.Errorf("read %s as %s, %v", raw, again, err)
		}
	}
}

// TestSignInNonce_IsForOneKeyInOneEnterprise: no two pairs have one nonce.
func TestSignInNonce_IsForOneKeyInOneEnterprise(t *testing.T) {
	t.Parallel()
	key, other := make([]byte, 32), append(make([]byte, 31), 1)
	seen := map[string]bool{}
	for _, n := range []string{
		protocol.SignInNonce("acme", key), protocol.SignInNonce("acme", other), protocol.SignInNonce("acme2", key), protocol.SignInNonce("", key),
	} {
		raw, err := base64.RawURLEncoding.DecodeString(n)
		if err != nil || len(raw) != 32 || seen[n] {
			t.Errorf("nonce %q", n)
		}
		seen[n] = true
	}
}

// FuzzEnrollRequest: whatever is read and taken is read the same again from what is
// sent, has one kind of credentials, and no refusal repeats a secret.
func FuzzEnrollRequest(f *testing.F) {
	for _, r := range []protocol.EnrollRequest{
		bySignIn("ada", password), byIDToken(idToken), {EnrollmentToken: strings.Repeat("t", 20), EncryptionKey: json.RawMessage(anyKey)},
	} {
		raw, err := r.Reveal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"signIn":{"username":"a","password":7}}`))
	f.Add([]byte(`{"signIn":null,"idToken":"\ud800"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r protocol.EnrollRequest
		if jsonv2.Unmarshal(raw, &r, jsonv2.RejectUnknownMembers(true)) != nil {
			return
		}
		err := r.Validate()
		for _, s := range []*protocol.Secret{r.IDToken, passwordOf(r)} {
			if s != nil && err != nil && len(s.Reveal()) > 16 && strings.Contains(err.Error(), s.Reveal()) {
				t.Errorf("the refusal %q repeats a secret", err)
			}
		}
		if err != nil {
			return
		}
		kinds := 0
		for _, is := range []bool{r.EnrollmentToken != "", r.SignIn != nil, r.IDToken != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 || (r.Enterprise == "") != (r.EnrollmentToken != "") {
			t.Errorf("%s was taken", raw)
		}
		sent, err := r.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		var again protocol.EnrollRequest
		if err := jsonv2.Unmarshal(sent, &again); err != nil || again.Validate() != nil {
			t.Fatalf("%s is sent as %s: %v", raw, sent, err)
		}
		if twice, err := again.Reveal(); err != nil || string(twice) != string(sent) {
			t.Errorf("%s is read as %s, %v", sent, twice, err)
		}
	})
}

func passwordOf(r protocol.EnrollRequest) *protocol.Secret {
	if r.SignIn == nil {
		return nil
	}
	return &r.SignIn.Password
}
