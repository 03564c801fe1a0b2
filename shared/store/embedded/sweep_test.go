package embedded_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/store"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	put := func(id string, expires time.Time) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx store.Txn) error {
			return tx.Put(store.Document{
				Key: store.Key{Kind: "rows", ID: id}, Body: []byte(`{}`),
				Index: map[string]string{"f": id}, Expires: expires,
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(at time.Time, limit, want int, left ...string) {
		t.Helper()
		got, err := s.Sweep(t.Context(), at, limit)
		if err != nil || got != want {
			t.Errorf("Sweep dropped %d with error %v, want %d", got, err, want)
		}
		for _, field := range []string{"", "f"} { // documents and index alike
			docs, err := s.Find(t.Context(), store.Query{Kind: "rows", Field: field, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, d := range docs {
				ids = append(ids, d.Key.ID)
			}
			if diff := cmp.Diff(left, ids); diff != "" {
				t.Errorf("left by %q (-want +got):\n%s", field, diff)
			}
		}
	}
	sweep(now, 10, 0)
	for i := range 4 {
		put(fmt.Sprint("hour", i), now.Add(time.Duration(i)*time.Hour))
	}
	put("for-ever", time.Time{})
	put("old", time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC))
	put("renewed", now)
	put("renewed", now.Add(24*time.Hour)) // moves its entry
	put("kept", now)
	put("kept", time.Time{}) // removes it

	sweep(now, 1, 1, "for-ever", "hour0", "hour1", "hour2", "hour3", "kept", "renewed")
	sweep(now, 10, 1, "for-ever", "hour1", "hour2", "hour3", "kept", "renewed") // due at that very moment
	sweep(now.Add(2*time.Hour-1), 10, 1, "for-ever", "hour2", "hour3", "kept", "renewed")
	sweep(now.Add(9*time.Hour), 10, 2, "for-ever", "kept", "renewed")
	sweep(now.Add(9*time.Hour), 0, 0, "for-ever", "kept", "renewed")
}
