package proof_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

//go:generate go test -run TestGenerateVectors -update

const (
	vectorURL  = "https://emm.example.com/checkin"
	vectorBody = `{"accounts":[{"name":"user0@managed.example","state":"ready"}],"outcomes":[]}`
	vectorTime = 1777881600
)

// TestGenerateVectors writes the vectors anew with -update. Proofs come out the
// same each time; sealed texts and the RSA key are random, so those of the file
// are kept as long as they are right.
func TestGenerateVectors(t *testing.T) {
	if !*update {
		return // the vectors are checked elsewhere; with -update they are written
	}
	old := vectors{}
	if _, err := os.Stat(vectorsFile); err == nil {
		old = readVectors(t)
	}
	v := vectors{
		Comment: "Test vectors of the device protocol; see PROTOCOL.md. Never use these keys.",
		Proof:   documented(t),
	}
	v.Accepted, v.Refused = requests()
	v.Sealed, v.SealedRefused = sealed(t, old)
	v.Settings, v.SettingsRefused = settings(t, old, v.Sealed)
	v.SignIn = nonces(v.Proof.Thumbprint)
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsFile, append(out, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// nonces returns those of the documented key in two enterprises.
func nonces(thumbprint string) (vs []nonceVector) {
	for _, ent := range []string{"acme", "acme-2"} {
		input := "rollcall enrollment nonce v1\x00" + ent + "\x00" + thumbprint
		vs = append(vs, nonceVector{ent, thumbprint, hex.EncodeToString([]byte(input)), proof.Digest([]byte(input))})
	}
	return vs
}

func documented(t *testing.T) proofVector {
	key := fixedKey("signing", elliptic.P256())
	nonce := []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xfb\xff\xfe\xfd")
	f := forge(key, b64(nonce), "POST", vectorURL, vectorBody, vectorTime)
	thumb, err := (&jose.JSONWebKey{Key: &key.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	digest := proof.Digest([]byte(vectorBody))
	sum, _ := base64.RawURLEncoding.DecodeString(digest)
	return proofVector{
		PrivateKey: json.RawMessage(jwk(key)), PublicKey: json.RawMessage(jwk(&key.PublicKey)),
		Thumbprint: b64(thumb), DeviceID: device.ID(thumb), Method: "POST", URL: vectorURL, Body: vectorBody,
		BodySHA256: hex.EncodeToString(sum), BodyDigest: digest, Time: vectorTime,
		NonceBytes: hex.EncodeToString(nonce), Nonce: b64(nonce), Header: f.header, Claims: f.claims,
		SigningInput: f.input(), Signature: b64(f.signature()), Proof: f.String(),
	}
}

// requests returns proofs to be taken and proofs to be refused; the reasons of
// the latter are those of proof.Verify, and the tests hold them.
func requests() (accepted, refused []requestVector) {
	for _, c := range cases() {
		v := requestVector{Name: c.name, Reason: c.reason, Method: "POST", URL: vectorURL, Body: vectorBody, Time: vectorTime, Proof: c.proof}
		if c.request != nil {
			c.request(&v)
		}
		if c.reason == "" {
			accepted = append(accepted, v)
		} else {
			refused = append(refused, v)
		}
	}
	return accepted, refused
}

// sealed returns tokens for an EC and an RSA key, and ones to be refused.
func sealed(t *testing.T, old vectors) (good, bad []sealedVector) {
	const plain = `{"deviceId":"dmysu6xu3d6wcqxn7hd2wk4zaa","directiveId":"add-2vgnzbqkxrsyht3jcwmoe5alu","token":"example-authentication-token"}`
	signing := fixedKey("signing", elliptic.P256())
	thumb, err := (&jose.JSONWebKey{Key: &signing.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	id := device.ID(thumb)
	text := strings.Replace(plain, "dmysu6xu3d6wcqxn7hd2wk4zaa", id, 1)
	keys := []any{fixedKey("encryption", elliptic.P256()), nil}
	if len(old.Sealed) == 2 {
		var k jose.JSONWebKey
		if err := json.Unmarshal(old.Sealed[1].PrivateKey, &k); err != nil {
			t.Fatal(err)
		}
		keys[1] = k.Key
	} else if keys[1], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"ECDH-ES on P-256", "RSA-OAEP-256"} {
		v := sealedFor(t, name, keys[i], text)
		v.DeviceID = id
		if len(old.Sealed) == 2 && openFor(keys[i], withPlain(old.Sealed[i], v)) == "" {
			v.JWE, v.Header = old.Sealed[i].JWE, old.Sealed[i].Header
		}
		v.Plaintext = text
		if v.ContentKey, _, err = openByHand(keys[i], v.JWE); err != nil {
			t.Fatal(err)
		}
		good = append(good, v)
		refuse := func(name, reason string, spoil func(*sealedVector)) {
			x := v
			x.Name, x.Plaintext, x.ContentKey, x.Reason = v.Name+": "+name, "", "", reason
			spoil(&x)
			bad = append(bad, x)
		}
		refuse("for another device", "claims-for-another", func(x *sealedVector) { x.DeviceID = "danother" })
		refuse("for another directive", "claims-for-another", func(x *sealedVector) { x.DirectiveID = "add-another" })
		refuse("altered tag", "sealed-for-another", func(x *sealedVector) { x.JWE = x.JWE[:len(x.JWE)-22] + strings.Repeat("A", 22) })
		refuse("cut off", "sealed-text", func(x *sealedVector) { x.JWE = x.JWE[:strings.LastIndex(x.JWE, ".")] })
	}
	x := good[0]
	x.Name, x.Reason, x.Plaintext, x.ContentKey = "sealed to another key", "sealed-for-another", "", ""
	x.PrivateKey = json.RawMessage(jwk(signing))
	x.Thumbprint = b64(thumb)
	return good, append(bad, x)
}

func withPlain(old, v sealedVector) sealedVector {
	v.JWE = old.JWE
	return v
}

func sealedFor(t *testing.T, name string, key any, text string) sealedVector {
	k, err := seal.NewKey(key.(crypto.Signer).Public())
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := k.Seal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	header, _ := base64.RawURLEncoding.DecodeString(jwe[:strings.Index(jwe, ".")])
	return sealedVector{
		Name: name, PrivateKey: json.RawMessage(jwk(key)), Thumbprint: b64(k.Thumbprint()), Header: string(header),
		DirectiveID: "add-2vgnzbqkxrsyht3jcwmoe5alu", Plaintext: text, JWE: jwe,
	}
}

// TestVectorsAreCurrent: the file holds what this package would write.
func TestVectorsAreCurrent(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	accepted, refused := requests()
	good, bad := settings(t, v, v.Sealed)
	want, _ := json.Marshal([]any{documented(t), accepted, refused, good, bad})
	got, _ := json.Marshal([]any{v.Proof, v.Accepted, v.Refused, v.Settings, v.SettingsRefused})
	if compact(t, want) != compact(t, got) {
		t.Error("functions/testdata/vectors.json is outdated; run go generate ./shared/proof")
	}
}

// TestInvariantC1UniformRefusal: no refusal tells the caller anything (C1).
func TestInvariantC1UniformRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		_, err := proof.Verify(c.proof, "GET", "https://other.example", nil, time.Unix(0, 0))
		if e := fault.As(err); e == nil || e.Kind != fault.Unauthorized || e.Public != "" || e.Field != "" || e.RetryAfter != 0 {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}
