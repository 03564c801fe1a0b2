package keyring

import (
	"bytes"
	"context"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Create makes a key set with one key, and stores it under name in Tink's JSON
// form. Where there is one already, it is fault.Conflict and left alone: a key set
// that is written over takes every password with it.
//
// Otherwise errors are the store's.
func Create(ctx context.Context, store Keeper, name string) error {
	switch _, _, err := store.Newest(ctx, name); {
	case err == nil:
		return exists(name)
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	return grow(ctx, store, name, "", keyset.NewManager())
}

func exists(name string) error {
	return fault.New(fault.Conflict, "password-key-exists", "There is a key %q already. Rotate it instead.", name)
}

// Rotate adds a key to the key set and makes it the one that seals. The older keys
// stay and go on opening; what they sealed is sealed anew as it is used (see
// NeedsReseal). A process that does not know the new key yet reads the key set
// again when it meets it.
//
// The key set is read past every cache. Of any number who rotate at once, in one
// process or in several, nobody's key is lost.
func Rotate(ctx context.Context, store Keeper, name string) error {
	v, base, err := store.Newest(ctx, name)
	h, err := parse(name, v, err)
	if err != nil {
		return err
	}
	return grow(ctx, store, name, base, keyset.NewManagerFromHandle(h))
}

// grow adds a key, makes it the primary, and stores the key set.
func grow(ctx context.Context, store Keeper, name string, base secret.Version, m *keyset.Manager) error {
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fault.New(fault.Transient, "", "A key cannot be made.")
	}
	if err := m.SetPrimary(id); err != nil {
		return damaged(name)
	}
	h, err := m.Handle()
	if err != nil {
		return damaged(name)
	}
	return keep(ctx, store, name, base, h)
}

// load reads a key set.
func load(ctx context.Context, store Accessor, name string) (*keyset.Handle, error) {
	v, err := store.Access(ctx, name)
	return parse(name, v, err)
}

// parse reads what a store answered. Tink's errors are left out of what it returns:
// they quote what they could not read.
func parse(name string, v secret.Value, err error) (*keyset.Handle, error) {
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.Transient, password.ReasonKeyMissing,
			"The key %q is not in the secret store. If passwords were sealed with it, restore its last version, and nothing is lost; else make it with: rollcall password key --rotate", name)
	}
	if err != nil {
		return nil, err
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(v.Bytes())))
	if err != nil {
		return nil, damaged(name)
	}
	// Nothing of a key set that has no usable primary would be found out before the
	// first password is to be sealed.
	if p, err := h.Primary(); err != nil || p.KeyStatus() != keyset.Enabled {
		return nil, damaged(name)
	}
	if _, err := aead.New(h); err != nil {
		return nil, damaged(name)
	}
	return h, nil
}

func damaged(name string) error {
	return fault.New(fault.Transient, password.ReasonKeyDamaged,
		"The key %q is no Tink key set for AEAD. Restore its last good version; nothing is lost.", name)
}

// enabled returns the keys that may open.
func enabled(h *keyset.Handle) []*keyset.Entry {
	var out []*keyset.Entry
	for i := range h.Len() {
		if e, err := h.Entry(i); err == nil && e.KeyStatus() == keyset.Enabled {
			out = append(out, e)
		}
	}
	return out
}
