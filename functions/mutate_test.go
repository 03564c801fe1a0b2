package functions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// mutation is a value that differs in one place from one that the schema allows,
// and the field that a refusal of it must name.
type mutation struct {
	what, field string
	value       any
	// or are other fields that the refusal may name, where one of several is missing.
	or []string
}

// named reports whether a refusal names what is wrong.
func (m mutation) named(field string) bool { return field == m.field || slices.Contains(m.or, field) }

var index = regexp.MustCompile(`\[[0-9]+\]`)

// sort names what is broken where, whichever item it is in.
func (m mutation) sort() string { return m.what + " " + index.ReplaceAllString(m.field, "[]") }

// mutations returns v, which s allows, broken in every way that s knows.
func (g *generator) mutations(s map[string]any, v any, path string) []mutation {
	s = g.doc.follow(g.t, s)
	if branches := g.doc.branches(g.t, s); len(branches) > 1 {
		for _, branch := range branches {
			if g.doc.inline(g.t, branch).Validate(v) == nil {
				return alternatives(branches, g.mutations(branch, v, path), path)
			}
		}
		g.t.Fatalf("%s: no branch allows %v", path, v)
	}
	out := []mutation{{what: "null", field: path}}
	for _, other := range []any{true, "x", json.Number("1.5"), json.Number("7"), []any{}, map[string]any{}} {
		if g.doc.inline(g.t, map[string]any{"type": s["type"]}).Validate(other) != nil {
			out = append(out, mutation{what: fmt.Sprintf("type %T", other), field: path, value: other})
		}
	}
	switch v := v.(type) {
	case map[string]any:
		return append(out, g.ofObject(s, v, path)...)
	case []any:
		return append(out, g.ofArray(s, v, path)...)
	case string:
		for what, bad := range map[string]string{
			"control character": v + "\u0007", "NUL": "\x00" + v, "C1 control": v + "\u0085", "line break": v + "\n",
			"too long": v + strings.Repeat("a", 700), "empty": "", "another word": "other", "another case": strings.ToUpper(v) + "a",
		} {
			if g.doc.inline(g.t, s).Validate(bad) != nil {
				out = append(out, mutation{what: what, field: path, value: bad})
			}
		}
	case json.Number:
		most, least := count(s, "maximum", 0), count(s, "minimum", 0)
		for _, n := range []string{fmt.Sprint(most + 1), fmt.Sprint(least - 1), "1e30", "-9223372036854775809"} {
			out = append(out, mutation{what: "number " + n, field: path, value: json.Number(n)})
		}
	}
	return out
}

// alternatives lets a refusal name what another branch needs where what this branch
// needs was taken away: without it nobody can tell which branch was meant.
func alternatives(branches []map[string]any, ms []mutation, path string) []mutation {
	var need []string
	for _, b := range branches {
		required, _ := b["required"].([]any)
		for _, name := range required {
			need = append(need, join(path, name.(string)))
		}
	}
	for i, m := range ms {
		if strings.HasPrefix(m.what, "no ") && slices.Contains(need, m.field) && !strings.HasSuffix(m.field, "encryptionKey") {
			ms[i].or = need
		}
	}
	return ms
}

func (g *generator) ofObject(s, v map[string]any, path string) []mutation {
	var out []mutation
	with := func(what, name string, value any) {
		c := maps.Clone(v)
		c[name] = value
		out = append(out, mutation{what: what, field: join(path, name), value: c})
	}
	without := func(name string) {
		c := maps.Clone(v)
		delete(c, name)
		out = append(out, mutation{what: "no " + name, field: join(path, name), value: c})
	}
	with("extra member", "extraMember", json.Number("1"))
	with("extra null", "extraNull", nil)
	properties := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if slices.Contains(required, any(name)) {
			without(name)
		}
		with("another case of "+name, strings.ToUpper(name[:1])+name[1:], v[name])
		for _, m := range g.mutations(properties[name].(map[string]any), v[name], join(path, name)) {
			c := maps.Clone(v)
			c[name] = m.value
			m.value = c
			out = append(out, m)
		}
	}
	for _, then := range g.applied(s, v) {
		must, _ := then["required"].([]any)
		for _, name := range must {
			without(name.(string))
		}
		rules, _ := then["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			rule := rules[name].(map[string]any)
			if _, ok := rule["maxLength"]; ok {
				with("a text that does not belong here", name, "X")
			}
			if _, ok := rule["minLength"]; ok {
				with("no text", name, "")
			}
		}
	}
	return out
}

func (g *generator) ofArray(s map[string]any, v []any, path string) []mutation {
	var out []mutation
	items := s["items"].(map[string]any)
	for i := range min(2, len(v)) {
		for _, m := range g.mutations(items, v[i], fmt.Sprintf("%s[%d]", path, i)) {
			c := slices.Clone(v)
			c[i] = m.value
			m.value = c
			out = append(out, m)
		}
	}
	if most := count(s, "maxItems", 0); len(v) > 0 && most > 0 {
		many := slices.Clone(v)
		for i := 0; len(many) <= most; i++ {
			many = append(many, another(v[0], i))
		}
		out = append(out, mutation{what: "too many items", field: path, value: many})
	}
	if s["uniqueItems"] == true && len(v) > 0 && len(v) < count(s, "maxItems", 0) {
		field := fmt.Sprintf("%s[%d]", path, len(v))
		if _, named := v[0].(map[string]any); named {
			field += ".name"
		}
		out = append(out, mutation{what: "an item twice", field: field, value: append(slices.Clone(v), v[0])})
	}
	if count(s, "minItems", 0) > 0 {
		out = append(out, mutation{what: "no items", field: path, value: []any{}})
	}
	return out
}

// another returns an item like the given one, the i-th of those that all differ.
func another(item any, i int) any {
	m, ok := item.(map[string]any)
	if !ok {
		return fmt.Sprintf("another%d@example.com", i)
	}
	m = maps.Clone(m)
	if _, named := m["name"]; named {
		m["name"] = fmt.Sprintf("another %d", i)
	}
	return m
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
