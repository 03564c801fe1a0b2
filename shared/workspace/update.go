package workspace

import (
	"context"
	"strings"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Update changes a user with users.update, which Google documents as a patch,
// and returns the user as it is then. A Patch without changes is a Get.
//
// It may be repeated. A 409 is not believed: Google has been seen to answer so
// after it made the change. The user is read back, and only what differs is a
// failure: ReasonExists for an address that is another's, google.ReasonDuplicate
// otherwise. Of a password nobody can tell, so that is ReasonUnconfirmed.
func (c *Client) Update(ctx context.Context, k Key, p Patch) (User, error) {
	if err := required("key", k.ID); err != nil {
		return User{}, err
	}
	if err := p.check(); err != nil {
		return User{}, err
	}
	if p.empty() {
		return c.Get(ctx, k)
	}
	var reply wireUser
	err := c.do(ctx, c.users, operation{name: opUpdate, idempotent: true, key: k}, &reply, func(ctx context.Context, api *admin.Service) error {
		_, err := api.Users.Update(k.ID, p.wire()).Fields(userFields).Context(ctx).Do()
		return err
	})
	u, err := userOf(&reply, err)
	switch {
	case err == nil:
		return u, nil
	case fault.ReasonOf(err) == google.ReasonDuplicate:
		return c.readBack(ctx, k, p, err)
	default:
		return User{}, c.explain(ctx, k, err)
	}
}

// readBack decides on a 409.
func (c *Client) readBack(ctx context.Context, k Key, p Patch, conflict error) (User, error) {
	u, err := c.Get(ctx, k)
	address, renames := p.PrimaryEmail.Value()
	switch {
	case err != nil:
		return User{}, err
	case p.appliedTo(u) && !p.Password.Value.Empty():
		return User{}, fault.Wrap(conflict, fault.Transient, ReasonUnconfirmed,
			"Google does not say whether it took the password; it must be set again.")
	case p.appliedTo(u):
		return u, nil
	case renames && !strings.EqualFold(address, u.PrimaryEmail):
		return User{}, fault.Wrap(conflict, fault.Conflict, ReasonExists, "The address belongs to another Google user.")
	default:
		return User{}, conflict
	}
}

// SetPassword sets a plain password of 8 to 100 printable ASCII characters. It
// may be repeated with the same password, and must be where it is not known what
// became of it (invariant W4). The password is in the body of the request and
// nowhere else. The user is as Google answered.
func (c *Client) SetPassword(ctx context.Context, k Key, password secret.Value) (User, error) {
	if password.Empty() {
		return User{}, fault.Field("password", "is required")
	}
	return c.Update(ctx, k, Patch{Password: Password{Value: password}})
}

// Rename gives a user another primary address. The old one stays as an alias;
// the new one takes up to ten minutes to reach every server, so go on by id.
func (c *Client) Rename(ctx context.Context, k Key, address string) (User, error) {
	return c.Update(ctx, k, Patch{PrimaryEmail: Set(address)})
}

// Suspend keeps a user from signing in. Whether the user may be an administrator
// is for the caller to ask first (User.MayBeAdmin).
func (c *Client) Suspend(ctx context.Context, k Key) error {
	_, err := c.Update(ctx, k, Patch{Suspended: Set(true)})
	return err
}

// Unsuspend lets a user sign in again.
func (c *Client) Unsuspend(ctx context.Context, k Key) error {
	_, err := c.Update(ctx, k, Patch{Suspended: Set(false)})
	return err
}
