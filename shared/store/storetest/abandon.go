package storetest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func testPanic(t *testing.T, d store.Driver) {
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a closure's panic did not reach the caller of Update")
			}
		}()
		_ = d.Update(t.Context(), func(tx store.Txn) error { _ = tx.Put(doc("a", `{}`)); panic("closure") })
	}()
	put(t, d, doc("b", `{}`))
	wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "b")
}

// testGoexit: a test that calls t.FailNow within a closure ends its goroutine.
func testGoexit(t *testing.T, d store.Driver) {
	returned := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Update(t.Context(), func(tx store.Txn) error { _ = tx.Put(doc("a", `{}`)); runtime.Goexit(); return nil })
		returned = true
	}()
	<-done
	if returned {
		t.Error("a closure's Goexit did not end the goroutine that called Update")
	}
	put(t, d, doc("b", `{}`))
	wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "b")
}

func testCancelled(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	_, getErr := d.Get(ctx, keyOf("a"))
	_, findErr := d.Find(ctx, store.Query{Kind: devices, Limit: 1})
	updateErr := d.Update(ctx, func(tx store.Txn) error { ran = true; return tx.Delete(keyOf("a")) })
	for name, err := range map[string]error{"Get": getErr, "Find": findErr, "Update": updateErr} {
		wantKind(t, err, fault.Transient)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v does not wrap context.Canceled", name, err)
		}
	}
	if ran {
		t.Error("the closure ran under a context that was over before")
	}
	mustGet(t, d, "a")
}
