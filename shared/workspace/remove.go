package workspace

import (
	"context"
	"strings"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// Delete deletes a user, who can be restored by id for 20 days. It takes Google's
// id only: an address may meanwhile be the alias of somebody else. One who is
// deleted or gone already is no failure; one who was created of late and whom
// Google does not know yet is google.ReasonNotReady.
func (c *Client) Delete(ctx context.Context, k Key) error {
	if err := idOnly("key", k.ID); err != nil {
		return err
	}
	err := c.do(ctx, c.users, operation{name: opDelete, idempotent: true, key: k}, nil, func(ctx context.Context, api *admin.Service) error {
		return api.Users.Delete(k.ID).Context(ctx).Do()
	})
	switch fault.ReasonOf(err) {
	case ReasonDeleted, google.ReasonNotFound:
		return nil
	default:
		return c.explain(ctx, k, err)
	}
}

// Undelete restores a user deleted in the last 20 days into an organizational
// unit, by Google's id and nothing else. One who is not deleted is no failure;
// one who cannot be restored is ReasonNotRestorable.
func (c *Client) Undelete(ctx context.Context, id, orgUnitPath string) error {
	if err := idOnly("id", id); err != nil {
		return err
	}
	if err := required("orgUnitPath", orgUnitPath); err != nil {
		return err
	}
	err := c.do(ctx, c.users, operation{name: opUndelete, idempotent: true}, nil, func(ctx context.Context, api *admin.Service) error {
		return api.Users.Undelete(id, &admin.UserUndelete{OrgUnitPath: orgUnitPath}).Context(ctx).Do()
	})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Conflict, fault.Permanent:
	default:
		return err
	}
	if fault.ReasonOf(err) == google.ReasonForbidden {
		return c.explain(ctx, Key{}, err)
	}
	// The refusal of a user who is there already has no documented shape.
	_, gerr := c.get(ctx, ByID(id))
	switch {
	case gerr == nil:
		return nil
	case fault.ReasonOf(gerr) == google.ReasonNotFound:
		return fault.Wrap(err, fault.NotFound, ReasonNotRestorable, "Google has no such deleted user, or no longer.")
	default:
		return err
	}
}

// SignOut ends the user's sessions on the web and on devices. It needs the scope
// admin.directory.user.security.
func (c *Client) SignOut(ctx context.Context, k Key) error {
	if err := required("key", k.ID); err != nil {
		return err
	}
	err := c.do(ctx, c.security, operation{name: opSignOut, idempotent: true, key: k}, nil, func(ctx context.Context, api *admin.Service) error {
		return api.Users.SignOut(k.ID).Context(ctx).Do()
	})
	return c.explain(ctx, k, err)
}

// idOnly refuses addresses.
func idOnly(field, id string) error {
	if strings.Contains(id, "@") {
		return fault.Field(field, "is an address; Google's id is needed")
	}
	return required(field, id)
}
