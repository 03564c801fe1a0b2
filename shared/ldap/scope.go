package ldap

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// inChain is Active Directory's matching rule for members of members.
	inChain = "1.2.840.113556.1.4.1941"
	// stampAttribute is when an entry was last changed (RFC 4512, 3.4.2).
	stampAttribute   = "modifyTimestamp"
	stampAttributeAD = "whenChanged"
	usnAttribute     = "uSNChanged"
)

// scope is who is meant, and what is asked of them.
type scope struct {
	// filter selects people, and family all whom the schema could mean.
	filter, family string
	attributes     []string
	// hash changes where a cursor of other settings would hide changes.
	hash string
	err  error
}

func newScope(l directory.LDAP, hashes bool) scope {
	s := scope{filter: l.Filter, family: schemaOf(l.Schema).filter}
	ad := l.Schema == directory.ActiveDirectory
	if len(l.Groups) > 0 {
		rule := "memberOf"
		if ad {
			rule += ":" + inChain + ":"
		}
		var any strings.Builder
		for _, dn := range l.Groups {
			if _, err := goldap.ParseDN(dn); err != nil && s.err == nil {
				s.err = fault.New(fault.Permanent, ReasonFilter, "The DN of a group is malformed. Write it as the directory shows it, such as cn=staff,ou=groups,dc=example,dc=com.")
			}
			any.WriteString("(" + rule + "=" + goldap.EscapeFilter(dn) + ")")
		}
		s.filter = "(&" + s.filter + "(|" + any.String() + "))"
	}
	if ad {
		// A computer is a user to Active Directory, and a filter written by hand
		// easily forgets that.
		s.filter = "(&" + s.filter + "(!(objectClass=computer)))"
		s.family = "(&" + s.family + "(!(objectClass=computer)))"
	}
	if _, err := goldap.CompileFilter(s.filter); err != nil && s.err == nil {
		s.err = fault.New(fault.Permanent, ReasonFilter, "The filter is malformed. It has the form of RFC 4515, such as (&(objectClass=inetOrgPerson)(mail=*)).")
	}
	s.attributes = attributesOf(l.Attributes, hashes)
	text, _ := json.Marshal([]any{strings.ToLower(l.BaseDN), s.filter, l.Attributes, hashes})
	sum := sha256.Sum256(text)
	s.hash = base64.RawURLEncoding.EncodeToString(sum[:12])
	return s
}

// attributesOf names what is asked for, each once: operational attributes come
// only by name.
func attributesOf(a directory.Attributes, hashes bool) []string {
	names := []string{a.ID, a.Mail, a.Aliases, a.Login, a.GivenName, a.FamilyName, a.DisplayName, a.Disabled}
	if strings.EqualFold(a.DisplayName, "displayName") {
		names = append(names, "cn")
	}
	for _, n := range a.Custom {
		names = append(names, n)
	}
	// A mapping that reads the hash as something else is no way around D1.
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || isHash(a, n) })
	if hashes && a.PasswordHash != "" {
		names = append(names, a.PasswordHash)
	}
	slices.Sort(names)
	return slices.CompactFunc(names, strings.EqualFold)
}

// isHash reports whether an attribute holds password hashes.
func isHash(a directory.Attributes, name string) bool {
	base, _, _ := strings.Cut(name, ";")
	return strings.EqualFold(base, a.PasswordHash) || strings.EqualFold(base, "userPassword") ||
		strings.EqualFold(base, "unicodePwd")
}

// and joins filters.
func and(filters ...string) string { return "(&" + strings.Join(filters, "") + ")" }

// left finds those in the family whom the scope does not mean, "" where there
// can be none.
func (s scope) left() string {
	if s.filter == s.family {
		return ""
	}
	return and(s.family, "(!"+s.filter+")")
}
