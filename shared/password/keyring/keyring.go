// Package keyring seals passwords for keeping with Tink
// (github.com/tink-crypto/tink-go): AES-256-GCM under a key set that lives in the
// secret store, one for many people (invariant W8). Each ciphertext is bound to
// enterprise, person and version and opens as no other's.
//
// A key that is missing or wrong loses nothing: opening fails with advice, and
// works again once the key set is back.
package keyring

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	// fresh is how long a key set is used before it is read again, so that a
	// rotation takes effect everywhere.
	fresh = 10 * time.Minute
	// pause is the least time between two readings for a key that was not found, so
	// that damaged rows cannot wear out the secret store.
	pause = 10 * time.Second
	// maxSealed bounds what is decoded: a password of 100 characters takes 178.
	maxSealed = 1024
)

// Accessor is what a Keyring needs of a secret.Store.
type Accessor interface {
	Access(ctx context.Context, name string) (secret.Value, error)
}

// Keyring seals and opens. It reads the key set at first use and keeps it; a
// reading that failed is tried again. It may be used concurrently.
type Keyring struct {
	store Accessor
	name  string
	now   func() time.Time

	mu     sync.Mutex
	loaded *keys
	at     time.Time
	missed time.Time
}

// keys is one key set, ready for use.
type keys struct {
	aead    tink.AEAD
	primary uint32
	ids     map[uint32]bool
}

// New returns a Keyring over the key set that the store holds under name. Nothing
// is read yet.
func New(store Accessor, name string, now func() time.Time) *Keyring {
	return &Keyring{store: store, name: name, now: now}
}

// Seal returns v as ciphertext in characters of base64url, bound to b. Errors are
// Transient with password.ReasonKeyMissing or ReasonKeyDamaged, or the store's.
func (k *Keyring) Seal(ctx context.Context, b password.Binding, v secret.Value) (string, error) {
	if v.Empty() {
		return "", fault.Field("password", "there is no password to seal")
	}
	ks, err := k.current(ctx)
	if err != nil {
		return "", err
	}
	out, err := ks.aead.Encrypt(v.Bytes(), associated(b))
	if err != nil {
		return "", fault.New(fault.Transient, password.ReasonKeyDamaged, "The key %q cannot seal.", k.name)
	}
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// Open returns what was sealed to b. Ciphertext that is damaged, or of another
// enterprise, person or version, is Permanent with password.ReasonUnreadable. One
// under a key that the key set lacks, even after it was read again, is Transient
// with ReasonKeyUnknown; nothing is lost then.
func (k *Keyring) Open(ctx context.Context, b password.Binding, sealed string) (secret.Value, error) {
	text, id, ok := decode(sealed)
	if !ok {
		return secret.Value{}, unreadable()
	}
	ks, err := k.current(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	if !ks.ids[id] {
		if ks, err = k.again(ctx, ks); err != nil {
			return secret.Value{}, err
		}
		if !ks.ids[id] {
			return secret.Value{}, fault.New(fault.Transient, password.ReasonKeyUnknown,
				"The password was sealed with key %d, which %q lacks or has disabled. Restore the secret's earlier version; nothing is lost.", id, k.name)
		}
	}
	plain, err := ks.aead.Decrypt(text, associated(b))
	if err != nil {
		return secret.Value{}, unreadable()
	}
	return secret.NewBytes(plain), nil
}

// NeedsReseal reports whether the ciphertext was sealed under another key than the
// one that seals now. It is false for what does not open.
func (k *Keyring) NeedsReseal(ctx context.Context, sealed string) (bool, error) {
	_, id, ok := decode(sealed)
	if !ok {
		return false, nil
	}
	ks, err := k.current(ctx)
	if err != nil {
		return false, err
	}
	return ks.ids[id] && id != ks.primary, nil
}

func unreadable() error {
	return fault.New(fault.Permanent, password.ReasonUnreadable, "The stored password cannot be read. Renew it.")
}

// current returns the key set, read anew when it is old. A key set that was read
// before is used on while the store has a fault: its keys do not go bad.
func (k *Keyring) current(ctx context.Context) (*keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.loaded != nil && now.Sub(k.at) < fresh {
		return k.loaded, nil
	}
	ks, err := k.read(ctx)
	if err != nil {
		if k.loaded != nil {
			k.at = now.Add(pause - fresh)
			return k.loaded, nil
		}
		return nil, err
	}
	k.loaded, k.at = ks, now
	return ks, nil
}

// again reads the key set once more because a key was not in had.
func (k *Keyring) again(ctx context.Context, had *keys) (*keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.loaded != had || now.Sub(k.missed) < pause {
		return k.loaded, nil
	}
	ks, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	k.loaded, k.at, k.missed = ks, now, now
	return ks, nil
}

func (k *Keyring) read(ctx context.Context) (*keys, error) {
	h, err := load(ctx, k.store, k.name)
	if err != nil {
		return nil, err
	}
	ks := &keys{ids: map[uint32]bool{}}
	for _, key := range enabled(h) {
		ks.ids[key.KeyID()] = true
		if key.IsPrimary() {
			ks.primary = key.KeyID()
		}
	}
	if ks.aead, err = aead.New(h); err != nil {
		return nil, damaged(k.name)
	}
	return ks, nil
}

// decode takes off base64url, and Tink's prefix apart: a byte 1 and the key's id,
// big endian (Tink's wire format, output prefix TINK).
func decode(sealed string) (text []byte, id uint32, ok bool) {
	if len(sealed) > maxSealed {
		return nil, 0, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(text) < 5 || text[0] != 1 {
		return nil, 0, false
	}
	return text, binary.BigEndian.Uint32(text[1:]), true
}

// associated is the associated data: each part with its length, so that no two
// bindings have the same.
func associated(b password.Binding) []byte {
	out := []byte("rollcall password v1")
	for _, part := range []string{b.Enterprise, b.Person} {
		out = binary.AppendUvarint(out, uint64(len(part)))
		out = append(out, part...)
	}
	return binary.AppendVarint(out, int64(b.Version))
}
