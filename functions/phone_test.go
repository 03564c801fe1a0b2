package functions_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// phone is a device's two keys.
type phone struct {
	signing    *ecdsa.PrivateKey
	public     string // of signing, as a JWK
	signer     *proof.Signer
	encryption map[string]any
	private    *ecdsa.PrivateKey // of encryption
}

func newPhone(t testing.TB) *phone {
	t.Helper()
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := proof.NewSigner(signing, rand.Reader, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{
		signing: signing, public: rawJWK(t, signing.Public()), signer: signer,
		private: private, encryption: publicJWK(t, private.Public()),
	}
}

// thumbprint returns the signing key's RFC 7638 thumbprint.
func (p *phone) thumbprint(t testing.TB) []byte {
	t.Helper()
	thumb, err := (&jose.JSONWebKey{Key: p.signing.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return thumb
}

func publicJWK(t testing.TB, pub any) map[string]any {
	t.Helper()
	key, err := seal.NewKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(key.JSON(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
