package storetest

import (
	"context"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// When says at which side of an operation a Faulty fails.
type When int

const (
	// Before fails the operation without doing it.
	Before When = iota
	// After does the operation and then fails: an Update's writes hold although
	// its caller is told otherwise, as when the answer is lost on the way.
	After
)

// Faulty is a Driver that fails one chosen operation of another Driver with
// fault.Transient, reason "injected". With it a test enumerates every place at
// which a flow can break:
//
//	for k := 1; ; k++ {
//		f := storetest.NewFaulty(open(t))
//		f.Fail(k, storetest.After)
//		run(f)          // must leave a state from which the next run recovers
//		if !f.Fired() { // the flow has fewer than k operations
//			break
//		}
//		run(f)
//	}
//
// It is safe for concurrent use; operations are numbered in the order in which
// they start.
type Faulty struct {
	next store.Driver

	mu    sync.Mutex
	count int
	at    int
	when  When
	crash bool
	fired bool
}

var _ store.Driver = (*Faulty)(nil)

// NewFaulty returns a Faulty over d that fails nothing yet.
func NewFaulty(d store.Driver) *Faulty { return &Faulty{next: d} }

// Fail makes the k-th operation from now on fail, counted from 1 over Get, Find
// and Update; k of 0 fails none. It starts the count anew and forgets an earlier
// Fail or Crash.
func (f *Faulty) Fail(k int, when When) { f.arm(k, when, false) }

// Crash is Fail, and every operation behind the k-th fails Before, as for a
// process that has died, until the next call of Fail or Crash.
func (f *Faulty) Crash(k int, when When) { f.arm(k, when, true) }

func (f *Faulty) arm(k int, when When, crash bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.at, f.when, f.crash, f.fired = 0, k, when, crash, false
}

// Count returns how many operations started since the last Fail or Crash.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Fired reports whether the chosen operation was reached since then.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// begin numbers an operation and says on which side of it to fail, if any.
func (f *Faulty) begin() (before, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if f.count == f.at {
		f.fired = true
		return f.when == Before, f.when == After
	}
	return f.crash && f.fired, false
}

func injected() error {
	return fault.New(fault.Transient, "injected", "The store did not answer.")
}

// Get implements store.Driver.
func (f *Faulty) Get(ctx context.Context, key store.Key) (store.Document, error) {
	before, after := f.begin()
	if before {
		return store.Document{}, injected()
	}
	doc, err := f.next.Get(ctx, key)
	if after {
		return store.Document{}, injected()
	}
	return doc, err
}

// Find implements store.Driver.
func (f *Faulty) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	before, after := f.begin()
	if before {
		return nil, injected()
	}
	docs, err := f.next.Find(ctx, q)
	if after {
		return nil, injected()
	}
	return docs, err
}

// Update implements store.Driver. An error of the closure comes before an
// injected one, since such an Update has nothing to commit.
func (f *Faulty) Update(ctx context.Context, fn func(store.Txn) error) error {
	before, after := f.begin()
	if before {
		return injected()
	}
	err := f.next.Update(ctx, fn)
	if err == nil && after {
		return injected()
	}
	return err
}

// Close implements store.Driver and is never failed.
func (f *Faulty) Close() error { return f.next.Close() }
