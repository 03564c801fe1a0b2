package directorysync

import (
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// The mark by which Rollcall knows an account that it made: an external id whose
// value is the person's key.
const (
	ownerType   = "custom"
	ownerCustom = "rollcall"
)

// accountOf returns what is kept of Google's word about a user.
func accountOf(u workspace.User) person.Google {
	g := person.Google{
		ID: u.ID, Mail: u.PrimaryEmail, Aliases: u.Aliases, GivenName: u.GivenName, FamilyName: u.FamilyName,
		DisplayName: u.DisplayName, OrgUnit: u.OrgUnitPath, Suspended: triOf(u.Suspended), Archived: triOf(u.Archived),
		CreatedAt: u.CreatedAt, Deleted: !u.DeletedAt.IsZero(),
	}
	switch {
	case u.Admin == workspace.Yes || u.DelegatedAdmin == workspace.Yes:
		g.Admin = person.Yes
	case !u.MayBeAdmin():
		g.Admin = person.No
	}
	for _, x := range u.ExternalIDs {
		if x.Type == ownerType && x.CustomType == ownerCustom {
			g.Owner = x.Value
		}
	}
	return g
}

func triOf(t workspace.Tri) person.Tri {
	switch t {
	case workspace.Yes:
		return person.Yes
	case workspace.No:
		return person.No
	}
	return person.Unknown
}
