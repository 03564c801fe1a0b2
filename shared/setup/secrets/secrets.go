// Package secrets opens the secret backend of a process and reads the secrets
// that have no other owner.
package secrets

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"path/filepath"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/setup"
)

// IdentifierKeyName is the secret that account identifiers are made with. Losing
// it means that every person gets a second account, so it is never rotated.
const IdentifierKeyName = "identifier-key"

const keyLength = 32

// Store returns the process's secret store, which tells versions apart.
func Store(_ context.Context, p *setup.Process) (secret.Versions, error) {
	return setup.Shared(p, "secrets", func() (secret.Versions, error) {
		if p.Config.Secrets == "secretmanager" {
			return secretmanager.New(p.Config.Project, nil), nil
		}
		return file.Open(filepath.Join(p.Config.Data, "secrets"))
	})
}

// IdentifierKey returns the key of account identifiers, at least 32 bytes. On one
// machine it is made at first use; in the cloud an operator makes it once.
func IdentifierKey(ctx context.Context, p *setup.Process) (secret.Value, error) {
	s, err := Store(ctx, p)
	if err != nil {
		return secret.Value{}, err
	}
	return setup.Shared(p, IdentifierKeyName, func() (secret.Value, error) {
		key, err := s.Access(ctx, IdentifierKeyName)
		if fault.KindOf(err) == fault.NotFound && p.Config.Secrets == "file" {
			var b [keyLength]byte
			_, _ = rand.Read(b[:]) // never fails (crypto/rand)
			key = secret.New(base64.RawStdEncoding.EncodeToString(b[:]))
			err = s.Put(ctx, IdentifierKeyName, key)
		}
		if err == nil && len(key.Bytes()) < keyLength {
			return key, fault.New(fault.Permanent, "identifier-key",
				"the secret %s has fewer than %d bytes; it must be random and is made once, see infra/README.md", IdentifierKeyName, keyLength)
		}
		return key, err
	})
}
