package directory

import (
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Excludes reports whether an entry is left out by the rules (invariant D9).
func (x Exclude) Excludes(e person.Entry) bool {
	if slices.ContainsFunc(x.IDs, func(id string) bool { return strings.EqualFold(id, e.ID) }) {
		return true
	}
	mail := person.MailKey(e.Mail)
	for _, m := range x.Mails {
		m = person.MailKey(m)
		if m == mail && mail != "" || strings.HasPrefix(m, "@") && strings.HasSuffix(mail, m) {
			return true
		}
	}
	if len(x.Units) == 0 {
		return false
	}
	unit := unitKey(e.Unit)
	return slices.ContainsFunc(x.Units, func(u string) bool { return below(unit, unitKey(u)) })
}

// InScope reports whether a Google account is one of those that the configuration
// means: of the domain, in the organizational units, and not excluded.
func (c Config) InScope(g person.Google) bool {
	if c.Google == nil || c.Exclude.Excludes(EntryOf(g)) {
		return false
	}
	if !c.Google.inDomain(g.Mail) {
		return false
	}
	return len(c.Google.OrgUnits) == 0 ||
		slices.ContainsFunc(c.Google.OrgUnits, func(u string) bool { return Within(g.OrgUnit, u) })
}

// inDomain reports whether an address is of the domain that everything is limited
// to.
func (g Google) inDomain(mail string) bool {
	return g.Domain == "" || strings.HasSuffix(person.MailKey(mail), "@"+strings.ToLower(g.Domain))
}

// Within reports whether unit is above or lies below it: both are DNs, or both
// paths of organizational units. Case, and with DNs spaces around separators and
// the way of escaping, mean nothing.
func Within(unit, above string) bool { return below(unitKey(unit), unitKey(above)) }

// unitKey returns the form of a unit's name that below compares. What is neither a
// path nor a DN is equal to itself alone.
func unitKey(unit string) string {
	if strings.HasPrefix(unit, "/") {
		return fold("/" + strings.Trim(unit, "/"))
	}
	if key, err := dnKey(unit); err == nil {
		return key
	}
	return fold(unit)
}

func below(unit, above string) bool {
	switch {
	case above == "" || unit == above:
		return unit == above
	case above == "/":
		return strings.HasPrefix(unit, "/")
	case above[0] == '/':
		return strings.HasPrefix(unit, above+"/")
	}
	return unit != "" && unit[0] != '/' && strings.HasSuffix(unit, ","+above)
}
