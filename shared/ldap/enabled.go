package ldap

import (
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// accountControl is Active Directory's attribute of flags ([MS-ADTS] 2.2.16).
const (
	accountControl  = "userAccountControl"
	accountDisabled = 0x2
)

// enabled says whether the values of the attribute Disabled lock the entry, and
// whether the values make sense. An absent userAccountControl was not readable and
// says nothing; the other attributes are there only where somebody is locked.
func enabled(a directory.Attributes, values []string) (state person.Tri, sane bool) {
	if strings.EqualFold(a.Disabled, accountControl) && len(a.DisabledValues) == 0 {
		if len(values) == 0 {
			return person.Unknown, true
		}
		return controlEnabled(values[0])
	}
	if len(a.DisabledValues) == 0 {
		return person.TriOf(len(values) == 0), true
	}
	for _, v := range values {
		for _, d := range a.DisabledValues {
			if strings.EqualFold(v, d) {
				return person.No, true
			}
		}
	}
	return person.Yes, true
}

// controlEnabled reads userAccountControl, a signed number of 32 bits in decimal.
func controlEnabled(value string) (state person.Tri, sane bool) {
	flags, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return person.Unknown, false
	}
	return person.TriOf(flags&accountDisabled == 0), true
}
