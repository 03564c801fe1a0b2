package storetest

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Rerun returns a Driver that runs every Update's closure three times: once with
// reads that fail, as a conflict at a read makes them, once with writes that are
// thrown away, as a conflict at the commit does, and then for good. A closure with
// effects outside of its transaction shows them under it, and so does one that
// takes what a failed read returned into its next run.
func Rerun(d store.Driver) store.Driver { return rerunning{d} }

type rerunning struct{ store.Driver }

func (r rerunning) Update(ctx context.Context, fn func(store.Txn) error) error {
	return r.Driver.Update(ctx, func(tx store.Txn) error {
		_ = fn(conflicting{})
		_ = fn(&discarding{next: tx})
		return fn(tx)
	})
}

// conflicting fails every read, and forgets writes.
type conflicting struct{}

func (conflicting) Get(store.Key) (store.Document, error) {
	return store.Document{}, fault.New(fault.Transient, "contention", "Another update came first.")
}
func (conflicting) Put(doc store.Document) error { return doc.Validate() }
func (conflicting) Delete(key store.Key) error   { return key.Validate() }

// discarding forgets writes, so that the run after it may read again.
type discarding struct{ next store.Txn }

func (d *discarding) Get(key store.Key) (store.Document, error) { return d.next.Get(key) }
func (d *discarding) Put(doc store.Document) error              { return doc.Validate() }
func (d *discarding) Delete(key store.Key) error                { return key.Validate() }
