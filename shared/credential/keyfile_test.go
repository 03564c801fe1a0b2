package credential_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func view(t *testing.T) credential.View {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&goodKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return credential.View{
		Kind: credential.Key, ClientID: clientID, ClientEmail: email, KeyID: "0123456789abcdef",
		Fingerprint: hex.EncodeToString(sum[:]), TokenURI: "https://oauth2.googleapis.com/token",
	}
}

func TestParse_K1_ShowsWhatToCompareAndKeepsTheFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		other map[string]string
		edit  func(*credential.View)
	}{
		{"as handed out", nil, func(*credential.View) {}},
		{"older form of the key", map[string]string{"private_key": pkcs1(goodKey())}, func(*credential.View) {}},
		{"without a key id", map[string]string{"private_key_id": ""}, func(v *credential.View) { v.KeyID = "" }},
		{"with a strange key id", map[string]string{"private_key_id": "\x1b[2J"}, func(v *credential.View) { v.KeyID = "" }},
		{"with few members", map[string]string{"project_id": "", "client_x509_cert_url": "", "universe_domain": "", "auth_uri": ""},
			func(*credential.View) {}},
		{"with a member of tomorrow", map[string]string{"colour": "blue"}, func(*credential.View) {}},
		{"older token endpoint", map[string]string{"token_uri": "https://accounts.google.com/o/oauth2/token"},
			func(v *credential.View) { v.TokenURI = "https://accounts.google.com/o/oauth2/token" }},
		{"older account", map[string]string{"client_email": "1234-abc@developer.gserviceaccount.com", "client_x509_cert_url": ""},
			func(v *credential.View) { v.ClientEmail = "1234-abc@developer.gserviceaccount.com" }},
		{"a project of an organisation's own", map[string]string{
			"project_id": "example.com:proj", "client_email": "a@proj.example.com.iam.gserviceaccount.com", "client_x509_cert_url": "",
		}, func(v *credential.View) { v.ClientEmail = "a@proj.example.com.iam.gserviceaccount.com" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := view(t)
			tc.edit(&want)
			file := keyFile(tc.other)
			for _, given := range [][]byte{file, append([]byte("\ufeff"), file...), append(file, '\n')} {
				c, err := credential.Parse(given, credential.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, c.View); d != "" {
					t.Errorf("-want +got:\n%s", d)
				}
				if c.Stored().Reveal() != string(given) || !c.PrivateKey().Equal(goodKey()) {
					t.Error("it is not kept as it was given")
				}
				again, err := credential.Read(c.Stored(), credential.Options{})
				if err != nil || again.View != c.View || !again.PrivateKey().Equal(goodKey()) {
					t.Errorf("read back as %+v, %v", again.View, err)
				}
			}
		})
	}
}

