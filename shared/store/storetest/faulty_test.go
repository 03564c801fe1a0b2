package storetest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

func open(t testing.TB) store.Driver {
	t.Helper()
	s, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// The decorators are drivers themselves as long as they fail nothing.
func TestDecorators(t *testing.T) {
	t.Parallel()
	t.Run("faulty", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Driver { return storetest.NewFaulty(open(t)) })
	})
	t.Run("rerun", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Driver { return storetest.Rerun(open(t)) })
	})
	t.Run("count", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Driver { return store.Count(open(t)) })
	})
}

func TestFaulty(t *testing.T) {
	t.Parallel()
	key := store.Key{Kind: "rows", ID: "a"}
	// Four operations; the third one stores the row.
	flow := func(d store.Driver) []error {
		_, err1 := d.Get(t.Context(), key)
		_, err2 := d.Find(t.Context(), store.Query{Kind: "rows", Limit: 1})
		err3 := d.Update(t.Context(), func(tx store.Txn) error {
			return tx.Put(store.Document{Key: key, Body: []byte(`{}`)})
		})
		_, err4 := d.Get(t.Context(), key)
		return []error{err1, err2, err3, err4}
	}
	for name, tc := range map[string]struct {
		arm   func(*storetest.Faulty)
		want  []string
		fired bool
	}{
		"nothing":         {func(*storetest.Faulty) {}, []string{"not found", "", "", ""}, false},
		"get":             {func(f *storetest.Faulty) { f.Fail(1, storetest.Before) }, []string{"transient", "", "", ""}, true},
		"find":            {func(f *storetest.Faulty) { f.Fail(2, storetest.After) }, []string{"not found", "transient", "", ""}, true},
		"update before":   {func(f *storetest.Faulty) { f.Fail(3, storetest.Before) }, []string{"not found", "", "transient", "not found"}, true},
		"update after":    {func(f *storetest.Faulty) { f.Fail(3, storetest.After) }, []string{"not found", "", "transient", ""}, true},
		"crash":           {func(f *storetest.Faulty) { f.Crash(2, storetest.Before) }, []string{"not found", "transient", "transient", "transient"}, true},
		"behind the last": {func(f *storetest.Faulty) { f.Fail(5, storetest.Before) }, []string{"not found", "", "", ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := storetest.NewFaulty(open(t))
			tc.arm(f)
			var got []string
			for _, err := range flow(f) {
				if err == nil {
					got = append(got, "")
					continue
				}
				got = append(got, fault.KindOf(err).String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if f.Count() != 4 || f.Fired() != tc.fired {
				t.Errorf("Count %d, Fired %v, want 4, %v", f.Count(), f.Fired(), tc.fired)
			}
		})
	}
}
