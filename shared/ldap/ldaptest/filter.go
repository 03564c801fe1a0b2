package ldaptest

import (
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// filter is a compiled filter (RFC 4511, 4.5.1.7).
type filter struct {
	match func(*node) bool
	// candidates returns the entries among which all that match are; ok is false
	// where that is all entries.
	candidates func() (nodes []*node, ok bool)
}

func anywhere() ([]*node, bool) { return nil, false }

// compile reads a filter's text into what decides on an entry.
func (t *tree) compile(text string) (filter, error) {
	packet, err := ldap.CompileFilter(text)
	if err != nil {
		return filter{}, err
	}
	return t.filter(packet), nil
}

func (t *tree) filter(p *ber.Packet) filter {
	f := filter{candidates: anywhere}
	switch p.Tag {
	case ldap.FilterAnd:
		return all(t.filters(p))
	case ldap.FilterOr:
		return some(t.filters(p))
	case ldap.FilterNot:
		inner := t.filter(p.Children[0])
		f.match = func(n *node) bool { return !inner.match(n) }
	case ldap.FilterEqualityMatch:
		name, value := text(p.Children[0]), text(p.Children[1])
		f.match = func(n *node) bool { return t.any(n, name, func(v string) bool { return equal(name, v, value) }) }
		f.candidates = func() ([]*node, bool) { return t.lookup(name, value) }
	case ldap.FilterPresent:
		name := text(p)
		f.match = func(n *node) bool { return t.any(n, name, func(string) bool { return true }) }
	case ldap.FilterGreaterOrEqual:
		name, value := text(p.Children[0]), text(p.Children[1])
		f.match = func(n *node) bool { return t.any(n, name, func(v string) bool { return compare(v, value) >= 0 }) }
	case ldap.FilterLessOrEqual:
		name, value := text(p.Children[0]), text(p.Children[1])
		f.match = func(n *node) bool { return t.any(n, name, func(v string) bool { return compare(v, value) <= 0 }) }
	case ldap.FilterApproxMatch:
		name, value := text(p.Children[0]), text(p.Children[1])
		f.match = func(n *node) bool { return t.any(n, name, func(v string) bool { return strings.EqualFold(v, value) }) }
	case ldap.FilterSubstrings:
		name, parts := text(p.Children[0]), p.Children[1].Children
		f.match = func(n *node) bool {
			return t.any(n, name, func(v string) bool { return substrings(folded(name, v), name, parts) })
		}
	case ldap.FilterExtensibleMatch:
		f.match = t.extensible(p)
	default:
		f.match = func(*node) bool { return false }
	}
	return f
}

func (t *tree) filters(p *ber.Packet) []filter {
	out := make([]filter, len(p.Children))
	for i, c := range p.Children {
		out[i] = t.filter(c)
	}
	return out
}

func all(fs []filter) filter {
	return filter{
		match: func(n *node) bool {
			for _, f := range fs {
				if !f.match(n) {
					return false
				}
			}
			return true
		},
		candidates: func() ([]*node, bool) {
			for _, f := range fs {
				if found, ok := f.candidates(); ok {
					return found, true
				}
			}
			return nil, false
		},
	}
}

func some(fs []filter) filter {
	return filter{
		match: func(n *node) bool {
			for _, f := range fs {
				if f.match(n) {
					return true
				}
			}
			return false
		},
		candidates: func() (found []*node, ok bool) {
			for _, f := range fs {
				more, ok := f.candidates()
				if !ok {
					return nil, false
				}
				found = append(found, more...)
			}
			return found, true
		},
	}
}

// any reports whether a value of an attribute fits.
func (t *tree) any(n *node, name string, fits func(string) bool) bool {
	if f, ok := t.computed[strings.ToLower(name)]; ok {
		v := f.value(n)
		return v != "" && fits(v)
	}
	for _, p := range n.pairs {
		if strings.EqualFold(p.name, name) && fits(p.value) {
			return true
		}
	}
	return false
}

func text(p *ber.Packet) string { return p.Data.String() }

func equal(name, a, b string) bool {
	if exact(name) {
		return a == b
	}
	return strings.EqualFold(a, b) || sameDN(a, b)
}

// sameDN compares names, for memberOf and the like.
func sameDN(a, b string) bool {
	if !strings.Contains(a, "=") || !strings.Contains(b, "=") {
		return false
	}
	x, err := keyOf(a)
	y, yerr := keyOf(b)
	return err == nil && yerr == nil && x == y
}

// compare orders numbers as numbers, times with and without fractions alike, and
// the rest as text.
func compare(a, b string) int {
	x, err := strconv.ParseInt(a, 10, 64)
	y, yerr := strconv.ParseInt(b, 10, 64)
	if err == nil && yerr == nil {
		return int(max(-1, min(1, x-y)))
	}
	trim := func(s string) string { return strings.ToLower(strings.Replace(s, ".0Z", "Z", 1)) }
	return strings.Compare(trim(a), trim(b))
}

func substrings(v, name string, parts []*ber.Packet) bool {
	for _, p := range parts {
		part := folded(name, text(p))
		switch p.Tag {
		case ldap.FilterSubstringsInitial:
			if !strings.HasPrefix(v, part) {
				return false
			}
			v = v[len(part):]
		case ldap.FilterSubstringsFinal:
			return strings.HasSuffix(v, part)
		default:
			_, rest, ok := strings.Cut(v, part)
			if !ok {
				return false
			}
			v = rest
		}
	}
	return true
}

// The matching rules of Active Directory ([MS-ADTS] 3.1.1.3.4.4).
const (
	bitAnd  = "1.2.840.113556.1.4.803"
	bitOr   = "1.2.840.113556.1.4.804"
	inChain = "1.2.840.113556.1.4.1941"
)

func (t *tree) extensible(p *ber.Packet) func(*node) bool {
	var rule, name, value string
	for _, c := range p.Children {
		switch c.Tag {
		case ldap.MatchingRuleAssertionMatchingRule:
			rule = text(c)
		case ldap.MatchingRuleAssertionType:
			name = text(c)
		case ldap.MatchingRuleAssertionMatchValue:
			value = text(c)
		}
	}
	mask, _ := strconv.ParseInt(value, 10, 64)
	switch rule {
	case bitAnd:
		return t.bits(name, func(v int64) bool { return v&mask == mask })
	case bitOr:
		return t.bits(name, func(v int64) bool { return v&mask != 0 })
	case inChain:
		return func(n *node) bool { return t.chained(n, name, value, 10) }
	}
	return func(n *node) bool { return t.any(n, name, func(v string) bool { return equal(name, v, value) }) }
}

func (t *tree) bits(name string, fits func(int64) bool) func(*node) bool {
	return func(n *node) bool {
		return t.any(n, name, func(v string) bool {
			i, err := strconv.ParseInt(v, 10, 64)
			return err == nil && fits(i)
		})
	}
}

// chained follows an attribute of DNs from entry to entry.
func (t *tree) chained(n *node, name, value string, depth int) bool {
	return t.any(n, name, func(v string) bool {
		if sameDN(v, value) {
			return true
		}
		up, err := t.find(v)
		return err == nil && depth > 0 && t.chained(up, name, value, depth-1)
	})
}