func TestParse_K1_Refusals(t *testing.T) {
	t.Parallel()
	whole := string(keyFile(nil))
	locked := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("MIIlocked")}))
	edit := func(name, v string) string { return string(keyFile(map[string]string{name: v})) }
	pemText := pkcs8(goodKey())
	for _, tc := range []struct {
		name, file, field, text string
	}{
		{"nothing", "", "", "empty"},
		{"spaces", " \n", "", "empty"},
		{"no JSON", "PRIVATE", "", "not a service account's key file"},
		{"a list", `["PRIVATE"]`, "", "not a service account's key file"},
		{"a text", `"PRIVATE"`, "", "not a service account's key file"},
		{"not UTF-8", "{\"type\":\"\xff\"}", "", "not a service account's key file"},
		{"bare PEM", pemText, "", "bare key in PEM"},
		{"a P12", "0\x82\x0a\x31\x02\x01\x03", "", "P12"},
		{"too large", `{"type":"` + strings.Repeat("x", credential.MaxFile) + `"}`, "", "32 KiB"},
		{"cut off in a member", whole[:len(whole)/2], "", "cut off"},
		{"cut off before the end", strings.TrimSuffix(whole, "\n}"), "", "cut off"},
		{"cut off after a comma", `{"type":"service_account",`, "", "cut off"},
		{"cut off after a name", `{"type"`, "", "cut off"},
		{"one brace", `{`, "", "cut off"},
		{"two files", whole + whole, "", "follows"},
		{"a member twice", `{"type":"service_account",` + strings.TrimPrefix(whole, "{"), "", "twice"},
		{"broken JSON", `{"type" PRIVATE}`, "", "not a service account's key file"},
		{"an OAuth client of the web", `{"web":{"client_id":"PRIVATE.apps.googleusercontent.com","client_secret":"PRIVATE"}}`, "web", "OAuth client"},
		{"an OAuth client of a desktop", `{"installed":{"client_id":"PRIVATE","token_uri":"https://oauth2.googleapis.com/token"}}`, "installed", "OAuth client"},
		{"a person's login", edit("type", "authorized_user"), "type", "person's own sign-in"},
		{"federation", edit("type", "external_account"), "type", "federation"},
		{"impersonation", edit("type", "impersonated_service_account"), "type", "keyless"},
		{"another type", edit("type", "gdch_service_account"), "type", "service_account"},
		{"type in capitals", edit("type", "Service_Account"), "type", "service_account"},
		{"no type", edit("type", ""), "type", "service_account"},
		{"a keyless one", `{"type":"keyless","client_email":"` + email + `","client_id":"` + clientID + `"}`, "type", "keyless"},
		{"type is no text", `{"type":7}`, "type", "service_account"},
		{"another spelling of the member", strings.Replace(whole, `"client_email"`, `"Client_Email"`, 1), "client_email", "address"},
		{"no address", edit("client_email", ""), "client_email", "address"},
		{"strange address", edit("client_email", "PRIVATE@b\x1b[2J"), "client_email", "address"},
		{"a person's address", edit("client_email", "PRIVATE@example.com"), "client_email", "person's address"},
		{"address of another by the certificate", edit("client_x509_cert_url", "https://www.googleapis.com/robot/v1/metadata/x509/PRIVATE%40proj.iam.gserviceaccount.com"),
			"client_email", "not that of the key"},
		{"address of another by the project", edit("project_id", "PRIVATE"), "client_email", "not that of the key"},
		{"no client id", edit("client_id", ""), "client_id", "number"},
		{"client id of an OAuth client", edit("client_id", "PRIVATE.apps.googleusercontent.com"), "client_id", "number"},
		{"another cloud", edit("universe_domain", "PRIVATE.example"), "universe_domain", "another cloud"},
		{"no key", edit("private_key", ""), "private_key", "no RSA key"},
		{"no PEM", edit("private_key", "PRIVATE"), "private_key", "no RSA key"},
		{"damaged key", edit("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "private_key", "damaged"},
		{"key cut off", edit("private_key", pemText[:len(pemText)/2]), "private_key", "cut off"},
		{"line breaks lost", edit("private_key", strings.ReplaceAll(pemText, "\n", `\n`)), "private_key", "line breaks"},
		{"locked key", edit("private_key", locked), "private_key", "passphrase"},
		{"weak key", edit("private_key", pkcs1(weakKey())), "private_key", "1024 bits"},
		{"elliptic key", edit("private_key", ecKey(t)), "private_key", "not an RSA key"},
		{"foreign token endpoint", edit("token_uri", "https://evil.example.com/token"), "token_uri", "evil.example.com, which is not Google's"},
		{"token endpoint of another's host", edit("token_uri", "https://oauth2.googleapis.com.evil.example/token"), "token_uri", "not Google's"},
		{"token endpoint behind a name", edit("token_uri", "https://oauth2.googleapis.com@evil.example/token"), "token_uri", "evil.example"},
		{"token endpoint in the clear", edit("token_uri", "http://oauth2.googleapis.com/token"), "token_uri", "not Google's"},
		{"token endpoint elsewhere on the host", edit("token_uri", "https://oauth2.googleapis.com/PRIVATE"), "token_uri", "not Google's"},
		{"token endpoint with control characters", edit("token_uri", "https://PRIVATE\x1b/token"), "token_uri", "unreadable"},
		{"no token endpoint", edit("token_uri", ""), "token_uri", "not Google's"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := credential.Parse([]byte(tc.file), credential.Options{})
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || f.Field != tc.field || !strings.Contains(f.Public, tc.text) {
				t.Fatalf("got %v, want an invalid %q with %q", err, tc.field, tc.text)
			}
			for _, s := range []string{"PRIVATE", "MII", "AAAA", "\x1b"} {
				if strings.Contains(strings.ReplaceAll(err.Error(), "private_key", ""), s) {
					t.Errorf("the refusal quotes the file: %q", err)
				}
			}
			if c.PrivateKey() != nil || !c.Stored().Empty() {
				t.Error("a refused file gave a credential")
			}
		})
	}
}

