package agent_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// vault stands for a key in hardware: it opens, and does not show itself.
type vault struct{ key *rsa.PrivateKey }

func (v vault) Public() crypto.PublicKey { return v.key.Public() }

func (v vault) DecryptKey(sealed []byte, h jose.Header) ([]byte, error) {
	if h.Algorithm != string(jose.RSA_OAEP_256) {
		return nil, fmt.Errorf("unexpected %q", h.Algorithm)
	}
	return v.key.Decrypt(nil, sealed, &rsa.OAEPOptions{Hash: crypto.SHA256})
}

func newRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(crand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysOpen(t *testing.T) {
	t.Parallel()
	ec, err := agent.GenerateKeys(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKeys, err := agent.GenerateRSAKeys(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hardware, err := agent.NewKeys(signing, vault{newRSA(t, 2048)})
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]agent.Keys{"P-256": ec, "RSA": rsaKeys, "hardware": hardware} {
		jwe, err := k.Encryption().Seal([]byte(`{"deviceId":"d1","directiveId":"add-1","token":"t","more":1}`))
		if err != nil {
			t.Fatal(err)
		}
		r := protocol.TokenReply{Token: jwe}
		if got, err := k.Open(r, "d1", "add-1"); err != nil || got.Reveal() != "t" {
			t.Errorf("%s: Open = %v", name, err)
		}
		if _, err := k.Open(r, "d2", "add-1"); fault.ReasonOf(err) != agent.ReasonMisdirected {
			t.Errorf("%s: Open for another device = %v", name, err)
		}
	}
	if err := hardware.Save(filepath.Join(t.TempDir(), "k")); fault.ReasonOf(err) != "hardware-key" {
		t.Errorf("Save of a hardware key = %v", err)
	}
}

func TestNewKeysRefuses(t *testing.T) {
	t.Parallel()
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), crand.Reader)
	big := newRSA(t, 2048)
	tests := map[string]struct {
		signing crypto.Signer
		opening any
	}{
		"signing on P-384":  {p384, p256},
		"signing by RSA":    {big, p256},
		"opening on P-384":  {p256, p384},
		"weak RSA":          {p256, newRSA(t, 1024)},
		"one key for both":  {p256, p256},
		"no opening key":    {p256, nil},
		"a key of no kind":  {p256, "key"},
		"a public key only": {p256, &big.PublicKey},
	}
	for name, tt := range tests {
		if _, err := agent.NewKeys(tt.signing, tt.opening); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: NewKeys = %v, want invalid", name, err)
		}
	}
}

func TestGenerateKeysIsRepeatable(t *testing.T) {
	t.Parallel()
	seed := [32]byte{7}
	a, err := agent.GenerateKeys(rand.NewChaCha8(seed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := agent.GenerateKeys(rand.NewChaCha8(seed))
	if err != nil || a.Thumbprint() != b.Thumbprint() || !a.Encryption().Equal(b.Encryption()) {
		t.Errorf("the same bytes gave other keys, %v", err)
	}
	if _, err := agent.GenerateKeys(bytes.NewReader(make([]byte, 10))); err == nil {
		t.Error("GenerateKeys did without randomness")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func() (agent.Keys, error){
		"P-256": func() (agent.Keys, error) { return agent.GenerateKeys(crand.Reader) },
		"RSA":   func() (agent.Keys, error) { return agent.GenerateRSAKeys(crand.Reader) },
	} {
		k, err := make()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "keys.pem")
		if err := k.Save(path); err != nil {
			t.Fatalf("%s: Save = %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode = %v, %v; want 0600", name, info.Mode(), err)
		}
		got, err := agent.LoadKeys(path)
		if err != nil || got.Thumbprint() != k.Thumbprint() || !got.Encryption().Equal(k.Encryption()) {
			t.Errorf("%s: LoadKeys gave other keys, %v", name, err)
		}
		if err := k.Save(path); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: Save over keys = %v, want conflict", name, err)
		}
		if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
			t.Errorf("%s: Save left %v", name, names)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := agent.LoadKeys(path); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: LoadKeys of a file for all = %v, want denied", name, err)
		}
	}
}

func TestLoadKeysRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.pem")
	if _, err := agent.LoadKeys(path); fault.KindOf(err) != fault.NotFound {
		t.Errorf("LoadKeys of nothing = %v, want not found", err)
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := agent.LoadKeys(path); fault.KindOf(err) != fault.Invalid {
			t.Errorf("LoadKeys of %q = %v, want invalid", text, err)
		}
	}
}

func TestKeysShowNothing(t *testing.T) {
	t.Parallel()
	k, err := agent.GenerateKeys(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "keys "+k.Thumbprint() {
			t.Errorf("%s = %q", verb, got)
		}
	}
	if got := fmt.Sprintf("%+v", agent.Config{Keys: k}); !strings.Contains(got, "Keys:keys "+k.Thumbprint()) {
		t.Errorf("a struct shows its keys: %s", got)
	}
}
