// Package passwords makes what pushes generated passwords to Google for a process.
package passwords

import (
	"context"
	"math/rand/v2"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/directories"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// Open returns the process's Pusher, one for all functions in it, so that they share
// limits, breakers, access tokens and the key set. On one machine the key set is
// made at first use, before there are passwords; in the cloud an operator makes it
// once, and until then sealing fails with advice.
func Open(ctx context.Context, p *setup.Process) (*push.Pusher, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	clients, err := directories.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	store, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, "passwords", func() (*push.Pusher, error) {
		if p.Config.Secrets == "file" {
			if err := first(ctx, db, store); err != nil {
				return nil, err
			}
		}
		gen, err := generator.New(nil)
		if err != nil {
			return nil, err
		}
		return &push.Pusher{
			DB: db, Keys: keyring.New(store, keyring.SecretName, p.Now), Generator: gen,
			Google: func(ctx context.Context, c directory.Config) (push.Google, error) { return clients.Passwords(ctx, c) },
			Now:    p.Now, Jitter: rand.Float64, Log: p.Log,
		}, nil
	})
}

// first makes the key set, unless passwords are stored already: then it was lost, and
// another one in its place would hide that and seal what the right one never opens.
func first(ctx context.Context, db *record.DB, store keyring.Keeper) error {
	if sealed, err := db.AnyPassword(ctx); err != nil || sealed {
		return err
	}
	if err := keyring.Create(ctx, store, keyring.SecretName); fault.KindOf(err) != fault.Conflict {
		return err
	}
	return nil
}
