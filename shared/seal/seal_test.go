package seal_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

const secretText = `{"token":"single-use"}`

func newEC(tb testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// newRSA caches a key for each size: making one takes long.
var newRSA = func() func(tb testing.TB, bits int) *rsa.PrivateKey {
	var mu sync.Mutex
	made := map[int]*rsa.PrivateKey{}
	return func(tb testing.TB, bits int) *rsa.PrivateKey {
		tb.Helper()
		mu.Lock()
		defer mu.Unlock()
		if made[bits] == nil {
			k, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				tb.Fatal(err)
			}
			made[bits] = k
		}
		return made[bits]
	}
}()

func jwk(tb testing.TB, k jose.JSONWebKey) string {
	tb.Helper()
	raw, err := k.MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func sealTo(tb testing.TB, pub crypto.PublicKey) string {
	tb.Helper()
	k, err := seal.NewKey(pub)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := k.Seal([]byte(secretText))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestInvariantT2RoundTrip: what is sealed to a key opens with that key only, is
// other text each time, and shows nothing of the content (T2).
func TestInvariantT2RoundTrip(t *testing.T) {
	t.Parallel()
	ec, r := newEC(t, elliptic.P256()), newRSA(t, 2048)
	for name, tt := range map[string]struct {
		private, other crypto.Signer
		alg            string
	}{
		"EC":  {ec, newEC(t, elliptic.P256()), "ECDH-ES"},
		"RSA": {r, newRSA(t, 2056), "RSA-OAEP-256"},
	} {
		a, b := sealTo(t, tt.private.Public()), sealTo(t, tt.private.Public())
		if a == b {
			t.Errorf("%s: sealing twice gave the same text", name)
		}
		if got, err := seal.Open(tt.private, a); err != nil || string(got) != secretText {
			t.Errorf("%s: Open = %q, %v", name, got, err)
		}
		for _, wrong := range []any{tt.other, ec, r} {
			if wrong == any(tt.private) {
				continue
			}
			if _, err := seal.Open(wrong, a); fault.KindOf(err) != fault.Denied {
				t.Errorf("%s: Open with another key = %v, want denied", name, err)
			}
		}
		obj, err := jose.ParseEncryptedCompact(a, []jose.KeyAlgorithm{jose.KeyAlgorithm(tt.alg)}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil || obj.Header.ExtraHeaders["zip"] != nil {
			t.Errorf("%s: not %s with A256GCM without compression: %v", name, tt.alg, err)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	ec := newEC(t, elliptic.P256())
	weakE := &rsa.PublicKey{N: newRSA(t, 2048).N, E: 3}
	tests := map[string]string{
		"private EC":       jwk(t, jose.JSONWebKey{Key: ec}),
		"private RSA":      jwk(t, jose.JSONWebKey{Key: newRSA(t, 2048)}),
		"P-384":            jwk(t, jose.JSONWebKey{Key: newEC(t, elliptic.P384()).Public()}),
		"RSA of 1024 bits": jwk(t, jose.JSONWebKey{Key: newRSA(t, 1024).Public()}),
		"RSA of 4104 bits": jwk(t, jose.JSONWebKey{Key: &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 4103), big.NewInt(1)), E: 65537}}),
		"exponent 3":       jwk(t, jose.JSONWebKey{Key: weakE}),
		"symmetric":        `{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0"}`,
		"OKP":              `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"not on the curve": `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`,
		"no coordinates":   `{"kty":"EC","crv":"P-256"}`,
		"member twice":     strings.Replace(jwk(t, jose.JSONWebKey{Key: ec.Public()}), `{`, `{"kty":"EC",`, 1),
		"empty":            ``, "null": `null`, "list": `[]`, "text": `"x"`,
		"too long": `{"kty":"EC","kid":"` + strings.Repeat("x", 4096) + `"}`,
	}
	for name, raw := range tests {
		_, err := seal.ParseKey([]byte(raw))
		if e := fault.As(err); e == nil || e.Kind != fault.Invalid || e.Field != "encryptionKey" {
			t.Errorf("%s: ParseKey = %v, want invalid encryptionKey", name, err)
			continue
		}
		if strings.Contains(name, "private") && !strings.Contains(err.Error(), "private key") {
			t.Errorf("%s: ParseKey = %v, want it to say so", name, err)
		}
	}
	if _, err := seal.NewKey("key"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("NewKey of a text = %v, want invalid", err)
	}
}

// TestKeyJSON: a key is written in one form, without what the device said besides.
func TestKeyJSON(t *testing.T) {
	t.Parallel()
	pub := newEC(t, elliptic.P256()).Public()
	k, err := seal.ParseKey([]byte(jwk(t, jose.JSONWebKey{Key: pub, KeyID: "mine", Use: "enc", Algorithm: "ECDH-ES"})))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(k.JSON()), jwk(t, jose.JSONWebKey{Key: pub}); got != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
	same, err := seal.ParseKey(k.JSON())
	if err != nil || !same.Equal(k) || !bytes.Equal(same.Thumbprint(), k.Thumbprint()) {
		t.Errorf("ParseKey of JSON gave another key, %v", err)
	}
	if other, _ := seal.NewKey(newEC(t, elliptic.P256()).Public()); other.Equal(k) {
		t.Error("two keys are equal")
	}
}

// TestInvariantT2Altered: a change anywhere in a sealed text is found (T2).
func TestInvariantT2Altered(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.Signer{newEC(t, elliptic.P256()), newRSA(t, 2048)} {
		text := sealTo(t, key.Public())
		for i := 0; i < len(text); i += 7 {
			b := []byte(text)
			if b[i] == '.' {
				b[i] = '-'
			} else if b[i] = 'Q'; text[i] == 'Q' {
				b[i] = 'R'
			}
			if got, err := seal.Open(key, string(b)); err == nil && string(got) != secretText {
				t.Fatalf("byte %d changed: Open gave %q", i, got)
			} else if err == nil && lastOfPart(text, i) {
				continue // unused bits of base64: the bytes are the same
			} else if err == nil {
				t.Errorf("byte %d changed: Open found nothing", i)
			} else if strings.Contains(fmt.Sprintf("%+v", err), "single-use") {
				t.Error("the error shows the content")
			}
		}
	}
}

// lastOfPart reports whether text[i] ends a part, where base64 has unused bits.
func lastOfPart(text string, i int) bool { return i+1 == len(text) || text[i+1] == '.' }

// TestOpenRefusesOtherAlgorithms: what a server never sends is not opened.
func TestOpenRefusesOtherAlgorithms(t *testing.T) {
	t.Parallel()
	ec, r := newEC(t, elliptic.P256()), newRSA(t, 2048)
	for _, tt := range []struct {
		alg     jose.KeyAlgorithm
		enc     jose.ContentEncryption
		key     any
		private any
	}{
		{jose.RSA_OAEP, jose.A256GCM, r.Public(), r},
		{jose.RSA1_5, jose.A256GCM, r.Public(), r},
		{jose.RSA_OAEP_256, jose.A128CBC_HS256, r.Public(), r},
		{jose.ECDH_ES_A256KW, jose.A256GCM, ec.Public(), ec},
		{jose.ECDH_ES, jose.A128GCM, ec.Public(), ec},
		{jose.DIRECT, jose.A256GCM, make([]byte, 32), ec},
	} {
		enc, err := jose.NewEncrypter(tt.enc, jose.Recipient{Algorithm: tt.alg, Key: tt.key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		obj, err := enc.Encrypt([]byte(secretText))
		if err != nil {
			t.Fatal(err)
		}
		text, err := obj.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Open(tt.private, text); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Open of %s %s = %v, want invalid", tt.alg, tt.enc, err)
		}
	}
}
