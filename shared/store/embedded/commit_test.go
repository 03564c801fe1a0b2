package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func openStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var testTime = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func putRow(id string) func(store.Txn) error {
	return func(tx store.Txn) error {
		return tx.Put(store.Document{
			Key: store.Key{Kind: "rows", ID: id}, Body: []byte(`{}`), Index: map[string]string{"f": id},
		})
	}
}

// commits returns the number of bolt's last commit.
func commits(t *testing.T, s *Store) (id int) {
	t.Helper()
	if err := s.db.View(func(tx *bolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// hold starts an update that keeps its turn until release is called, and returns
// when it has it.
func hold(t *testing.T, s *Store, group *sync.WaitGroup) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	group.Go(func() {
		if err := s.Update(context.Background(), func(tx store.Txn) error {
			close(held)
			<-free
			return putRow("first")(tx)
		}); err != nil {
			t.Errorf("the update that held the turn: %v", err)
		}
	})
	<-held
	return func() { close(free) }
}

// waiting returns when n updates are in the queue.
func waiting(s *Store, n int) {
	for {
		s.mu.Lock()
		got := len(s.queue)
		s.mu.Unlock()
		if got == n {
			return
		}
		runtime.Gosched()
	}
}

func TestUpdatesShareACommit(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	before := commits(t, s)
	var group sync.WaitGroup
	release := hold(t, s, &group)
	const n = 40
	for i := range n {
		group.Go(func() {
			if err := s.Update(t.Context(), putRow(fmt.Sprint(i))); err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	waiting(s, n)
	release()
	group.Wait()
	if got := commits(t, s) - before; got != 2 {
		t.Errorf("%d updates behind one took %d commits in all, want 2", n, got)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	var group sync.WaitGroup
	release := hold(t, s, &group)
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		err := s.Update(ctx, func(store.Txn) error { t.Error("the closure ran"); return nil })
		if fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want fault.Transient around context.Canceled", err)
		}
	})
	waiting(s, 1)
	cancel()
	if _, err := s.Sweep(ctx, testTime, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Sweep: got %v, want context.Canceled", err)
	}
	release()
	group.Wait()
}

func TestCommitOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	if err := s.Update(t.Context(), putRow("a")); err != nil {
		t.Fatal(err)
	}
	// As if the sync of the meta page that is now current had failed.
	cause := errors.New("input/output error")
	err := s.refused(commits(t, s), cause)
	for range 2 {
		if fault.ReasonOf(err) != "store-failed" || !errors.Is(err, cause) {
			t.Errorf("got %v, want reason store-failed around the cause", err)
		}
		err = s.Update(t.Context(), putRow("b"))
	}
	if _, err := s.Get(t.Context(), store.Key{Kind: "rows", ID: "a"}); err != nil {
		t.Errorf("the store does not read any more: %v", err)
	}
}

// Damage is reported as such, by reads and by updates.
func TestDamage(t *testing.T) {
	t.Parallel()
	key := store.Key{Kind: "rows", ID: "a"}
	for name, spoil := range map[string]func(*bolt.Tx) error{
		"record":  func(tx *bolt.Tx) error { return tx.Bucket(kindBucket("rows")).Put([]byte("a"), []byte("x")) },
		"index":   func(tx *bolt.Tx) error { return tx.Bucket(kindBucket("rows")).Delete([]byte("a")) },
		"expires": func(tx *bolt.Tx) error { return tx.Bucket(expiryBucket).Put([]byte("2000"), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			if err := s.Update(t.Context(), func(tx store.Txn) error {
				return tx.Put(store.Document{Key: key, Body: []byte(`{}`), Index: map[string]string{"f": "x"}, Expires: testTime})
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.db.Update(spoil); err != nil {
				t.Fatal(err)
			}
			_, getErr := s.Get(t.Context(), key)
			_, findErr := s.Find(t.Context(), store.Query{Kind: "rows", Field: "f", Limit: 1})
			updateErr := s.Update(t.Context(), func(tx store.Txn) error { _, err := tx.Get(key); return err })
			putErr := s.Update(t.Context(), putRow("a"))
			_, sweepErr := s.Sweep(t.Context(), testTime, 10)
			got := map[string]error{"Get": getErr, "Find": findErr, "Update": updateErr, "Put": putErr, "Sweep": sweepErr}
			want := map[string][]string{
				"record": {"Get", "Find", "Update", "Put", "Sweep"}, "index": {"Find"}, "expires": {"Sweep"},
			}[name]
			for _, op := range want {
				if fault.KindOf(got[op]) != fault.Permanent || fault.ReasonOf(got[op]) != "store-corrupt" {
					t.Errorf("%s gave %v, want fault.Permanent with reason store-corrupt", op, got[op])
				}
			}
		})
	}
}
