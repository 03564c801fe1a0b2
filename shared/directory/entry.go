package directory

import "github.com/rollcall-emm/rollcall/shared/person"

// EntryOf returns a Google account as the entry of a directory, for GoogleOnly.
func EntryOf(g person.Google) person.Entry {
	e := person.Entry{
		ID: g.ID, Mail: g.Mail, Aliases: g.Aliases, GivenName: g.GivenName, FamilyName: g.FamilyName,
		DisplayName: g.DisplayName, Unit: g.OrgUnit,
	}
	switch {
	case g.Suspended == person.Yes || g.Archived == person.Yes || g.Deleted:
		e.Enabled = person.No
	case g.Suspended == person.No:
		e.Enabled = person.Yes
	}
	return e
}

// Account returns a person's Google account: the joined one, or where people are
// Google's own the person, whose row says nothing of an account beside the entry. Of
// the latter it is not known when the account was made.
func (m Mode) Account(p person.Person) person.Google {
	if m != GoogleOnly {
		return p.Google
	}
	e := p.Entry
	g := person.Google{
		ID: p.ID, Mail: e.Mail, Aliases: e.Aliases, GivenName: e.GivenName, FamilyName: e.FamilyName,
		DisplayName: e.DisplayName, OrgUnit: e.Unit,
	}
	switch e.Enabled {
	case person.No:
		g.Suspended = person.Yes
	case person.Yes:
		g.Suspended = person.No
	}
	return g
}
