package functions_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ledger holds replies against the document and remembers which it has seen.
type ledger struct {
	doc   *document
	seen  map[string]int
	known map[string]expected
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	return &ledger{doc: loadDocument(t), seen: map[string]int{}, known: map[string]expected{}}
}

// expected is what the document says of one status of a function.
type expected struct {
	headers  map[string]*jsonschema.Schema
	required map[string]bool
	bodies   map[string]*jsonschema.Schema // by media type
}

func (l *ledger) expected(t testing.TB, function string, status int) expected {
	t.Helper()
	name := fmt.Sprintf("%s %d", function, status)
	if e, ok := l.known[name]; ok {
		return e
	}
	found, ok := l.doc.at(t, "/paths/~1"+function+"/post/responses").(map[string]any)[strconv.Itoa(status)].(map[string]any)
	if !ok {
		t.Fatalf("%s is not in the document", name)
	}
	response := l.doc.follow(t, found)
	e := expected{map[string]*jsonschema.Schema{}, map[string]bool{}, map[string]*jsonschema.Schema{}}
	for h, v := range response["headers"].(map[string]any) {
		v := l.doc.follow(t, v.(map[string]any))
		e.headers[h], e.required[h] = l.doc.inline(t, v["schema"].(map[string]any)), v["required"] == true
	}
	for mediaType, v := range response["content"].(map[string]any) {
		e.bodies[mediaType] = l.doc.inline(t, v.(map[string]any)["schema"].(map[string]any))
	}
	l.known[name] = e
	return e
}

// check holds a reply against what the document says of the function: its
// status, headers, media type and body.
func (l *ledger) check(t testing.TB, function string, r reply) {
	t.Helper()
	name := fmt.Sprintf("%s %d", function, r.status)
	l.seen[name]++
	want := l.expected(t, function, r.status)
	for h, schema := range want.headers {
		switch got := r.header.Get(h); {
		case got == "" && want.required[h]:
			t.Errorf("%s: the header %s is missing", name, h)
		case got != "" && schema.Validate(got) != nil:
			t.Errorf("%s: the header %s is %q", name, h, got)
		}
	}
	for _, h := range []string{"Retry-After", "Allow", "Cache-Control", "Location", "Set-Cookie"} {
		if want.headers[h] == nil && r.header.Get(h) != "" {
			t.Errorf("%s: the document does not know the header %s: %s", name, h, r.header.Get(h))
		}
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: a browser may guess the type", name)
	}
	body := want.bodies[r.header.Get("Content-Type")]
	if body == nil {
		t.Fatalf("%s: media type %q is not in the document", name, r.header.Get("Content-Type"))
	}
	if err := body.Validate(parseJSON(t, r.body)); err != nil {
		t.Errorf("%s: %s\n%v", name, r.body, err)
	}
	if r.status >= 400 && r.problem(t).Status != r.status {
		t.Errorf("%s: the problem says %d", name, r.problem(t).Status)
	}
}

// complete fails for each status of the functions in the document that no reply had.
func (l *ledger) complete(t testing.TB, functions ...string) {
	t.Helper()
	for _, function := range functions {
		responses := l.doc.at(t, "/paths/~1"+function+"/post/responses").(map[string]any)
		for _, status := range slices.Sorted(maps.Keys(responses)) {
			if l.seen[function+" "+status] == 0 {
				t.Errorf("%s %s is in the document, and no test provoked it", function, status)
			}
		}
	}
}
