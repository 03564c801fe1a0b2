package cloudidentity

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Value holds a setting's fields by their names, which Google writes in camel case in
// some places and in snake case in others; the methods take the former and find both.
// A field that is not there, or has another type, is not known.
type Value map[string]json.RawMessage

// Bool returns a field that is true or false.
func (v Value) Bool(name string) (b, known bool) {
	known = v.field(name, &b)
	return b, known
}

// Int returns a field that is a whole number.
func (v Value) Int(name string) (n int, known bool) {
	var f float64
	if !v.field(name, &f) || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, false
	}
	return int(f), true
}

// Duration returns a field in the form of google.protobuf.Duration, such as
// "7776000s", from 0 to a hundred years.
func (v Value) Duration(name string) (d time.Duration, known bool) {
	var s string
	if !v.field(name, &s) || !strings.HasSuffix(s, "s") || strings.ContainsAny(s, "hmnµu") {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= 36500*24*time.Hour
}

// Object returns a field that has fields itself.
func (v Value) Object(name string) (o Value, known bool) {
	known = v.field(name, &o)
	return o, known
}

func (v Value) field(name string, into any) bool {
	raw, ok := v[name]
	if !ok {
		raw, ok = v[snake(name)]
	}
	return ok && string(raw) != "null" && json.Unmarshal(raw, into) == nil
}

func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// InEffect returns the policies of a setting that hold somewhere: of those for the
// same unit and group the one with the greatest Order (cloud.google.com/identity/
// docs/concepts/policy-api-concepts, "Reduction"; the three settings named here are
// reduced by Max). One for certain licences alone hides nothing, for other people are
// left with what is below it. The one of the least Order comes first.
//
// Which of them a given person has follows from the person's unit, groups and
// licences, which are not asked for here.
func InEffect(policies []Policy, setting string) []Policy {
	var mine, out []Policy
	for _, p := range policies {
		if p.Setting == setting {
			mine = append(mine, p)
		}
	}
	slices.SortFunc(mine, func(a, b Policy) int {
		switch {
		case a.Order < b.Order:
			return -1
		case a.Order > b.Order:
			return 1
		}
		return 0
	})
	for i, p := range mine {
		if !slices.ContainsFunc(mine[i+1:], func(q Policy) bool {
			return q.OrgUnit == p.OrgUnit && q.Group == p.Group && !q.Licensed
		}) {
			out = append(out, p)
		}
	}
	return out
}
