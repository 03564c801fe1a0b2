package proof_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// TestInvariantC8SealedVectors: the documented tokens open with their keys, and
// the others do not open, or are not for this device and directive (C8, T2).
func TestInvariantC8SealedVectors(t *testing.T) {
	t.Parallel()
	all := readVectors(t)
	for _, v := range append(all.Sealed, all.SealedRefused...) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var key jose.JSONWebKey
			if err := json.Unmarshal(v.PrivateKey, &key); err != nil {
				t.Fatal(err)
			}
			thumb, err := key.Thumbprint(crypto.SHA256)
			if err != nil || base64.RawURLEncoding.EncodeToString(thumb) != v.Thumbprint {
				t.Errorf("thumbprint = %x, %v", thumb, err)
			}
			if cek, plain, err := openByHand(key.Key, v.JWE); v.Reason == "" && (err != nil || cek != v.ContentKey || plain != v.Plaintext) {
				t.Errorf("by hand: content key %s, plaintext %s, %v", cek, plain, err)
			}
			if got := openFor(key.Key, v); got != v.Reason {
				t.Errorf("reason = %q, want %q", got, v.Reason)
			}
		})
	}
}

// openFor does what an agent does with a sealed token and returns why it refuses.
func openFor(key any, v sealedVector) string {
	plain, err := seal.Open(key, v.JWE)
	if err != nil {
		return fault.ReasonOf(err)
	}
	var c protocol.TokenClaims
	if err := json.Unmarshal(plain, &c); err != nil || c.Token == "" {
		return "claims-malformed"
	}
	if v.Reason == "" && string(plain) != v.Plaintext {
		return "plaintext-differs"
	}
	if c.DeviceID != v.DeviceID || c.DirectiveID != v.DirectiveID {
		return "claims-for-another"
	}
	return ""
}
