package embedded

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/store"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	key := store.Key{Kind: "rows", ID: "a"}
	for name, want := range map[string]store.Document{
		"bare":    {Key: key, Body: json.RawMessage(`{}`)},
		"indexed": {Key: key, Body: json.RawMessage(`{"a":1}`), Index: map[string]string{"a": "", "b": "x"}},
		"expires": {Key: key, Body: json.RawMessage(`{}`), Expires: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)},
		"earlier": {Key: key, Body: json.RawMessage(`{}`), Expires: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)},
	} {
		got, err := decodeRecord(key, encodeRecord(want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever a damaged file holds, reading it never panics nor takes memory without
// bound; what can be read can be written back.
func FuzzDecodeRecord(f *testing.F) {
	whole := encodeRecord(store.Document{
		Body: json.RawMessage(`{"a":1}`), Index: map[string]string{"f": "v"}, Expires: time.Unix(1, 0),
	})
	for i := range whole {
		f.Add(whole[:i])
	}
	f.Add(whole)
	f.Add([]byte{recordVersion, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := decodeRecord(store.Key{}, raw)
		if err != nil {
			return
		}
		again, err := decodeRecord(store.Key{}, encodeRecord(doc))
		if err != nil {
			t.Fatalf("a record that was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(doc, again); diff != "" || !bytes.Equal(doc.Body, again.Body) {
			t.Errorf("written back (-first +again):\n%s", diff)
		}
	})
}
