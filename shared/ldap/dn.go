package ldap

import (
	"encoding/hex"
	"sort"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// Normal returns a DN (RFC 4514) in the form that Entry.Unit has: types in lower
// case, no space around separators, values as they are and in UTF-8, escaped only
// where they must be. Two DNs that differ in the case of a value differ.
func Normal(dn string) (string, error) {
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return "", err
	}
	return render(parsed.RDNs), nil
}

// parent returns the normal form of the DN above, "" for a DN of one part.
func parent(dn string) (string, error) {
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return "", err
	}
	if len(parsed.RDNs) == 0 {
		return "", nil
	}
	return render(parsed.RDNs[1:]), nil
}

func render(rdns []*goldap.RelativeDN) string {
	parts := make([]string, len(rdns))
	for i, rdn := range rdns {
		values := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			values[j] = escape(strings.ToLower(a.Type)) + "=" + escape(a.Value)
		}
		sort.Strings(values)
		parts[i] = strings.Join(values, "+")
	}
	return strings.Join(parts, ",")
}

// escape writes a value as RFC 4514, 2.4 demands, and no more. go-ldap's own form
// has every letter beyond ASCII in hexadecimal, which no admin would write.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '+' || c == ',' || c == ';' || c == '<' || c == '>' || c == '\\',
			i == 0 && (c == ' ' || c == '#'), i == len(s)-1 && c == ' ':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.WriteByte('\\')
			b.WriteString(hex.EncodeToString([]byte{c}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// within reports whether dn is base or lies below it, whatever the case.
func within(dn, base *goldap.DN) bool { return base.EqualFold(dn) || base.AncestorOfFold(dn) }
