package store_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func TestTimestampOrder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 23, 59, 59, 999_999_999, time.FixedZone("east", 7200))
	for _, step := range []time.Duration{1, time.Microsecond, time.Second, time.Hour, 24 * time.Hour, 400 * 24 * time.Hour} {
		if a, b := store.Timestamp(at), store.Timestamp(at.Add(step)); a >= b || len(a) != len(b) {
			t.Errorf("%v behind %q comes %q", step, a, b)
		}
	}
}

func TestQueryCursor(t *testing.T) {
	t.Parallel()
	doc := store.Document{Key: store.Key{Kind: "rows", ID: "a"}, Index: map[string]string{"due": "1"}}
	for field, want := range map[string]store.Cursor{"": {ID: "a"}, "due": {Value: "1", ID: "a"}} {
		q := store.Query{Kind: "rows", Field: field, Limit: 1}
		got := q.Cursor(doc)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cursor by %q (-want +got):\n%s", field, diff)
		}
		if q.After = got; got.IsZero() || q.Validate() != nil {
			t.Errorf("the cursor by %q cannot be used: %v", field, q.Validate())
		}
	}
	if !(store.Cursor{}).IsZero() {
		t.Error("the zero cursor is not the beginning")
	}
}

// Firestore's own words for the name of a document.
var (
	firestoreReserved = regexp.MustCompile(`^(__.*__|\.|\.\.)$`)
	printable         = regexp.MustCompile(`^[ -.0-~]{1,500}$`)
)

func FuzzKey(f *testing.F) {
	for _, id := range []string{
		"a", "", ".", "..", "...", "a/b", "__x__", "____", "___", "__", "_x_", "a b", "é", "\x00", "\x7f", "~",
		strings.Repeat("k", store.MaxID), strings.Repeat("k", store.MaxID+1),
	} {
		f.Add("devices", id)
		f.Add(id, "a")
	}
	f.Fuzz(func(t *testing.T, kind, id string) {
		err := store.Key{Kind: store.Kind(kind), ID: id}.Validate()
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Validate: %v, want fault.Invalid", err)
		}
		idOK := printable.MatchString(id) && !firestoreReserved.MatchString(id)
		kindOK := store.Kind(kind).Validate() == nil
		if (err == nil) != (idOK && kindOK) {
			t.Errorf("Validate(%q, %q) = %v, want ID %v and kind %v", kind, id, err, idOK, kindOK)
		}
		if kindOK && strings.ContainsAny(kind, "/\x00. ") {
			t.Errorf("kind %q is accepted", kind)
		}
	})
}

// A body that is accepted survives a store that keeps members instead of text.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"a":1}`, `{"a":[1,"x",null,true,{"b":{}}]}`, `{"a":9007199254740993,"b":-0,"c":1e-400,"d":1e308}`,
		`{"a":1,"a":2}`, `{"":1}`, `{"a":[[]]}`, `[]`, `null`, ``, `{`, `{}{}`, "{\"\\ud800\":\"\\u0000\"}", "{\"\xff\":1}",
		`{"__x__":1}`, strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat(`}`, 17),
	} {
		f.Add([]byte(body))
	}
	key := store.Key{Kind: "rows", ID: "a"}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := store.Document{Key: key, Body: body}.Fields()
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Errorf("Fields: %v, want fault.Invalid or fault.TooLarge", err)
			}
			return
		}
		var encoded bytes.Buffer
		enc := json.NewEncoder(&encoded)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(fields); err != nil {
			t.Fatalf("an accepted body cannot be written: %v", err)
		}
		again, err := store.Document{Key: key, Body: encoded.Bytes()}.Fields()
		if fault.KindOf(err) == fault.TooLarge {
			return // escapes may make the text longer than it came
		}
		if err != nil {
			t.Fatalf("an accepted body is refused when it comes back: %v", err)
		}
		if diff := cmp.Diff(fields, again); diff != "" {
			t.Errorf("body (-first +again):\n%s", diff)
		}
	})
}
