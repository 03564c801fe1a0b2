package workspace

import (
	"slices"
	"strings"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Change is what becomes of one field. Its zero value leaves the field alone.
type Change[T any] struct {
	value T
	what  change
}

type change uint8

const (
	keep change = iota
	set
	clearIt
)

// Set gives the field a value.
func Set[T any](v T) Change[T] { return Change[T]{v, set} }

// Clear takes the field's value away.
func Clear[T any]() Change[T] { return Change[T]{what: clearIt} }

// Value returns what Set was given, and whether there is a change at all; of
// Clear it returns the zero value.
func (c Change[T]) Value() (v T, changes bool) { return c.value, c.what != keep }

// Patch says what to change of a user. Only fields with a change are sent.
type Patch struct {
	// PrimaryEmail renames the user; the old address stays as an alias.
	PrimaryEmail Change[string]
	GivenName    Change[string]
	FamilyName   Change[string]
	DisplayName  Change[string]
	// OrgUnitPath moves the user; cleared means the root.
	OrgUnitPath               Change[string]
	Suspended                 Change[bool]
	Archived                  Change[bool]
	ChangePasswordAtNextLogin Change[bool]
	// ExternalIDs are replaced as a whole.
	ExternalIDs Change[[]ExternalID]
	// Password is set where its value is not empty.
	Password Password
}

func (p Patch) empty() bool {
	return p.PrimaryEmail.what|p.GivenName.what|p.FamilyName.what|p.DisplayName.what|p.OrgUnitPath.what|
		p.Suspended.what|p.Archived.what|p.ChangePasswordAtNextLogin.what|p.ExternalIDs.what == keep && p.Password.Value.Empty()
}

func (p Patch) check() error {
	for _, f := range []struct {
		name   string
		change Change[string]
	}{
		{"primaryEmail", p.PrimaryEmail}, {"name.givenName", p.GivenName}, {"name.familyName", p.FamilyName},
	} {
		if f.change.what != keep && f.change.value == "" {
			return fault.Field(f.name, "cannot be empty")
		}
	}
	if p.PrimaryEmail.what == set {
		if err := checkAddress(p.PrimaryEmail.value); err != nil {
			return err
		}
	}
	if p.OrgUnitPath.what == set && !strings.HasPrefix(p.OrgUnitPath.value, "/") {
		return fault.Field("orgUnitPath", "must begin with a slash")
	}
	if err := checkNames(p.GivenName.value, p.FamilyName.value, p.DisplayName.value); err != nil {
		return err
	}
	if p.Password.Value.Empty() {
		if p.Password.Hash != Plain {
			return fault.Field("hashFunction", "comes without a password")
		}
		return nil
	}
	return p.Password.check()
}

// wire returns the body of users.update. Google's generated types send a field
// without a value only where it is listed by name.
func (p Patch) wire() *admin.User {
	u := &admin.User{Password: p.Password.Value.Reveal(), HashFunction: string(p.Password.Hash)}
	put(p.PrimaryEmail, &u.PrimaryEmail, "PrimaryEmail", &u.ForceSendFields, &u.NullFields)
	put(p.OrgUnitPath, &u.OrgUnitPath, "OrgUnitPath", &u.ForceSendFields, &u.NullFields)
	put(p.Suspended, &u.Suspended, "Suspended", &u.ForceSendFields, &u.NullFields)
	put(p.Archived, &u.Archived, "Archived", &u.ForceSendFields, &u.NullFields)
	put(p.ChangePasswordAtNextLogin, &u.ChangePasswordAtNextLogin, "ChangePasswordAtNextLogin", &u.ForceSendFields, &u.NullFields)
	if ids, changes := p.ExternalIDs.Value(); len(ids) > 0 {
		u.ExternalIds = ids
	} else if changes {
		u.NullFields = append(u.NullFields, "ExternalIds")
	}
	if p.GivenName.what|p.FamilyName.what|p.DisplayName.what != keep {
		u.Name = &admin.UserName{}
		put(p.GivenName, &u.Name.GivenName, "GivenName", &u.Name.ForceSendFields, &u.Name.NullFields)
		put(p.FamilyName, &u.Name.FamilyName, "FamilyName", &u.Name.ForceSendFields, &u.Name.NullFields)
		put(p.DisplayName, &u.Name.DisplayName, "DisplayName", &u.Name.ForceSendFields, &u.Name.NullFields)
	}
	return u
}

func put[T any](c Change[T], dst *T, name string, force, null *[]string) {
	switch c.what {
	case set:
		*dst = c.value
		*force = append(*force, name)
	case clearIt:
		*null = append(*null, name)
	}
}

// appliedTo reports whether u is as the patch asks, as far as can be read; the
// password cannot.
func (p Patch) appliedTo(u User) bool {
	text := func(c Change[string], got string) bool { return c.what == keep || c.value == got }
	flag := func(c Change[bool], got Tri) bool { return c.what == keep || triOf(c.value) == got }
	unit := p.OrgUnitPath
	if unit.what == clearIt {
		unit.value = "/"
	}
	return (p.PrimaryEmail.what == keep || strings.EqualFold(p.PrimaryEmail.value, u.PrimaryEmail)) &&
		text(p.GivenName, u.GivenName) && text(p.FamilyName, u.FamilyName) && text(p.DisplayName, u.DisplayName) &&
		text(unit, u.OrgUnitPath) && flag(p.Suspended, u.Suspended) && flag(p.Archived, u.Archived) &&
		flag(p.ChangePasswordAtNextLogin, u.ChangePasswordAtNextLogin) &&
		(p.ExternalIDs.what == keep || slices.Equal(p.ExternalIDs.value, u.ExternalIDs))
}
