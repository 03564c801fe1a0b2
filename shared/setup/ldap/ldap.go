// Package ldap makes the clients of organisations' own directories for a process. It
// stands apart so that functions that ask Google alone do not link it.
package ldap

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// Clients makes clients after configurations. It may be used concurrently.
type Clients struct {
	process *setup.Process
	secrets secret.Store
}

// Open returns Clients for a process.
func Open(ctx context.Context, p *setup.Process) (Clients, error) {
	store, err := secrets.Store(ctx, p)
	return Clients{process: p, secrets: store}, err
}

// Client returns a client of the organisation's own directory. Password hashes are
// read, as digests, only where they are sent to Google. A configuration without
// LDAP is fault.Permanent.
func (c Clients) Client(ctx context.Context, cfg directory.Config) (*ldap.Client, error) {
	if cfg.LDAP == nil {
		return nil, fault.New(fault.Permanent, "ldap-not-configured", "the directory's configuration says nothing about LDAP")
	}
	name := directory.BindSecret(cfg.Enterprise)
	opt := ldap.Options{
		Config:   *cfg.LDAP,
		Password: func(ctx context.Context) (secret.Value, error) { return c.secrets.Access(ctx, name) },
	}
	if cfg.Mode == directory.ReadWrite && cfg.Google != nil && cfg.Google.PasswordHashes {
		key, err := secrets.IdentifierKey(ctx, c.process)
		if err != nil {
			return nil, err
		}
		opt.HashDigest = hashDigest(key)
	}
	return ldap.New(opt), nil
}

// hashDigest tells that a password hash changed, and nothing to whoever does not
// have the key.
func hashDigest(key secret.Value) func([]byte) string {
	return func(hash []byte) string {
		m := hmac.New(sha256.New, key.Bytes())
		m.Write([]byte("rollcall password hash v1\x00"))
		m.Write(hash)
		return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
	}
}
