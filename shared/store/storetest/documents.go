package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// decode keeps numbers as they are written, unless they are not whole.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return plain(v), err
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		if i := int64(f); float64(i) == f {
			return i
		}
		return f
	}
	return v
}

func testKeys(t *testing.T, d store.Driver) {
	for _, id := range []string{
		"a", "...", "__a", "a__", "___", "_", "A b", "person:4f2a", "x.y@z=~!*'();&+$,?#[]%25\"\\{}<>^`|",
		strings.Repeat("k", store.MaxID),
	} {
		want := doc(id, `{"v":1}`)
		put(t, d, want)
		wantDoc(t, mustGet(t, d, id), want)
	}
	for _, id := range []string{
		"", ".", "..", "a/b", "/", "__x__", "____", strings.Repeat("k", store.MaxID+1),
		"a\nb", "a\x00", "\x7f", "é", "日", "\xff",
	} {
		t.Run(fmt.Sprintf("%.10q", id), func(t *testing.T) { refusesKey(t, d, keyOf(id)) })
	}
}

func testKinds(t *testing.T, d store.Driver) {
	for _, kind := range []store.Kind{"a", "audit_log", "mail-settings", "X9"} {
		want := store.Document{Key: store.Key{Kind: kind, ID: "same"}, Body: json.RawMessage(`{"kind":"` + string(kind) + `"}`)}
		put(t, d, want)
		got, err := d.Get(t.Context(), want.Key)
		if err != nil {
			t.Fatalf("Get(%v): %v", want.Key, err)
		}
		wantDoc(t, got, want)
	}
	for _, kind := range []store.Kind{"", "a/b", ".", "__x__", "a b", "é", store.Kind(strings.Repeat("k", store.MaxKind+1))} {
		refusesKey(t, d, store.Key{Kind: kind, ID: "a"})
		_, err := d.Find(t.Context(), store.Query{Kind: kind, Limit: 1})
		wantKind(t, err, fault.Invalid)
	}
}

func refusesKey(t *testing.T, d store.Driver, key store.Key) {
	t.Helper()
	_, err := d.Get(t.Context(), key)
	wantKind(t, err, fault.Invalid)
	wantKind(t, tryPut(t, d, store.Document{Key: key, Body: json.RawMessage(`{}`)}), fault.Invalid)
	wantKind(t, d.Update(t.Context(), func(tx store.Txn) error { return tx.Delete(key) }), fault.Invalid)
	wantKind(t, d.Update(t.Context(), func(tx store.Txn) error { _, err := tx.Get(key); return err }), fault.Invalid)
}

func testBodies(t *testing.T, d store.Driver) {
	for name, body := range map[string]string{
		"empty":     `{}`,
		"scalars":   `{"s":"x","t":true,"f":false,"n":null,"i":1,"d":1.5,"neg":-7,"small":1e-9}`,
		"integers":  `{"max":9007199254740992,"min":-9007199254740992,"odd":9007199254740991,"zero":0}`,
		"unicode":   `{"naïve":"日本語 😀 \u0000 \u2028 </script> & \"quoted\"","emoji😀":1}`,
		"nested":    `{"a":{"b":{"c":[{"d":[1,2,{"e":null}]},"x",true]}},"empty":{"list":[],"object":{}}}`,
		"odd names": `{"a.b":1,"a/b":2,"` + "`" + `":3,"*~[]":4," ":5,"__x":6,"0":7}`,
		"spaced":    " {\n \"a\" : [ 1 , 2 ] }\n",
		"deep":      strings.Repeat(`{"a":`, store.MaxDepth-1) + `{}` + strings.Repeat(`}`, store.MaxDepth-1),
		"large":     `{"s":"` + strings.Repeat("x", store.MaxBody-100) + `"}`,
		"numbers":   `{"n":[` + strings.Repeat("1,", 2000) + `1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			want := doc(strings.ReplaceAll(name, " ", "-"), body)
			put(t, d, want)
			wantDoc(t, mustGet(t, d, want.Key.ID), want)
		})
	}
}

func testBadBodies(t *testing.T, d store.Driver) {
	for name, tc := range map[string]struct {
		body string
		want fault.Kind
	}{
		"none":           {"", fault.Invalid},
		"array":          {`[]`, fault.Invalid},
		"string":         {`"x"`, fault.Invalid},
		"number":         {`1`, fault.Invalid},
		"null":           {`null`, fault.Invalid},
		"cut short":      {`{"a":1`, fault.Invalid},
		"two":            {`{} {}`, fault.Invalid},
		"not UTF-8":      {"{\"a\":\"\xff\"}", fault.Invalid},
		"array in array": {`{"a":[[1]]}`, fault.Invalid},
		"empty name":     {`{"":1}`, fault.Invalid},
		"reserved name":  {`{"a":{"__x__":1}}`, fault.Invalid},
		"huge number":    {`{"a":1e999}`, fault.Invalid},
		"too deep":       {strings.Repeat(`{"a":`, store.MaxDepth) + `{}` + strings.Repeat(`}`, store.MaxDepth), fault.Invalid},
		"too large":      {`{"s":"` + strings.Repeat("x", store.MaxBody) + `"}`, fault.TooLarge},
		"many numbers":   {`{"n":[` + strings.Repeat("1,", store.MaxBody/8) + `1]}`, fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			wantKind(t, tryPut(t, d, doc("bad", tc.body)), tc.want)
			_, err := d.Get(t.Context(), keyOf("bad"))
			wantKind(t, err, fault.NotFound)
		})
	}
}

func testBadIndex(t *testing.T, d store.Driver) {
	many := doc("bad", `{}`)
	many.Index = map[string]string{}
	for i := range store.MaxIndex + 1 {
		many.Index[fmt.Sprint("f", i)] = "x"
	}
	for name, bad := range map[string]store.Document{
		"empty field":    doc("bad", `{}`, "", "x"),
		"field with /":   doc("bad", `{}`, "a/b", "x"),
		"reserved field": doc("bad", `{}`, "__a__", "x"),
		"long field":     doc("bad", `{}`, strings.Repeat("f", store.MaxField+1), "x"),
		"NUL":            doc("bad", `{}`, "f", "a\x00b"),
		"not UTF-8":      doc("bad", `{}`, "f", "\xff"),
		"long value":     doc("bad", `{}`, "f", strings.Repeat("v", store.MaxValue+1)),
		"many":           many,
	} {
		t.Run(name, func(t *testing.T) { wantKind(t, tryPut(t, d, bad), fault.Invalid) })
	}
	good := doc("good", `{}`, "a.b-c_d", "x", strings.Repeat("f", store.MaxField), strings.Repeat("v", store.MaxValue), "empty", "")
	put(t, d, good)
	wantDoc(t, mustGet(t, d, "good"), good)
}

func testExpiry(t *testing.T, d store.Driver) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 123456789, time.FixedZone("east", 3600))
	want := doc("a", `{}`)
	want.Expires = at
	put(t, d, want)
	want.Expires = time.Date(2031, 2, 3, 3, 5, 6, 123456000, time.UTC) // to the microsecond, in UTC
	wantDoc(t, mustGet(t, d, "a"), want)

	put(t, d, doc("a", `{}`)) // a replacement without expiry takes it away
	wantDoc(t, mustGet(t, d, "a"), doc("a", `{}`))

	want.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	wantKind(t, tryPut(t, d, want), fault.Invalid)
}
