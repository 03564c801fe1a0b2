package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func wantIDs(t testing.TB, d store.Driver, q store.Query, want ...string) {
	t.Helper()
	docs, err := d.Find(t.Context(), q)
	if err != nil {
		t.Errorf("Find(%+v): %v", q, err)
		return
	}
	if diff := cmp.Diff(append([]string{}, want...), ids(docs)); diff != "" {
		t.Errorf("Find(%+v) (-want +got):\n%s", q, diff)
	}
}

func testFindByID(t *testing.T, d store.Driver) {
	all := store.Query{Kind: devices, Limit: 10}
	wantIDs(t, d, all)
	put(t, d, doc("b", `{"n":2}`, "f", "1"), doc("B", `{}`), doc("a-", `{}`), doc("a", `{}`), doc("10", `{}`), doc("9", `{}`))
	other := doc("zz", `{}`)
	other.Key.Kind = "people"
	put(t, d, other)
	wantIDs(t, d, all, "10", "9", "B", "a", "a-", "b")
	all.Limit = 4
	wantIDs(t, d, all, "10", "9", "B", "a")
	all.After = store.Cursor{ID: "a"}
	wantIDs(t, d, all, "a-", "b")
	all.After = store.Cursor{ID: "aa"} // a cursor outlives its document
	wantIDs(t, d, all, "b")
	docs, err := d.Find(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	wantDoc(t, docs[0], doc("b", `{"n":2}`, "f", "1"))
}

func testFindByField(t *testing.T, d store.Driver) {
	put(t, d,
		doc("d1", `{}`, "due", "2026-01-01"),
		doc("d2", `{}`, "due", "2026-01-03", "state", "x"),
		doc("d3", `{}`, "due", "2026-01-02"),
		doc("d0", `{}`, "due", "2026-01-02"),
		doc("none", `{}`, "state", "a"),
		doc("empty", `{}`, "due", ""),
		doc("longer", `{}`, "due", "2026-01-02 "))
	other := doc("other", `{}`, "due", "2026-01-02")
	other.Key.Kind = "people"
	put(t, d, other)
	for name, tc := range map[string]struct {
		q    store.Query
		want string
	}{
		"all":              {store.Query{}, "empty d1 d0 d3 longer d2"},
		"from is included": {store.Query{From: "2026-01-02"}, "d0 d3 longer d2"},
		"to is not":        {store.Query{To: "2026-01-02"}, "empty d1"},
		"both":             {store.Query{From: "2026-01-01", To: "2026-01-03"}, "d1 d0 d3 longer"},
		"nothing between":  {store.Query{From: "2026-01-04"}, ""},
		"turned round":     {store.Query{From: "2026-01-03", To: "2026-01-01"}, ""},
		"unknown field":    {store.Query{Field: "nobody"}, ""},
		"limit":            {store.Query{Limit: 2}, "empty d1"},
		"equal":            {store.Equal(devices, "due", "2026-01-02", 10), "d0 d3"},
		"equal empty":      {store.Equal(devices, "due", "", 10), "empty"},
		"equal nothing":    {store.Equal(devices, "due", "2026", 10), ""},
		"equal goes on":    {after(store.Equal(devices, "due", "2026-01-02", 10), "2026-01-02", "d0"), "d3"},
		"after a tie":      {after(store.Query{}, "2026-01-02", "d0"), "d3 longer d2"},
		"after and from":   {after(store.Query{From: "2026-01-02 "}, "2026-01-01", "d1"), "longer d2"},
	} {
		t.Run(name, func(t *testing.T) {
			q := tc.q
			q.Kind = devices
			if q.Field == "" {
				q.Field = "due"
			}
			if q.Limit == 0 {
				q.Limit = 10
			}
			wantIDs(t, d, q, strings.Fields(tc.want)...)
		})
	}
}

func after(q store.Query, value, id string) store.Query {
	q.After = store.Cursor{Value: value, ID: id}
	return q
}

func testFindPages(t *testing.T, d store.Driver) {
	var docs []store.Document
	var want []string
	for i := range 25 { // ties of ten, which a page of four cuts through
		id := fmt.Sprintf("d%02d", i)
		want = append(want, id)
		docs = append(docs, doc(id, `{}`, "group", fmt.Sprint("g", i/10)))
	}
	put(t, d, docs...)
	for _, field := range []string{"group", ""} {
		q := store.Query{Kind: devices, Field: field, Limit: 4}
		var got []string
		for {
			page, err := d.Find(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(page)...)
			if len(page) < q.Limit {
				break
			}
			q.After = q.Cursor(page[len(page)-1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages by %q (-want +got):\n%s", field, diff)
		}
	}
}

func testFindFollows(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{}`, "state", "old"), doc("b", `{}`, "state", "old"))
	put(t, d, doc("a", `{}`, "state", "new"))
	wantIDs(t, d, store.Equal(devices, "state", "old", 10), "b")
	wantIDs(t, d, store.Equal(devices, "state", "new", 10), "a")
	put(t, d, doc("a", `{}`, "other", "x"))
	wantIDs(t, d, store.Equal(devices, "state", "new", 10))
	wantIDs(t, d, store.Equal(devices, "other", "x", 10), "a")
	remove(t, d, "a")
	wantIDs(t, d, store.Equal(devices, "other", "x", 10))
	wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "b")
}

// testFindByteOrder holds drivers to the order of bytes where other orders of
// text differ: case, accents, and characters beyond UTF-16's first plane.
func testFindByteOrder(t *testing.T, d store.Driver) {
	values := []string{"", " ", "1", "10", "9", "A", "Z", "a", "a ", "aa", "z", "é", "\uffee", "😀"}
	var want []string
	for i, value := range values {
		id := fmt.Sprintf("%c", 'z'-i)
		want = append(want, id)
		put(t, d, doc(id, `{}`, "v", value))
	}
	wantIDs(t, d, store.Query{Kind: devices, Field: "v", Limit: 100}, want...)
}

func testBadQueries(t *testing.T, d store.Driver) {
	for name, q := range map[string]store.Query{
		"limit zero":          {Kind: devices},
		"limit negative":      {Kind: devices, Limit: -1},
		"limit too high":      {Kind: devices, Limit: store.MaxLimit + 1},
		"from without field":  {Kind: devices, Limit: 1, From: "a"},
		"to without field":    {Kind: devices, Limit: 1, To: "a"},
		"value without field": {Kind: devices, Limit: 1, After: store.Cursor{Value: "a", ID: "b"}},
		"cursor without id":   {Kind: devices, Limit: 1, Field: "f", After: store.Cursor{Value: "a"}},
		"cursor with bad id":  {Kind: devices, Limit: 1, After: store.Cursor{ID: "a/b"}},
		"bad field":           {Kind: devices, Limit: 1, Field: "a/b"},
		"NUL in from":         {Kind: devices, Limit: 1, Field: "f", From: "a\x00"},
		"NUL in to":           {Kind: devices, Limit: 1, Field: "f", To: "a\x00b"},
		"not UTF-8":           {Kind: devices, Limit: 1, Field: "f", From: "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.Find(t.Context(), q)
			wantKind(t, err, fault.Invalid)
		})
	}
	wantIDs(t, d, store.Query{Kind: devices, Limit: store.MaxLimit})
}
