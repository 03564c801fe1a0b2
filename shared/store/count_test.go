package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// scripted is a Driver that finds n documents and runs every closure `runs`
// times, committing the last run unless it fails.
type scripted struct{ n, runs int }

func (s scripted) Get(context.Context, store.Key) (store.Document, error) {
	return store.Document{}, fault.New(fault.NotFound, "", "none")
}

func (s scripted) Find(context.Context, store.Query) ([]store.Document, error) {
	return make([]store.Document, s.n), nil
}

func (s scripted) Update(ctx context.Context, fn func(store.Txn) error) (err error) {
	for range s.runs {
		err = fn(blank{s})
	}
	if s.runs == 0 {
		return ctx.Err()
	}
	return err
}

func (s scripted) Close() error { return nil }

type blank struct{ scripted }

func (b blank) Get(key store.Key) (store.Document, error) {
	return b.scripted.Get(context.Background(), key)
}
func (blank) Put(store.Document) error { return nil }
func (blank) Delete(store.Key) error   { return nil }

func TestCount(t *testing.T) {
	t.Parallel()
	key := store.Key{Kind: "devices", ID: "a"}
	write := func(tx store.Txn) error {
		_, _ = tx.Get(key)
		_, _ = tx.Get(key)
		return errors.Join(tx.Put(store.Document{Key: key}), tx.Delete(key), tx.Delete(key))
	}
	type counts struct{ Reads, Writes, Reruns int64 }
	for name, tc := range map[string]struct {
		driver scripted
		do     func(context.Context, store.Driver)
		want   counts
	}{
		"get counts when nothing is found": {do: func(ctx context.Context, d store.Driver) { _, _ = d.Get(ctx, key) }, want: counts{Reads: 1}},
		"find that returns nothing":        {do: func(ctx context.Context, d store.Driver) { _, _ = d.Find(ctx, store.Query{}) }, want: counts{Reads: 1}},
		"find that returns three":          {driver: scripted{n: 3}, do: func(ctx context.Context, d store.Driver) { _, _ = d.Find(ctx, store.Query{}) }, want: counts{Reads: 3}},
		"update":                           {driver: scripted{runs: 1}, do: func(ctx context.Context, d store.Driver) { _ = d.Update(ctx, write) }, want: counts{Reads: 2, Writes: 3}},
		"update that runs three times":     {driver: scripted{runs: 3}, do: func(ctx context.Context, d store.Driver) { _ = d.Update(ctx, write) }, want: counts{Reads: 2, Writes: 3, Reruns: 2}},
		"update that never runs":           {do: func(ctx context.Context, d store.Driver) { _ = d.Update(ctx, write) }},
		"update that fails": {driver: scripted{runs: 1}, do: func(ctx context.Context, d store.Driver) {
			_ = d.Update(ctx, func(tx store.Txn) error { _ = write(tx); return errors.New("no") })
		}, want: counts{Reads: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := store.Count(tc.driver)
			ctx, ops := store.WithOps(t.Context())
			inner, other := store.WithOps(ctx)
			tc.do(ctx, d)
			tc.do(t.Context(), d) // counts nowhere
			if diff := cmp.Diff(tc.want, counts{ops.Reads.Load(), ops.Writes.Load(), ops.Reruns.Load()}); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			tc.do(inner, d)
			if diff := cmp.Diff(tc.want, counts{other.Reads.Load(), other.Writes.Load(), other.Reruns.Load()}); diff != "" {
				t.Errorf("counts of the inner context (-want +got):\n%s", diff)
			}
			if err := d.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}
