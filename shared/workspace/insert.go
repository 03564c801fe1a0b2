package workspace

import (
	"context"
	"strings"
	"unicode/utf8"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// NewUser is all of a user to create. One call carries it, for a second one
// right afterwards would meet a user who is not ready.
type NewUser struct {
	PrimaryEmail string
	// GivenName and FamilyName are required, and of 40 characters at most.
	GivenName   string
	FamilyName  string
	DisplayName string
	// Password is required.
	Password Password
	// OrgUnitPath is the unit, "/" where it is empty.
	OrgUnitPath               string
	Suspended                 bool
	ChangePasswordAtNextLogin bool
	// ExternalIDs can hold a mark that tells a later run whose user this is.
	ExternalIDs []ExternalID
}

func (n NewUser) check() error {
	if err := required("primaryEmail", n.PrimaryEmail, "name.givenName", n.GivenName, "name.familyName", n.FamilyName); err != nil {
		return err
	}
	if err := checkAddress(n.PrimaryEmail); err != nil {
		return err
	}
	if err := checkNames(n.GivenName, n.FamilyName, n.DisplayName); err != nil {
		return err
	}
	return n.Password.check()
}

func checkAddress(address string) error {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return fault.Field("primaryEmail", "is no e-mail address")
	}
	return nil
}

const (
	// maxName is the smaller of the two bounds that Google documents.
	maxName        = 40
	maxDisplayName = 256
)

func checkNames(given, family, display string) error {
	switch {
	case utf8.RuneCountInString(given) > maxName:
		return fault.Field("name.givenName", "has more than %d characters", maxName)
	case utf8.RuneCountInString(family) > maxName:
		return fault.Field("name.familyName", "has more than %d characters", maxName)
	case utf8.RuneCountInString(display) > maxDisplayName:
		return fault.Field("name.displayName", "has more than %d characters", maxDisplayName)
	default:
		return nil
	}
}

func (n NewUser) wire() *admin.User {
	u := &admin.User{
		PrimaryEmail: n.PrimaryEmail,
		Name:         &admin.UserName{GivenName: n.GivenName, FamilyName: n.FamilyName, DisplayName: n.DisplayName},
		Password:     n.Password.Value.Reveal(), HashFunction: string(n.Password.Hash),
		OrgUnitPath: n.OrgUnitPath, Suspended: n.Suspended, ChangePasswordAtNextLogin: n.ChangePasswordAtNextLogin,
	}
	if len(n.ExternalIDs) > 0 {
		u.ExternalIds = n.ExternalIDs
	}
	return u
}

// Insert creates a user, within the CreationLimit of the address's domain, and
// returns what Google made of it. Calls for the user in the next minutes should
// go by User.Key, which knows the age.
//
// It is repeated only where Google certainly created nothing. After another
// failure the user may exist, and the next Insert is ReasonExists: Get the
// address and compare the external ids before taking the user for one's own.
func (c *Client) Insert(ctx context.Context, n NewUser) (User, error) {
	if err := n.check(); err != nil {
		return User{}, err
	}
	var reply wireUser
	err := c.do(ctx, c.users, operation{name: opInsert}, &reply, func(ctx context.Context, api *admin.Service) error {
		if err := c.opt.Creations.admit(ctx, n.PrimaryEmail); err != nil {
			return err
		}
		_, err := api.Users.Insert(n.wire()).Fields(userFields).Context(ctx).Do()
		return err
	})
	u, err := userOf(&reply, err)
	if err != nil {
		return User{}, c.explain(ctx, Key{}, err)
	}
	return u, nil
}
