package workspacetest

import (
	"testing"
	"time"
)

func FuzzPageToken(f *testing.F) {
	key := []byte("0123456789abcdef0123456789abcdef")
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	good := pageToken{Key: "anna@example.com", ID: 1 << 63, Issued: now.UnixNano(), Params: []byte("p")}.encode(key)
	for _, seed := range []string{"", "x", good, good[1:], good + "A", good[:20] + "_" + good[21:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := decodePageToken(key, text, now, time.Hour)
		if ok && (text != good || got.Key != "anna@example.com" || got.ID != 1<<63) {
			t.Errorf("%q was accepted as %+v", text, got)
		}
		if !ok && text == good {
			t.Error("a good token was refused")
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"id", "a(b,c/d),*", "a(", "))", "a/*", "a,a(b)", "a(b(c(d)))"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := maskParser{text}
		m, err := p.list()
		if err == nil && p.rest == "" && m != nil && len(m) == 0 {
			t.Errorf("%q keeps nothing", text)
		}
	})
}
