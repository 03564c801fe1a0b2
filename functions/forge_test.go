package functions_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/proof"
)

// forgery makes proofs by hand, so that each part can be wrong by itself.
type forgery struct {
	header, claims string // JSON
	sign           func(input []byte) []byte
}

// forge returns what makes a good proof of the request by p.
func (w *world) forge(p *phone, function string, body []byte) *forgery {
	claims, err := json.Marshal(proof.Claims{
		ID: rand.Text(), Method: "POST", URL: w.url(function), IssuedAt: time.Now().Unix(), BodyDigest: proof.Digest(body),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &forgery{
		header: `{"typ":"dpop+jwt","alg":"ES256","jwk":` + p.public + `}`,
		claims: string(claims), sign: es256(w.t, p.signing),
	}
}

func (f *forgery) String() string {
	input := b64([]byte(f.header)) + "." + b64([]byte(f.claims))
	return input + "." + b64(f.sign([]byte(input)))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rawJWK(t testing.TB, pub any) string {
	t.Helper()
	raw, err := json.Marshal(publicJWK(t, pub))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func es256(t testing.TB, key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		return ecdsaSignature(t, key, sum[:], 32)
	}
}

func es384(t testing.TB, key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha512.Sum384(input)
		return ecdsaSignature(t, key, sum[:], 48)
	}
}

func ecdsaSignature(t testing.TB, key *ecdsa.PrivateKey, sum []byte, size int) []byte {
	t.Helper()
	r, s, err := ecdsa.Sign(rand.Reader, key, sum)
	if err != nil {
		t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func rs256(t testing.TB, key *rsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
}

func hs256(secret []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write(input)
		return m.Sum(nil)
	}
}
