package functions_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// brokenStore is a store.Driver that fails every operation while it is told to.
type brokenStore struct {
	store.Driver
	mu  sync.Mutex
	err error
}

func (b *brokenStore) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *brokenStore) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *brokenStore) Get(ctx context.Context, key store.Key) (store.Document, error) {
	if err := b.broken(); err != nil {
		return store.Document{}, err
	}
	return b.Driver.Get(ctx, key)
}

func (b *brokenStore) Update(ctx context.Context, fn func(store.Txn) error) error {
	if err := b.broken(); err != nil {
		return err
	}
	return b.Driver.Update(ctx, fn)
}

// strangers tells the records of enrollments with an unknown token, or by a sign-in that
// nobody takes, the one thing
// that somebody who is nobody may leave behind.
func strangers(d store.Document) bool {
	body := string(d.Body)
	return d.Key.Kind == record.Audit && (strings.Contains(body, `"enrollment-token:unknown"`) || strings.Contains(body, `"target":"sign-in:`))
}

// dump returns everything stored but the documents for which skip holds.
func (w *world) dump(skip func(store.Document) bool) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, kind := range record.Kinds() {
		q := store.Query{Kind: kind, Limit: 1000}
		for {
			docs, err := w.store.Find(w.t.Context(), q)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, d := range docs {
				if skip == nil || !skip(d) {
					all[string(kind)+"/"+d.Key.ID] = fmt.Sprintf("%s %v", d.Body, d.Index)
				}
			}
			if len(docs) < q.Limit {
				break
			}
			q.After = store.Cursor{ID: docs[len(docs)-1].Key.ID}
		}
	}
	return all
}

// changed lists the keys in which two dumps differ.
func changed(before, after map[string]string) []string {
	var keys []string
	for k, v := range after {
		if old, ok := before[k]; !ok || old != v {
			keys = append(keys, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			keys = append(keys, k)
		}
	}
	return slices.Sorted(maps.Keys(set(keys)))
}

func set(keys []string) map[string]bool {
	m := map[string]bool{}
	for _, k := range keys {
		m[k] = true
	}
	return m
}
