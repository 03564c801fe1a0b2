package proof_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

var update = flag.Bool("update", false, "write functions/testdata/vectors.json anew")

const vectorsFile = "../../functions/testdata/vectors.json"

// vectors is the file from which agents in other languages are tested.
type vectors struct {
	Comment  string          `json:"comment"`
	Proof    proofVector     `json:"proof"`
	Accepted []requestVector `json:"accepted"`
	Refused  []requestVector `json:"refused"`
	Sealed   []sealedVector  `json:"sealed"`
	// SignIn are the nonces of ID tokens.
	SignIn []nonceVector `json:"signIn"`
	// SealedRefused are sealed texts that an agent must not take.
	SealedRefused []sealedVector `json:"sealedRefused"`
	// Settings are directives about mail settings, and SettingsRefused those that an
	// agent reports as failed.
	Settings        []settingVector `json:"settings"`
	SettingsRefused []settingVector `json:"settingsRefused"`
}

// proofVector is one proof with everything in between.
type proofVector struct {
	PrivateKey   json.RawMessage `json:"privateKey"`
	PublicKey    json.RawMessage `json:"publicKey"`
	Thumbprint   string          `json:"thumbprint"`
	DeviceID     string          `json:"deviceId"`
	Method       string          `json:"method"`
	URL          string          `json:"url"`
	Body         string          `json:"body"`
	BodySHA256   string          `json:"bodySha256Hex"`
	BodyDigest   string          `json:"bodyDigest"`
	Time         int64           `json:"time"`
	NonceBytes   string          `json:"nonceBytesHex"`
	Nonce        string          `json:"nonce"`
	Header       string          `json:"header"`
	Claims       string          `json:"claims"`
	SigningInput string          `json:"signingInput"`
	Signature    string          `json:"signature"`
	Proof        string          `json:"proof"`
}

// requestVector is a request at the server's time.
type requestVector struct {
	Name string `json:"name"`
	// Reason is the word in the server's log; the device sees 401 alone.
	Reason string `json:"reason,omitempty"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   string `json:"body"`
	Time   int64  `json:"serverTime"`
	Proof  string `json:"proof"`
}

// nonceVector is the nonce of the ID token with which a device enrols.
type nonceVector struct {
	Enterprise string `json:"enterprise"`
	Thumbprint string `json:"thumbprint"`
	HashInput  string `json:"hashInputHex"`
	Nonce      string `json:"nonce"`
}

// sealedVector is a token as a device gets it.
type sealedVector struct {
	Name        string          `json:"name"`
	Reason      string          `json:"reason,omitempty"`
	PrivateKey  json.RawMessage `json:"privateKey"`
	Thumbprint  string          `json:"thumbprint"`
	DeviceID    string          `json:"deviceId"`
	DirectiveID string          `json:"directiveId"`
	Header      string          `json:"header"`
	ContentKey  string          `json:"contentKeyHex,omitempty"`
	Plaintext   string          `json:"plaintext,omitempty"`
	JWE         string          `json:"jwe"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	raw, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var v vectors
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestInvariantC8ProofVector: the documented proof is what package proof makes
// and takes, byte for byte (C8).
func TestInvariantC8ProofVector(t *testing.T) {
	t.Parallel()
	v := readVectors(t).Proof
	var key jose.JSONWebKey
	if err := json.Unmarshal(v.PrivateKey, &key); err != nil {
		t.Fatal(err)
	}
	got, err := proof.Verify(v.Proof, v.Method, v.URL, []byte(v.Body), time.Unix(v.Time, 0))
	if err != nil {
		t.Fatalf("Verify = %v", err)
	}
	digest := proof.Digest([]byte(v.Body))
	raw, _ := base64.RawURLEncoding.DecodeString(digest)
	nonce, err := hex.DecodeString(v.NonceBytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := proof.NewSigner(key.Key.(crypto.Signer), bytes.NewReader(nonce), func() time.Time { return time.Unix(v.Time, 0) })
	if err != nil {
		t.Fatal(err)
	}
	made, err := signer.Sign(v.Method, v.URL, []byte(v.Body))
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.Public().MarshalJSON()
	b64 := base64.RawURLEncoding.EncodeToString
	for _, c := range []struct{ name, got, want string }{
		{"nonce", got.ID, v.Nonce},
		{"nonce from its bytes", b64(nonce), v.Nonce},
		{"thumbprint", b64(got.Thumbprint), v.Thumbprint},
		{"device id", device.ID(got.Thumbprint), v.DeviceID},
		{"body digest", digest, v.BodyDigest},
		{"body hash", hex.EncodeToString(raw), v.BodySHA256},
		{"signing input from header and claims", b64([]byte(v.Header)) + "." + b64([]byte(v.Claims)), v.SigningInput},
		{"proof", v.SigningInput + "." + v.Signature, v.Proof},
		{"signing input of Signer", made[:strings.LastIndex(made, ".")], v.SigningInput},
		{"public key", string(public), compact(t, v.PublicKey)},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.name, c.got, c.want)
		}
	}
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestInvariantC8SignInVectors: the documented nonces are what the server wants (C8).
func TestInvariantC8SignInVectors(t *testing.T) {
	t.Parallel()
	all := readVectors(t)
	if len(all.SignIn) < 2 || all.SignIn[0].Thumbprint != all.Proof.Thumbprint {
		t.Errorf("%d vectors", len(all.SignIn))
	}
	for _, v := range all.SignIn {
		thumb, err := base64.RawURLEncoding.DecodeString(v.Thumbprint)
		if err != nil {
			t.Fatal(err)
		}
		input, err := hex.DecodeString(v.HashInput)
		if err != nil {
			t.Fatal(err)
		}
		// A proof's digest is SHA-256 in base64url as well.
		if got := protocol.SignInNonce(v.Enterprise, thumb); got != v.Nonce || proof.Digest(input) != v.Nonce {
			t.Errorf("%s: nonce %q, want %q", v.Enterprise, got, v.Nonce)
		}
	}
}

// TestInvariantC8Document: the document shows the vector that is in the file (C8).
func TestInvariantC8Document(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../functions/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	all := readVectors(t)
	v := all.Proof
	for _, want := range []string{v.Header, v.Claims, v.Body, v.BodyDigest, v.Thumbprint, v.DeviceID, v.NonceBytes, all.SignIn[0].Nonce} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("PROTOCOL.md lacks %s", want)
		}
	}
}

// TestInvariantC8RequestVectors: every proof to be taken is taken, every other is
// refused for its reason (C8, C1).
func TestInvariantC8RequestVectors(t *testing.T) {
	t.Parallel()
	all := readVectors(t)
	if len(all.Refused) < 20 {
		t.Errorf("only %d negative vectors", len(all.Refused))
	}
	for _, v := range append(all.Accepted, all.Refused...) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			_, err := proof.Verify(v.Proof, v.Method, v.URL, []byte(v.Body), time.Unix(v.Time, 0))
			if fault.ReasonOf(err) != v.Reason {
				t.Fatalf("Verify = %v (%s), want %q", err, fault.ReasonOf(err), v.Reason)
			}
			if err == nil {
				return
			}
			if e := fault.As(err); e.Kind != fault.Unauthorized || e.Public != "" {
				t.Errorf("Verify = %v %q, want unauthorized without a public text", e.Kind, e.Public)
			}
		})
	}
}
