// Package pattern compiles regular expressions at their first use, so that a
// function that starts cold does not pay for what its request never meets (a
// quarter of the time that a check-in's first answer took was such compiling).
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression (package regexp). It may be used concurrently.
type Pattern struct{ compiled func() *regexp.Regexp }

// New returns the pattern of expr, which is fixed at compile time: a wrong one
// panics at its first use.
func New(expr string) Pattern {
	return Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
}

// MatchString reports whether s holds a match.
func (p Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }
