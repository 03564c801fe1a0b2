package embedded

import (
	"context"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// maxShared is how many updates share a commit at most. It bounds how long the
// first of them waits for the closures of the others.
const maxShared = 256

// update is one Update on its way through a commit.
type update struct {
	ctx  context.Context
	fn   func(store.Txn) error
	run  *store.Run
	err  error // why the commit failed, or why the closure never ran
	done chan struct{}
}

// Update implements store.Driver. The closure runs on another goroutine, beside
// no other closure. Once it runs, ctx no longer ends the call.
func (s *Store) Update(ctx context.Context, fn func(store.Txn) error) error {
	if err := ready(ctx); err != nil {
		return err
	}
	u := &update{ctx: ctx, fn: fn, done: make(chan struct{})}
	s.mu.Lock()
	s.queue = append(s.queue, u)
	s.mu.Unlock()
	for waiting := true; waiting; {
		select {
		case <-u.done:
			waiting = false
		case s.turn <- struct{}{}:
			// Whoever gets the turn commits for all who wait.
			s.commit(s.take())
			<-s.turn
		}
	}
	if u.err != nil {
		return u.err
	}
	u.run.Release()
	return u.run.Err
}

// take removes the updates of the next commit from the queue.
func (s *Store) take() []*update {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), maxShared)
	group := s.queue[:n:n]
	s.queue = slices.Clone(s.queue[n:]) // lets go of the group when it is done
	return group
}

// commit runs a group of updates one after the other in one bolt transaction,
// commits it and tells each update its outcome.
func (s *Store) commit(group []*update) {
	if len(group) == 0 {
		return
	}
	err := s.transact(func(tx *bolt.Tx) (changed bool, err error) {
		for _, u := range group {
			if u.err = ready(u.ctx); u.err != nil {
				continue
			}
			u.run = store.RunClosure(u.fn, func(key store.Key) (store.Document, error) { return get(tx, key) })
			if u.err = u.run.ReadErr; u.err != nil {
				continue
			}
			for _, w := range u.run.Writes {
				changed = true
				if err := apply(tx, w); err != nil {
					return changed, err
				}
			}
		}
		return changed, nil
	})
	for _, u := range group {
		// Also a closure that wrote nothing fails with the commit: it may have
		// seen a write of the group that is now gone.
		if err != nil && u.err == nil && (u.run == nil || !u.run.Aborted()) {
			u.err = err
		}
		close(u.done)
	}
}

// transact runs fn in one bolt transaction and commits it if fn changed
// anything. The error is classified. A panic of bolt, which means a damaged file,
// becomes an error, so that nobody waits for ever for a lock.
func (s *Store) transact(fn func(*bolt.Tx) (changed bool, err error)) (err error) {
	if failed := s.failed.Load(); failed != nil {
		return failed
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return classify(err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = corrupt(fmt.Errorf("embedded: bolt panicked: %v", r))
		}
		_ = tx.Rollback() // without effect after a commit
	}()
	id := tx.ID()
	changed, err := fn(tx)
	if err != nil || !changed {
		return classify(err)
	}
	if err := tx.Commit(); err != nil {
		return s.refused(id, err)
	}
	return nil
}

// refused classifies a commit that failed. Where bolt had got as far as its meta
// page, what the file holds and what the process believes may differ, and
// another write could spoil the file: the store then only reads until it is
// opened again.
func (s *Store) refused(id int, err error) error {
	seen := id
	_ = s.db.View(func(tx *bolt.Tx) error {
		seen = tx.ID()
		return nil
	})
	if seen < id {
		return classify(err)
	}
	failed := fault.Wrap(err, fault.Permanent, "store-failed",
		"The disk failed while the store committed. Nothing more is written until Rollcall is started again; check the disk first.")
	s.failed.CompareAndSwap(nil, failed)
	return failed
}
