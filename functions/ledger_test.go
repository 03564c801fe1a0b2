package functions_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
)

// ledger holds replies against the document and remembers which it has seen.
type ledger struct {
	doc  *document
	seen map[string]int
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	return &ledger{doc: loadDocument(t), seen: map[string]int{}}
}

// check holds a reply against what the document says of the function: its
// status, headers, media type and body.
func (l *ledger) check(t testing.TB, function string, r reply) {
	t.Helper()
	name := fmt.Sprintf("%s %d", function, r.status)
	l.seen[name]++
	responses := l.doc.at(t, "/paths/~1"+function+"/post/responses").(map[string]any)
	found, ok := responses[strconv.Itoa(r.status)].(map[string]any)
	if !ok {
		t.Fatalf("%s is not in the document: %s", name, r.body)
	}
	response := l.doc.follow(t, found)
	headers := response["headers"].(map[string]any)
	for h := range headers {
		l.header(t, name, h, l.doc.follow(t, headers[h].(map[string]any)), r)
	}
	for _, h := range []string{"Retry-After", "Allow", "Cache-Control", "Location", "Set-Cookie"} {
		if _, known := headers[h]; !known && r.header.Get(h) != "" {
			t.Errorf("%s: the document does not know the header %s: %s", name, h, r.header.Get(h))
		}
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: a browser may guess the type", name)
	}
	content := response["content"].(map[string]any)
	media, ok := content[r.header.Get("Content-Type")].(map[string]any)
	if !ok {
		t.Fatalf("%s: media type %q is not in the document", name, r.header.Get("Content-Type"))
	}
	if err := l.doc.inline(t, media["schema"].(map[string]any)).Validate(parseJSON(t, r.body)); err != nil {
		t.Errorf("%s: %s\n%v", name, r.body, err)
	}
	if r.status >= 400 && r.problem(t).Status != r.status {
		t.Errorf("%s: the problem says %d", name, r.problem(t).Status)
	}
}

func (l *ledger) header(t testing.TB, name, h string, want map[string]any, r reply) {
	t.Helper()
	got := r.header.Get(h)
	if got == "" {
		if want["required"] == true {
			t.Errorf("%s: the header %s is missing", name, h)
		}
		return
	}
	if err := l.doc.inline(t, want["schema"].(map[string]any)).Validate(got); err != nil {
		t.Errorf("%s: header %s: %v", name, h, err)
	}
}

// complete fails for each status in the document that no reply had.
func (l *ledger) complete(t testing.TB) {
	t.Helper()
	for _, function := range functionNames {
		responses := l.doc.at(t, "/paths/~1"+function+"/post/responses").(map[string]any)
		for _, status := range slices.Sorted(maps.Keys(responses)) {
			if l.seen[function+" "+status] == 0 {
				t.Errorf("%s %s is in the document, and no test provoked it", function, status)
			}
		}
	}
}
