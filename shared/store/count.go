package store

import (
	"context"
	"sync/atomic"
	"time"
)

// Ops counts the store operations of one context, as Firestore bills them. All
// fields may be read at any time.
type Ops struct {
	// Reads is one for each Get, found or not, and for each document that a Find
	// returned, at least one a Find; also for each Get within an Update.
	Reads atomic.Int64
	// Writes is one for each Put and Delete of an Update that committed.
	Writes atomic.Int64
	// Reruns is how often an Update's closure ran again. What a run that was
	// thrown away read and wrote is not in Reads and Writes.
	Reruns atomic.Int64
}

type opsKey struct{}

// WithOps returns a context under which a Driver made by Count counts into the
// returned Ops. Under a context that was made by WithOps before, the new Ops
// counts alone.
func WithOps(ctx context.Context) (context.Context, *Ops) {
	ops := new(Ops)
	return context.WithValue(ctx, opsKey{}, ops), ops
}

// opsOf returns the counter of ctx, or one that nobody reads.
func opsOf(ctx context.Context) *Ops {
	if ops, ok := ctx.Value(opsKey{}).(*Ops); ok {
		return ops
	}
	return new(Ops)
}

// Count returns a Driver that does as d does and counts the operations of every
// context made by WithOps; other contexts are not counted. An operation that
// failed counts as if it had returned nothing, and an Update that did not commit
// counts the reads of its last run but no writes.
func Count(d Driver) Driver { return counting{d} }

type counting struct{ next Driver }

func (c counting) Get(ctx context.Context, key Key) (Document, error) {
	opsOf(ctx).Reads.Add(1)
	return c.next.Get(ctx, key)
}

func (c counting) Find(ctx context.Context, q Query) ([]Document, error) {
	docs, err := c.next.Find(ctx, q)
	opsOf(ctx).Reads.Add(int64(max(1, len(docs))))
	return docs, err
}

func (c counting) Update(ctx context.Context, fn func(Txn) error) error {
	var txn *countingTxn
	runs := 0
	err := c.next.Update(ctx, func(next Txn) error {
		runs++
		txn = &countingTxn{next: next}
		return fn(txn)
	})
	if txn == nil { // the closure never ran
		return err
	}
	ops := opsOf(ctx)
	ops.Reruns.Add(int64(runs - 1))
	ops.Reads.Add(txn.reads)
	if err == nil {
		ops.Writes.Add(txn.writes)
	}
	return err
}

func (c counting) Close() error { return c.next.Close() }

// Sweep sweeps the driver if it has to be told to. It is not counted.
func (c counting) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if s, ok := c.next.(Sweeper); ok {
		return s.Sweep(ctx, now, limit)
	}
	return 0, nil
}

// countingTxn counts one run, so that the counts of a thrown-away run go with it.
type countingTxn struct {
	next          Txn
	reads, writes int64
}

func (t *countingTxn) Get(key Key) (Document, error) {
	t.reads++
	return t.next.Get(key)
}

func (t *countingTxn) Put(doc Document) error {
	t.writes++
	return t.next.Put(doc)
}

func (t *countingTxn) Delete(key Key) error {
	t.writes++
	return t.next.Delete(key)
}
