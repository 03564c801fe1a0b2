package play

import (
	"context"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Insert implements account.Provider with Users.insert, which Google documents
// as an upsert on accountIdentifier: after a lost answer it is simply repeated.
func (c *Client) Insert(ctx context.Context, playEnterprise string, s account.Spec) (string, error) {
	if err := required("playEnterprise", playEnterprise, "identifier", s.Identifier, "type", string(s.Type)); err != nil {
		return "", err
	}
	var id string
	err := c.do(ctx, playEnterprise, "users.insert", true, func(ctx context.Context, api *androidenterprise.Service) error {
		u, err := api.Users.Insert(playEnterprise, &androidenterprise.User{
			AccountIdentifier: s.Identifier,
			AccountType:       string(s.Type),
			DisplayName:       s.DisplayName,
			ManagementType:    "emmManaged",
		}).Context(ctx).Do()
		if err != nil {
			return err
		}
		if id = u.Id; id == "" {
			return nonsense("a user without an id")
		}
		return nil
	})
	if err != nil {
		return "", c.settleEnterprise(ctx, playEnterprise, err)
	}
	return id, nil
}

// MintToken implements account.Provider with Users.generateAuthenticationToken.
// It is repeated only where Google certainly minted nothing, for a token that
// nobody received still deactivates the one before it.
func (c *Client) MintToken(ctx context.Context, playEnterprise, userID string) (secret.Value, error) {
	if err := required("playEnterprise", playEnterprise, "userID", userID); err != nil {
		return secret.Value{}, err
	}
	var token secret.Value
	err := c.do(ctx, playEnterprise, "users.generateAuthenticationToken", false,
		func(ctx context.Context, api *androidenterprise.Service) error {
			t, err := api.Users.GenerateAuthenticationToken(playEnterprise, userID).Context(ctx).Do()
			if err != nil {
				return err
			}
			if token = secret.New(t.Token); token.Empty() {
				return nonsense("an empty authentication token")
			}
			return nil
		})
	if err != nil {
		return secret.Value{}, c.settleUser(ctx, playEnterprise, err)
	}
	return token, nil
}

// Delete implements account.Remover with Users.delete. Where the whole
// enterprise is gone it says so instead of calling that a success.
func (c *Client) Delete(ctx context.Context, playEnterprise, userID string) error {
	if err := required("playEnterprise", playEnterprise, "userID", userID); err != nil {
		return err
	}
	err := c.do(ctx, playEnterprise, "users.delete", true, func(ctx context.Context, api *androidenterprise.Service) error {
		return api.Users.Delete(playEnterprise, userID).Context(ctx).Do()
	})
	if err = c.settleUser(ctx, playEnterprise, err); fault.ReasonOf(err) == account.ReasonUserMissing {
		return nil
	}
	return err
}

// RevokeDeviceAccess implements account.Remover with Users.revokeDeviceAccess.
func (c *Client) RevokeDeviceAccess(ctx context.Context, playEnterprise, userID string) error {
	if err := required("playEnterprise", playEnterprise, "userID", userID); err != nil {
		return err
	}
	err := c.do(ctx, playEnterprise, "users.revokeDeviceAccess", true,
		func(ctx context.Context, api *androidenterprise.Service) error {
			return api.Users.RevokeDeviceAccess(playEnterprise, userID).Context(ctx).Do()
		})
	return c.settleUser(ctx, playEnterprise, err)
}

// Rename implements account.Renamer with Users.update. Only the display name is
// sent: it is the only field that Google lets change.
func (c *Client) Rename(ctx context.Context, playEnterprise, userID, displayName string) error {
	if err := required("playEnterprise", playEnterprise, "userID", userID); err != nil {
		return err
	}
	err := c.do(ctx, playEnterprise, "users.update", true, func(ctx context.Context, api *androidenterprise.Service) error {
		_, err := api.Users.Update(playEnterprise, userID, &androidenterprise.User{
			DisplayName:     displayName,
			ForceSendFields: []string{"DisplayName"},
		}).Context(ctx).Do()
		return err
	})
	return c.settleUser(ctx, playEnterprise, err)
}

// Lookup implements account.Inspector with Users.get.
func (c *Client) Lookup(ctx context.Context, playEnterprise, userID string) (account.Remote, error) {
	if err := required("playEnterprise", playEnterprise, "userID", userID); err != nil {
		return account.Remote{}, err
	}
	var remote account.Remote
	err := c.do(ctx, playEnterprise, "users.get", true, func(ctx context.Context, api *androidenterprise.Service) error {
		u, err := api.Users.Get(playEnterprise, userID).Context(ctx).Do()
		if err != nil {
			return err
		}
		remote = account.Remote{
			UserID:      u.Id,
			Identifier:  u.AccountIdentifier,
			Type:        account.Type(u.AccountType),
			DisplayName: u.DisplayName,
		}
		return nil
	})
	if err != nil {
		return account.Remote{}, c.settleUser(ctx, playEnterprise, err)
	}
	return remote, nil
}

func nonsense(what string) error {
	return fault.New(fault.Transient, google.ReasonBackend, "Google answered with %s.", what)
}
