package mail

import (
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// The variables that every enterprise has (invariant M2). Others are the custom
// attributes of its directory, by their names.
const (
	// EmailVariable is the directory's address of the person, or Google's; see
	// Person.GoogleEmail.
	EmailVariable  = "EMAIL"
	UserIDVariable = "USERID"
	// PasswordVariable is the person's own password, which Rollcall never has: the
	// mail client asks the person for it.
	PasswordVariable       = "PASSWORD"
	ManagedAppleIDVariable = "MANAGED_APPLE_ID"
	// Generated is the password that Rollcall made and Google accepted.
	Generated = "GOOGLE_AUTOGEN_PASSWORD"
)

var builtin = []string{EmailVariable, UserIDVariable, PasswordVariable, ManagedAppleIDVariable, Generated}

// maxTemplate bounds a template, in bytes.
const maxTemplate = 512

var variablePattern = pattern.New(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// Template is text with variables in it.
type Template struct{ parts []part }

type part struct {
	text     string
	variable bool
}

// Parse takes a template apart: a variable is a name between dollar signs, as in
// $USERID$_US; two dollar signs are one of the text. An error is fault.Invalid
// without a field, and names nothing but a variable.
func Parse(s string) (Template, error) {
	bad := func(format string, args ...any) (Template, error) {
		return Template{}, fault.New(fault.Invalid, "invalid-field", format, args...)
	}
	if len(s) > maxTemplate {
		return bad("give at most %d bytes", maxTemplate)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '�' }) {
		return bad("give text without control characters")
	}
	var t Template
	text := func(s string) {
		if n := len(t.parts); n > 0 && !t.parts[n-1].variable {
			t.parts[n-1].text += s
		} else if s != "" {
			t.parts = append(t.parts, part{text: s})
		}
	}
	for s != "" {
		before, rest, dollar := strings.Cut(s, "$")
		text(before)
		if !dollar {
			break
		}
		name, after, closed := strings.Cut(rest, "$")
		switch {
		case !closed:
			return bad("a dollar sign has no partner; a variable is written $NAME$, and a dollar sign $$")
		case name == "":
			text("$")
		case !variablePattern.MatchString(name):
			return bad("between two dollar signs is no name of a variable; write a dollar sign as $$")
		default:
			t.parts = append(t.parts, part{name, true})
		}
		s = after
	}
	return t, nil
}

// String returns the template as it is written; Parse of it is the same template.
func (t Template) String() string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable {
			b.WriteString(dollars(p.text))
		} else {
			b.WriteString(strings.ReplaceAll(p.text, "$", "$$"))
		}
	}
	return b.String()
}

// Variables returns the names of the variables, in order, each once.
func (t Template) Variables() []string {
	var names []string
	for _, p := range t.parts {
		if p.variable && !slices.Contains(names, p.text) {
			names = append(names, p.text)
		}
	}
	return names
}

func (t Template) uses(name string) bool { return slices.Contains(t.Variables(), name) }

// is reports whether the template is one variable and nothing else.
func (t Template) is(name string) bool {
	return len(t.parts) == 1 && t.parts[0] == part{name, true}
}

// expand puts in the values. A variable without one is fault.Conflict with
// ReasonMissing, and is named.
func (t Template) expand(value func(name string) string) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		s := p.text
		if p.variable {
			if s = value(p.text); s == "" {
				return "", fault.New(fault.Conflict, ReasonMissing, "The person has no value for $%s$; the directory must have one.", p.text)
			}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// dollars writes a variable.
func dollars(name string) string { return "$" + name + "$" }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
