package ldap

import (
	"encoding/hex"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

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
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == ' ' || r == '#'), i == len(s)-1 && r == ' ':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r), r == utf8.RuneError && size == 1:
			for _, c := range []byte(s[i : i+size]) {
				b.WriteByte('\\')
				b.WriteString(hex.EncodeToString([]byte{c}))
			}
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// within reports whether dn is base or lies below it, whatever the case.
func within(dn, base *goldap.DN) bool { return base.EqualFold(dn) || base.AncestorOfFold(dn) }