func TestAnyTokenURI_IsForDevelopmentAlone(t *testing.T) {
	t.Parallel()
	dev := credential.Options{AnyTokenURI: true}
	file := keyFile(map[string]string{"token_uri": "http://127.0.0.1:8080/token"})
	if _, err := credential.Parse(file, credential.Options{}); fault.As(err) == nil || fault.As(err).Field != "token_uri" {
		t.Errorf("got %v", err)
	}
	c, err := credential.Parse(file, dev)
	if err != nil || c.View.TokenURI != "http://127.0.0.1:8080/token" {
		t.Errorf("%+v, %v", c.View, err)
	}
	for _, uri := range []string{"", "://", "token", "file:///etc/passwd", "ftp://127.0.0.1/token"} {
		if _, err := credential.Parse(keyFile(map[string]string{"token_uri": uri}), dev); err == nil {
			t.Errorf("%q is taken", uri)
		}
	}
}

func TestCredential_E3_ShowsNoKey(t *testing.T) {
	t.Parallel()
	c, err := credential.Parse(keyFile(nil), credential.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %d %x %v", c, c, c, c, c, c, &c)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "credential", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "credential", &c)
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, s := range []string{"PRIVATE KEY", "MII", goodKey().D.String(), goodKey().Primes[0].String(), fmt.Sprintf("%x", goodKey().D)} {
		if strings.Contains(out.String(), s) {
			t.Errorf("the key is shown: %.20s…", s)
		}
	}
	if !strings.Contains(out.String(), c.View.Fingerprint) {
		t.Error("the view is not shown")
	}
}

func TestKeyless_K4_IsKeptWithoutASecret(t *testing.T) {
	t.Parallel()
	c, err := credential.NewKeyless(email, clientID, "", credential.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := credential.View{Kind: credential.Keyless, ClientID: clientID, ClientEmail: email, TokenURI: credential.TokenURI}
	again, err := credential.Read(c.Stored(), credential.Options{})
	if d := cmp.Diff([]credential.View{want, want}, []credential.View{c.View, again.View}); d != "" || err != nil || again.PrivateKey() != nil {
		t.Errorf("%v -want +got:\n%s", err, d)
	}
	for _, tc := range []struct{ email, clientID, uri, field string }{
		{"ann@example.com", clientID, "", "client_email"},
		{"", clientID, "", "client_email"},
		{email, "abc", "", "client_id"},
		{email, clientID, "https://evil.example/token", "token_uri"},
	} {
		if _, err := credential.NewKeyless(tc.email, tc.clientID, tc.uri, credential.Options{}); fault.As(err) == nil || fault.As(err).Field != tc.field {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	if _, err := credential.NewKeyless(email, clientID, "http://127.0.0.1:1/token", credential.Options{AnyTokenURI: true}); err != nil {
		t.Error(err)
	}
	for _, stored := range []string{"", "{}", `{"type":"keyless"}`, `{"type":"authorized_user"}`} {
		if _, err := credential.Read(secret.New(stored), credential.Options{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", stored, err)
		}
	}
}

// Whatever is read as a credential is read again as the same one, and no refusal
// quotes what was given.
func FuzzParse_K1(f *testing.F) {
	whole := keyFile(nil)
	f.Add(whole)
	f.Add(whole[:200])
	f.Add(keyFile(map[string]string{"private_key": pkcs1(goodKey())}))
	f.Add(keyFile(map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}))
	f.Add(keyFile(map[string]string{"token_uri": "https://evil.example/token"}))
	f.Add(keyFile(map[string]string{"project_id": "example.com:p"}))
	f.Add([]byte(`{"web":{"client_id":"1"}}`))
	f.Add([]byte(`{"type":"authorized_user"}`))
	f.Add([]byte(`{"type":"keyless","client_email":"a@p.iam.gserviceaccount.com","client_id":"104123456789012345678"}`))
	f.Add([]byte(`{"type":"service_account","type":"service_account"}`))
	f.Add([]byte("\ufeff{}"))
	f.Add([]byte("0\x82\x0a"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, o := range []credential.Options{{}, {AnyTokenURI: true}} {
			c, err := credential.Read(secret.NewBytes(file), o)
			if err != nil {
				if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Err != nil {
					t.Fatalf("refused as %v", err)
				}
				if bytes.Contains(file, []byte("PRIVATE KEY-----")) && strings.Contains(err.Error(), "PRIVATE KEY-----") {
					t.Fatalf("the refusal quotes the file: %v", err)
				}
				continue
			}
			again, err := credential.Read(c.Stored(), o)
			if err != nil || again.View != c.View {
				t.Fatalf("read back as %+v, %v instead of %+v", again.View, err, c.View)
			}
			if (c.View.Kind == credential.Key) != (c.PrivateKey() != nil) || c.View.ClientID == "" || c.View.ClientEmail == "" {
				t.Fatalf("accepted as %+v", c.View)
			}
		}
	})
}
