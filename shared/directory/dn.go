package directory

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// The words that errDN has never reach anybody: who checks a DN names the field.
var errDN = errors.New("malformed DN")

// descriptor is a name or an OID of an attribute type (RFC 4512, 1.4).
var descriptor = pattern.New(`^(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)$`)

// keyEscapes keep what separates the parts of a key out of the values.
var keyEscapes = strings.NewReplacer(`\`, `\5c`, `,`, `\2c`, `+`, `\2b`)

// dnKey returns a form of a DN (RFC 4514) in which two that differ in case, in
// spaces around separators, in how characters are escaped or in the order within a
// part alone are equal, and which a DN below ends with after a comma.
func dnKey(dn string) (string, error) {
	var parts, values []string
	for rest, more := dn, true; more; {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.Trim(name, " ")
		if !ok || !descriptor.MatchString(name) {
			return "", errDN
		}
		value, end, err := dnValue(after)
		if err != nil {
			return "", err
		}
		values = append(values, strings.ToLower(name)+"="+keyEscapes.Replace(fold(value)))
		more = end < len(after)
		if !more || after[end] == ',' {
			slices.Sort(values)
			parts, values = append(parts, strings.Join(values, "+")), nil
		}
		if more {
			rest = after[end+1:]
		}
	}
	return strings.Join(parts, ","), nil
}

// dnValue returns the value at the beginning of s, without escapes and the spaces
// around it, and where the separator after it is.
func dnValue(s string) (value string, end int, err error) {
	b := make([]byte, 0, len(s))
	kept := 0 // what is before it was escaped, or is no space
	for end = 0; end < len(s); end++ {
		switch c := s[end]; c {
		case ',', '+':
			return string(b[:kept]), end, nil
		case '"', ';', '<', '>', 0:
			return "", 0, errDN
		case ' ':
			if len(b) > 0 {
				b = append(b, c)
			}
			continue
		case '\\':
			decoded, n := dnEscape(s[end+1:])
			if n == 0 {
				return "", 0, errDN
			}
			b = append(b, decoded)
			end += n
		default:
			b = append(b, c)
		}
		kept = len(b)
	}
	return string(b[:kept]), end, nil
}

// dnEscape reads what follows a backslash; n is 0 where that is no escape.
func dnEscape(s string) (c byte, n int) {
	if s == "" {
		return 0, 0
	}
	if strings.IndexByte(`\"+,;<>#= `, s[0]) >= 0 {
		return s[0], 1
	}
	if len(s) >= 2 {
		if b, err := hex.DecodeString(s[:2]); err == nil {
			return b[0], 2
		}
	}
	return 0, 0
}

// fold returns s in a form that is equal for texts that differ in case alone.
func fold(s string) string { return strings.Map(foldRune, s) }

func foldRune(r rune) rune {
	least := r
	for {
		if r < unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		next := unicode.SimpleFold(r)
		least = min(least, next)
		if next <= r { // around once
			if least < unicode.MaxASCII {
				return unicode.ToLower(least)
			}
			return least
		}
		r = next
	}
}
