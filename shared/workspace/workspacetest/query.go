package workspacetest

import (
	"encoding/json"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// query is a conjunction of terms.
type query []func(*record) bool

func (q query) matches(r *record) bool {
	for _, term := range q {
		if !term(r) {
			return false
		}
	}
	return true
}

var booleanFields = map[string]flags{
	"issuspended": suspended, "isarchived": archived, "isadmin": admin, "isdelegatedadmin": delegatedAdmin,
}

var textFields = map[string]func(*record) []string{
	"email":      func(r *record) []string { return append([]string{r.email}, r.aliases()...) },
	"givenname":  func(r *record) []string { return []string{r.given} },
	"familyname": func(r *record) []string { return []string{r.family} },
	"name":       func(r *record) []string { return []string{r.given, r.family, r.given + " " + r.family} },
	"externalid": externalIDs,
}

func externalIDs(r *record) []string {
	if r.more == nil {
		return nil
	}
	var ids []struct {
		Value string `json:"value"`
	}
	// What does not decode has no external ids.
	_ = json.Unmarshal(r.more.fields["externalIds"], &ids)
	var out []string
	for _, id := range ids {
		out = append(out, id.Value)
	}
	return out
}

var errQuery = invalid("Invalid Input: query")

// parseQuery reads the subset that the package comment names.
func parseQuery(text string) (query, *googletest.Error) {
	var q query
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		at := strings.IndexAny(rest, "=: ")
		if at <= 0 || rest[at] == ' ' {
			return nil, errQuery
		}
		field := strings.ToLower(rest[:at])
		value, tail, ok := queryValue(rest[at+1:])
		if !ok {
			return nil, errQuery
		}
		term := termOf(field, value)
		if term == nil {
			return nil, errQuery
		}
		q, rest = append(q, term), tail
	}
	return q, nil
}

// queryValue reads a word or a text in single quotes, in which a backslash
// stands before a quote or a backslash.
func queryValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		value, rest, _ = strings.Cut(s, " ")
		return value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			end := i + 1
			return b.String(), s[end:], end == len(s) || s[end] == ' '
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func termOf(field, value string) func(*record) bool {
	if f, ok := booleanFields[field]; ok {
		if value != "true" && value != "false" {
			return nil
		}
		return func(r *record) bool { return r.is(f) == (value == "true") }
	}
	if field == "orgunitpath" {
		below := strings.TrimSuffix(value, "/") + "/"
		return func(r *record) bool { return r.orgUnitPath == value || strings.HasPrefix(r.orgUnitPath, below) }
	}
	values := textFields[field]
	if values == nil {
		return nil
	}
	want, isPrefix := strings.CutSuffix(strings.ToLower(value), "*")
	return func(r *record) bool {
		for _, v := range values(r) {
			if v = strings.ToLower(v); v == want || (isPrefix && strings.HasPrefix(v, want)) {
				return true
			}
		}
		return false
	}
}
