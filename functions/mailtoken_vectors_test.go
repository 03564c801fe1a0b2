package functions_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

var update = flag.Bool("update", false, "write testdata/mailtoken.json anew")

// mailVectors are testdata/mailtoken.json.
type mailVectors struct {
	Comment         string `json:"comment"`
	Thumbprint      string `json:"thumbprint"`
	ClientID        string `json:"clientId"`
	Sub             string `json:"sub"`
	AccountClientID string `json:"accountClientId"`
	URL             string `json:"url"`
	Time            int64  `json:"time"`
	Body            string `json:"body"`
	SigningInput    string `json:"signingInput"`
	Proof           string `json:"proof"`
	Mailbox         string `json:"mailbox"`
	AccessToken     string `json:"accessToken"`
	XOAUTH2         string `json:"xoauth2"`
	Enterprise      string `json:"enterprise"`
	Digest          string `json:"digest"`
}

// deviceVectors is what is reused of testdata/vectors.json.
type deviceVectors struct {
	Proof struct {
		PrivateKey struct{ D string }
		Thumbprint string
		Header     string
	}
}

func readVectors(t *testing.T) (v mailVectors, d deviceVectors) {
	t.Helper()
	for name, into := range map[string]any{"testdata/mailtoken.json": &v, "testdata/vectors.json": &d} {
		raw, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil && (!*update || into != any(&v)) {
			t.Fatal(err)
		}
	}
	return v, d
}

// wantVectors returns what the vectors must be, but for the signature, from their
// inputs.
func wantVectors(t *testing.T, d deviceVectors) mailVectors {
	t.Helper()
	thumb, err := base64.RawURLEncoding.DecodeString(d.Proof.Thumbprint)
	if err != nil {
		t.Fatal(err)
	}
	v := mailVectors{
		Comment: "Test vectors of MAILTOKEN.md. The key is that of proof in vectors.json and public: never use it.",
		URL:     "https://emm.example.com/mailtoken", Time: 1777881600, Body: `{"mailboxes":["anna@example.com","bert@example.com"]}`,
		Thumbprint: d.Proof.Thumbprint, ClientID: mailclient.KeyID(thumb),
		Sub: "104512345678901234567", Mailbox: "anna@example.com", AccessToken: "ya29.c.c0ASRK0GaExampleOfAToken", Enterprise: "acme",
	}
	v.AccountClientID, v.Digest = mailclient.AccountID(v.Sub), mailclient.Digest(v.Enterprise, v.Mailbox)
	response, err := xoauth2.Encoded(v.Mailbox, secret.New(v.AccessToken))
	if err != nil {
		t.Fatal(err)
	}
	v.XOAUTH2 = response.Reveal()
	claims, err := json.Marshal(proof.Claims{
		ID: "AAECAwQFBgcICQoL-__-_Q", Method: "POST", URL: v.URL, IssuedAt: v.Time, BodyDigest: proof.Digest([]byte(v.Body)),
	})
	if err != nil {
		t.Fatal(err)
	}
	v.SigningInput = b64([]byte(d.Proof.Header)) + "." + b64(claims)
	return v
}

// TestMailTokenVectors_Hold: they are what the code makes, the proof verifies, and the
// body is one that the function takes.
func TestMailTokenVectors_Hold(t *testing.T) {
	t.Parallel()
	got, d := readVectors(t)
	want := wantVectors(t, d)
	if *update {
		raw, err := base64.RawURLEncoding.DecodeString(d.Proof.PrivateKey.D)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
		if err != nil {
			t.Fatal(err)
		}
		want.Proof = want.SigningInput + "." + b64(es256(t, key)([]byte(want.SigningInput)))
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		if err := e.Encode(want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/mailtoken.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.HasPrefix(got.Proof, got.SigningInput+".") {
		t.Errorf("the proof does not begin with its signing input")
	}
	want.Proof = got.Proof
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-code +file):\n%s", diff)
	}
	v, err := proof.Verify(got.Proof, "POST", got.URL, []byte(got.Body), time.Unix(got.Time, 0))
	if err != nil || mailclient.KeyID(v.Thumbprint) != got.ClientID {
		t.Errorf("the proof: %v", err)
	}
	if err := api.Decode([]byte(got.Body), &mailclient.TokenRequest{}); err != nil {
		t.Errorf("the body: %v", err)
	}
}

// TestMailTokenDocument_SaysWhatHolds: the words and numbers of MAILTOKEN.md.
func TestMailTokenDocument_SaysWhatHolds(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("MAILTOKEN.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, word := range []string{
		mailclient.ReasonNotAllowed, mailtokens.ReasonLater, mailtokens.ReasonCredential, google.ReasonSubject, google.ReasonConfig, google.ReasonKey,
		google.ReasonQuota, google.ReasonDailyQuota, google.ReasonLocalLimit, google.ReasonBackend, google.ReasonNetwork, google.ReasonDeadline,
		google.ReasonPaused, google.ReasonIdentity, string(mailclient.Full), string(mailclient.IMAPAdmin), mailclient.Full.URL(), mailclient.IMAPAdmin.URL(),
	} {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("%q is not told", word)
		}
	}
	d := loadDocument(t)
	reply := d.at(t, "/components/examples/MailTokenReply/value/items/0").(map[string]any)
	mailbox, token := strings.ToLower(reply["mailbox"].(string)), reply["accessToken"].(string)
	if want, err := xoauth2.Encoded(mailbox, secret.New(token)); err != nil || reply["xoauth2"] != want.Reveal() {
		t.Errorf("the example's xoauth2 is not of %s and %s", mailbox, token)
	}
	_, failure, _ := strings.Cut(text, "S: + ")
	failure, _, _ = strings.Cut(failure, "\n")
	if plain, err := base64.StdEncoding.DecodeString(failure); err != nil || !json.Valid(plain) {
		t.Errorf("the example of a failure: %s, %v", plain, err)
	}
}
