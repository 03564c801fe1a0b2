package directory

import (
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Excludes reports whether an entry is left out by the rules (invariant D9).
func (x Exclude) Excludes(e person.Entry) bool {
	if slices.Contains(x.IDs, e.ID) {
		return true
	}
	mail := person.MailKey(e.Mail)
	for _, m := range x.Mails {
		m = person.MailKey(m)
		if m == mail && mail != "" || strings.HasPrefix(m, "@") && strings.HasSuffix(mail, m) {
			return true
		}
	}
	return slices.ContainsFunc(x.Units, func(u string) bool { return Within(e.Unit, u) })
}

// Within reports whether unit is above or lies below it: both are DNs, or both
// paths of organizational units. Letters' case means nothing.
func Within(unit, above string) bool {
	unit, above = strings.ToLower(unit), strings.ToLower(above)
	if strings.HasPrefix(above, "/") {
		return unit == above || strings.HasPrefix(unit, strings.TrimSuffix(above, "/")+"/")
	}
	return unit == above || above != "" && strings.HasSuffix(unit, ","+above)
}
