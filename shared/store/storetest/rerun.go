package storetest

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// Rerun returns a Driver that runs every Update's closure twice and throws the
// first run's writes away, as a conflict would. A closure with effects outside of
// its transaction shows them under it.
func Rerun(d store.Driver) store.Driver { return rerunning{d} }

type rerunning struct{ store.Driver }

func (r rerunning) Update(ctx context.Context, fn func(store.Txn) error) error {
	return r.Driver.Update(ctx, func(tx store.Txn) error {
		_ = fn(&discarding{next: tx})
		return fn(tx)
	})
}

// discarding forgets writes, so that the run after it may read again.
type discarding struct{ next store.Txn }

func (d *discarding) Get(key store.Key) (store.Document, error) { return d.next.Get(key) }
func (d *discarding) Put(doc store.Document) error              { return doc.Validate() }
func (d *discarding) Delete(key store.Key) error                { return key.Validate() }
