package seal_test

import (
	"crypto/elliptic"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// FuzzParseKey: whatever a device sends as its key is refused in words, or is a
// public key that can be sealed to and is written in a form that is read again.
func FuzzParseKey(f *testing.F) {
	ec, r := newEC(f, elliptic.P256()), newRSA(f, 2048)
	for _, k := range []any{ec, ec.Public(), r, r.Public(), newEC(f, elliptic.P384()).Public()} {
		f.Add([]byte(jwk(f, jose.JSONWebKey{Key: k})))
	}
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQAB"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := seal.ParseKey(raw)
		if err != nil {
			if fault.As(err) == nil || fault.As(err).Field != "encryptionKey" {
				t.Errorf("ParseKey = %v, want invalid encryptionKey", err)
			}
			return
		}
		if strings.Contains(string(k.JSON()), `"d"`) {
			t.Error("a private key was taken")
		}
		again, err := seal.ParseKey(k.JSON())
		if err != nil || !again.Equal(k) {
			t.Errorf("the key's own form is not read: %v", err)
		}
		if _, err := k.Seal([]byte("x")); err != nil {
			t.Errorf("Seal = %v", err)
		}
	})
}

// FuzzOpen: no text makes Open panic, and none that was not sealed opens.
func FuzzOpen(f *testing.F) {
	ec, r := newEC(f, elliptic.P256()), newRSA(f, 2048)
	for _, text := range []string{sealTo(f, ec.Public()), sealTo(f, r.Public())} {
		f.Add(text)
		f.Add(text[:len(text)-1])
	}
	f.Add("")
	f.Add("....")
	f.Add("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0....")
	f.Fuzz(func(t *testing.T, text string) {
		for _, key := range []any{ec, r} {
			plain, err := seal.Open(key, text)
			if err == nil && string(plain) != secretText {
				t.Errorf("Open of %q = %q", text, plain)
			}
			if err != nil && fault.As(err) == nil {
				t.Errorf("Open = %v, want a fault", err)
			}
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for name, pub := range map[string]any{"P-256": newEC(b, elliptic.P256()).Public(), "RSA-2048": newRSA(b, 2048).Public()} {
		b.Run(name, func(b *testing.B) {
			k, err := seal.NewKey(pub)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := k.Seal([]byte(secretText)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
