package directorysync

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// hashSource gives people's password hashes as they are stored; *ldap.Client is one.
type hashSource interface {
	PasswordHash(ctx context.Context, id string) (secret.Value, error)
}

// HashFrom returns the AccountWriter.Hash that reads from the directories that open
// gives.
func HashFrom[S hashSource](open func(context.Context, directory.Config) (S, error)) func(context.Context, directory.Config, string) (workspace.Password, error) {
	return func(ctx context.Context, c directory.Config, id string) (workspace.Password, error) {
		source, err := open(ctx, c)
		if err != nil {
			return workspace.Password{}, err
		}
		stored, err := source.PasswordHash(ctx, id)
		if err != nil {
			return workspace.Password{}, err
		}
		h, err := ldap.GoogleHash(stored.Bytes())
		if err != nil {
			return workspace.Password{}, err
		}
		return workspace.Password{Value: h.Value, Hash: workspace.HashFunction(h.Function)}, nil
	}
}
