package functions_test

import (
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"encoding/json"

	"pgregory.net/rapid"
)

// generator draws values that a schema of the document allows: each property
// there or not, each bound reached.
type generator struct {
	t   testing.TB
	doc *document
	// keys is the numbers of real keys by "kty", which no schema can make up.
	keys map[string][]map[string]any
}

func newGenerator(t testing.TB, d *document) *generator {
	t.Helper()
	g := &generator{t: t, doc: d, keys: map[string][]map[string]any{}}
	for range 4 {
		g.keys["EC"] = append(g.keys["EC"], newPhone(t).encryption)
	}
	keys, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		g.keys["RSA"] = append(g.keys["RSA"], publicJWK(t, k.Public()))
	}
	return g
}

// rsaKeys is made once for all tests, for a key takes longer than most of them.
var rsaKeys = sync.OnceValues(func() (keys []*rsa.PrivateKey, err error) {
	for _, bits := range []int{2048, 3072} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
})

// draw returns a value of the schema.
func (g *generator) draw(t *rapid.T, s map[string]any) any {
	s = g.doc.follow(g.t, s)
	if of, ok := s["oneOf"].([]any); ok && s["type"] == nil {
		return g.draw(t, rapid.SampledFrom(of).Draw(t, "one of").(map[string]any))
	}
	if c, ok := s["const"]; ok {
		return c
	}
	if e, ok := s["enum"].([]any); ok {
		return rapid.SampledFrom(e).Draw(t, "enum")
	}
	switch s["type"] {
	case "object":
		return g.object(t, s)
	case "array":
		return g.array(t, s)
	case "integer":
		least, most := count(s, "minimum", 0), count(s, "maximum", 1000)
		n := rapid.OneOf(rapid.Just(least), rapid.Just(most), rapid.IntRange(least, most)).Draw(t, "integer")
		return json.Number(strconv.Itoa(n))
	case "string":
		return g.text(t, s)
	}
	g.t.Fatalf("cannot draw a value of %v", s)
	return nil
}

func (g *generator) object(t *rapid.T, s map[string]any) any {
	properties := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	v := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || rapid.Bool().Draw(t, "with "+name) {
			v[name] = g.draw(t, properties[name].(map[string]any))
		}
	}
	g.tempt(t, s, v)
	for _, then := range g.applied(s, v) {
		must, _ := then["required"].([]any)
		rules, _ := then["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			if _, there := v[name]; there || slices.Contains(must, any(name)) {
				v[name] = g.draw(t, g.narrowed(properties[name].(map[string]any), rules[name].(map[string]any)))
			}
		}
	}
	if kty, ok := v["kty"].(string); ok {
		maps.Copy(v, rapid.SampledFrom(g.keys[kty]).Draw(t, "key"))
	}
	return v
}

// prefix is a pattern that asks for a beginning.
var prefix = regexp.MustCompile(`^\^[a-z-]+$`)

// tempt gives texts the beginnings that conditions of the schema ask for, which
// chance would hardly ever draw.
func (g *generator) tempt(t *rapid.T, s, v map[string]any) {
	properties := s["properties"].(map[string]any)
	conditions, _ := s["allOf"].([]any)
	for _, c := range conditions {
		asked := c.(map[string]any)["if"].(map[string]any)["properties"].(map[string]any)
		for name, rule := range asked {
			pattern, _ := rule.(map[string]any)["pattern"].(string)
			text, there := v[name].(string)
			if !there || !prefix.MatchString(pattern) || !rapid.Bool().Draw(t, "tempted") {
				continue
			}
			longer := pattern[1:] + text
			if g.doc.inline(g.t, properties[name].(map[string]any)).Validate(longer) == nil {
				v[name] = longer
			}
		}
	}
}

// applied returns the "then" of each condition of the object's schema that v meets.
func (g *generator) applied(s map[string]any, v any) []map[string]any {
	conditions, _ := s["allOf"].([]any)
	var out []map[string]any
	for _, c := range conditions {
		c := c.(map[string]any)
		if g.doc.inline(g.t, c["if"].(map[string]any)).Validate(v) == nil {
			out = append(out, c["then"].(map[string]any))
		}
	}
	return out
}

func (g *generator) narrowed(s, by map[string]any) map[string]any {
	m := maps.Clone(g.doc.follow(g.t, s))
	maps.Copy(m, by)
	return m
}

func (g *generator) array(t *rapid.T, s map[string]any) any {
	least, most := count(s, "minItems", 0), count(s, "maxItems", 3)
	n := rapid.OneOf(rapid.Just(least), rapid.IntRange(1, 3), rapid.Just(most)).Draw(t, "items")
	out := []any{}
	taken := map[any]bool{}
	for range n {
		item := g.draw(t, s["items"].(map[string]any))
		if s["uniqueItems"] == true {
			// Names that differ only in what stands beside them are a rule in prose, and so
			// are texts that differ in case alone.
			var name any
			switch item := item.(type) {
			case map[string]any:
				name = item["name"]
			case string:
				name = strings.ToLower(item)
			}
			if taken[name] {
				continue
			}
			taken[name] = true
		}
		out = append(out, item)
	}
	return out
}

// class is a pattern that is one class of characters, any number or counted.
var class = regexp.MustCompile(`^\^(\[[^\]]+\])(?:\*|\{(\d+),(\d+)\})\$$`)

// alphabet has a character of every sort that matters to JSON, to Go or to us.
var alphabet = []rune("azfAZ09_-.: é漢\U0001F642\"\\/<&\u2028\ufeff")

func (g *generator) text(t *rapid.T, s map[string]any) any {
	pattern, _ := s["pattern"].(string)
	m := class.FindStringSubmatch(pattern)
	least, most := count(s, "minLength", 0), count(s, "maxLength", math.MaxInt)
	if m == nil {
		return rapid.StringMatching(pattern).Filter(func(text string) bool { return len(text) <= most }).Draw(t, "text")
	}
	if m[2] != "" {
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[3])
		least, most = max(least, from), min(most, to)
	}
	one := regexp.MustCompile("^" + m[1] + "$")
	var pool []rune
	for _, r := range alphabet {
		if one.MatchString(string(r)) {
			pool = append(pool, r)
		}
	}
	n := rapid.OneOf(rapid.Just(least), rapid.Just(most), rapid.IntRange(least, most)).Draw(t, "length")
	var b strings.Builder
	for range n {
		b.WriteRune(rapid.SampledFrom(pool).Draw(t, "character"))
	}
	return b.String()
}

// count returns a number of the schema, or otherwise.
func count(s map[string]any, keyword string, otherwise int) int {
	n, ok := s[keyword].(json.Number)
	if !ok {
		return otherwise
	}
	i, err := strconv.Atoi(n.String())
	if err != nil {
		return otherwise
	}
	return i
}
