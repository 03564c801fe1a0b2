package directory

import (
	"maps"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/person"
)

func differences(a, b person.Entry) []string {
	var out []string
	for _, f := range []struct{ name, a, b string }{
		{"mail", a.Mail, b.Mail}, {"unranked", word(a.Unranked), word(b.Unranked)}, {"login", a.Login, b.Login}, {"givenName", a.GivenName, b.GivenName},
		{"familyName", a.FamilyName, b.FamilyName}, {"displayName", a.DisplayName, b.DisplayName}, {"unit", a.Unit, b.Unit},
		{"password", a.Hash, b.Hash},
	} {
		if f.a != f.b {
			out = append(out, f.name)
		}
	}
	if !slices.Equal(addresses(a.Aliases), addresses(b.Aliases)) {
		out = append(out, "aliases")
	}
	if !maps.Equal(a.Attributes, b.Attributes) {
		out = append(out, "attributes")
	}
	return out
}

func googleDifferences(a, b person.Google) []string {
	var out []string
	for _, f := range []struct{ name, a, b string }{
		{"mail", person.MailKey(a.Mail), person.MailKey(b.Mail)}, {"givenName", a.GivenName, b.GivenName},
		{"familyName", a.FamilyName, b.FamilyName}, {"displayName", a.DisplayName, b.DisplayName}, {"orgUnit", a.OrgUnit, b.OrgUnit},
		{"suspended", string(a.Suspended), string(b.Suspended)}, {"archived", string(a.Archived), string(b.Archived)},
		{"admin", string(a.Admin), string(b.Admin)}, {"deleted", word(a.Deleted), word(b.Deleted)},
	} {
		if f.a != f.b {
			out = append(out, f.name)
		}
	}
	if !slices.Equal(addresses(a.Aliases), addresses(b.Aliases)) {
		out = append(out, "aliases")
	}
	return out
}

// addresses returns addresses in a form that is equal for two lists of the same
// mailboxes: neither LDAP nor Google promises an order.
func addresses(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	keys := make([]string, len(list))
	for i, a := range list {
		keys[i] = person.MailKey(a)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func word(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
