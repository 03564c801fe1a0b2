package keyring

import (
	"context"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// SecretName is the name under which a process keeps its key set in the secret store.
const SecretName = "password-key"

// Key is what may be seen of a key.
type Key struct {
	// ID is Tink's id of the key, which stands in front of what it sealed.
	ID uint32 `json:"id"`
	// Primary: it seals what is sealed from now on.
	Primary bool `json:"primary"`
	// Enabled: it opens what it sealed.
	Enabled bool `json:"enabled"`
}

// Keys returns what may be seen of the key set under name, the oldest key first, and
// none where there is no key set. Other errors are as with Rotate.
func Keys(ctx context.Context, store Accessor, name string) ([]Key, error) {
	h, err := load(ctx, store, name)
	if fault.ReasonOf(err) == password.ReasonKeyMissing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Key
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return nil, damaged(name)
		}
		out = append(out, Key{ID: e.KeyID(), Primary: e.IsPrimary(), Enabled: e.KeyStatus() == keyset.Enabled})
	}
	return out, nil
}

// Opener returns the id of the key that opens what was sealed; false for what is no
// ciphertext of a Keyring. It reads no key, and does not try one.
func Opener(sealed string) (id uint32, ok bool) {
	_, id, ok = decode(sealed)
	return id, ok
}
