package directory

import (
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

var (
	// attributePattern is an attribute description (RFC 4512, 2.5).
	attributePattern = pattern.New(`^(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)(?:;[A-Za-z0-9-]+)*$`)
	customPattern    = pattern.New(`^[a-zA-Z][a-zA-Z0-9_]{0,39}$`)
)

const (
	maxAttribute      = 100 // bytes
	maxCustom         = 20
	maxDisabledValues = 20
)

func (a Attributes) validate() error {
	for _, f := range []struct{ name, value string }{
		{"id", a.ID}, {"mail", a.Mail}, {"aliases", a.Aliases}, {"login", a.Login}, {"givenName", a.GivenName},
		{"familyName", a.FamilyName}, {"displayName", a.DisplayName}, {"disabled", a.Disabled},
	} {
		if f.value == "" {
			continue
		}
		if err := checkAttribute("ldap.attributes."+f.name, f.value); err != nil {
			return err
		}
	}
	const hash = "ldap.attributes.passwordHash"
	if a.PasswordHash != "" && (len(a.PasswordHash) > maxAttribute || !attributePattern.MatchString(a.PasswordHash)) {
		return fault.Field(hash, "give the name of an LDAP attribute, such as userPassword")
	}
	if len(a.DisabledValues) > maxDisabledValues {
		return fault.Field("ldap.attributes.disabledValues", "give at most %d values", maxDisabledValues)
	}
	for i, v := range a.DisabledValues {
		if err := needed(index("ldap.attributes.disabledValues", i), v, 256); err != nil {
			return err
		}
	}
	if len(a.Custom) > maxCustom {
		return fault.Field("ldap.attributes.custom", "give at most %d attributes", maxCustom)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Custom)) {
		if !customPattern.MatchString(name) {
			return fault.Field("ldap.attributes.custom", "a name has 1 to 40 of letters, digits and '_', beginning with a letter")
		}
		if err := checkAttribute("ldap.attributes.custom."+name, a.Custom[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkAttribute refuses password hashes as well: where they are read is not for a
// mapping to say (invariant D1).
func checkAttribute(field, name string) error {
	base, _, _ := strings.Cut(name, ";")
	switch {
	case len(name) > maxAttribute || !attributePattern.MatchString(name):
		return fault.Field(field, "give the name of an LDAP attribute, such as mail, or its OID")
	case strings.EqualFold(base, "userPassword"), strings.EqualFold(base, "unicodePwd"):
		return fault.Field(field, "passwords are no part of a person; give another attribute")
	}
	return nil
}
