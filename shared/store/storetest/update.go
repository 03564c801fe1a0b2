package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

func testGetPut(t *testing.T, d store.Driver) {
	_, err := d.Get(t.Context(), keyOf("a"))
	wantKind(t, err, fault.NotFound)
	err = d.Update(t.Context(), func(tx store.Txn) error { _, err := tx.Get(keyOf("a")); return err })
	wantKind(t, err, fault.NotFound)

	put(t, d, doc("a", `{"v":1,"gone":true}`, "f", "1", "gone", "x"))
	wantDoc(t, mustGet(t, d, "a"), doc("a", `{"v":1,"gone":true}`, "f", "1", "gone", "x"))
	put(t, d, doc("a", `{"v":2}`, "f", "2")) // replaces, and merges nothing
	wantDoc(t, mustGet(t, d, "a"), doc("a", `{"v":2}`, "f", "2"))
	_, err = d.Get(t.Context(), keyOf("A"))
	wantKind(t, err, fault.NotFound)

	var inside store.Document
	if err := d.Update(t.Context(), func(tx store.Txn) (err error) { inside, err = tx.Get(keyOf("a")); return err }); err != nil {
		t.Fatal(err)
	}
	wantDoc(t, inside, doc("a", `{"v":2}`, "f", "2"))
}

func testDelete(t *testing.T, d store.Driver) {
	remove(t, d, "a") // a missing one is no error
	put(t, d, doc("a", `{}`), doc("b", `{}`))
	remove(t, d, "a")
	_, err := d.Get(t.Context(), keyOf("a"))
	wantKind(t, err, fault.NotFound)
	mustGet(t, d, "b")
}

// testCopies: what goes in and comes out belongs to the caller.
func testCopies(t *testing.T, d store.Driver) {
	in := doc("a", `{"v":"aaaa"}`, "f", "1")
	if err := d.Update(t.Context(), func(tx store.Txn) error {
		in := doc("a", `{"v":"aaaa"}`, "f", "1")
		err := tx.Put(in)
		copy(in.Body, `{"v":"bbbb"}`)
		in.Index["f"] = "2"
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got := mustGet(t, d, "a")
	wantDoc(t, got, in)
	clear(got.Body)
	wantDoc(t, mustGet(t, d, "a"), in)
}

func testAtomic(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{"v":1}`), doc("b", `{"v":1}`))
	if err := d.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(tx.Put(doc("a", `{"v":2}`)), tx.Delete(keyOf("b")), tx.Put(doc("c", `{"v":2}`)))
	}); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "a", "c")
	wantDoc(t, mustGet(t, d, "a"), doc("a", `{"v":2}`))
}

func testLastWrite(t *testing.T, d store.Driver) {
	put(t, d, doc("gone", `{}`, "f", "0"))
	if err := d.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(
			tx.Put(doc("a", `{"v":1}`, "f", "1")), tx.Put(doc("a", `{"v":2}`, "f", "2")),
			tx.Put(doc("gone", `{}`, "f", "3")), tx.Delete(keyOf("gone")),
			tx.Delete(keyOf("back")), tx.Put(doc("back", `{}`, "f", "4")))
	}); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, d, store.Query{Kind: devices, Field: "f", Limit: 10}, "a", "back")
	wantDoc(t, mustGet(t, d, "a"), doc("a", `{"v":2}`, "f", "2"))
}

func testClosureError(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{"v":1}`, "f", "1"))
	mine := errors.New("mine")
	for _, want := range []error{mine, fault.Wrap(mine, fault.Conflict, "taken", "It is taken."), fmt.Errorf("wrapped: %w", mine)} {
		err := d.Update(t.Context(), func(tx store.Txn) error {
			return errors.Join(tx.Put(doc("a", `{"v":2}`, "f", "2")), tx.Put(doc("b", `{}`)), tx.Delete(keyOf("c")))
		})
		if err != nil {
			t.Fatal(err)
		}
		put(t, d, doc("a", `{"v":1}`, "f", "1"))
		remove(t, d, "b")
		err = d.Update(t.Context(), func(tx store.Txn) error {
			if err := errors.Join(tx.Put(doc("a", `{"v":3}`, "f", "3")), tx.Put(doc("b", `{}`))); err != nil {
				return err
			}
			return want
		})
		if err != want { //nolint:errorlint // the contract says "as it is"
			t.Errorf("Update returned %v, want %v as it is", err, want)
		}
		wantDoc(t, mustGet(t, d, "a"), doc("a", `{"v":1}`, "f", "1"))
		wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "a")
		wantIDs(t, d, store.Query{Kind: devices, Field: "f", From: "2", Limit: 10})
	}
}

func testReadOnly(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{"v":1}`))
	if err := d.Update(t.Context(), func(store.Txn) error { return nil }); err != nil {
		t.Errorf("an Update that does nothing: %v", err)
	}
	if err := d.Update(t.Context(), func(tx store.Txn) error { _, err := tx.Get(keyOf("a")); return err }); err != nil {
		t.Errorf("an Update that only reads: %v", err)
	}
}

// testOverlooked: a closure that drops the error of a write commits nothing.
func testOverlooked(t *testing.T, d store.Driver) {
	err := d.Update(t.Context(), func(tx store.Txn) error {
		_ = tx.Put(doc("a", `{}`))
		_ = tx.Put(doc("a/b", `{}`))
		return nil
	})
	wantKind(t, err, fault.Invalid)
	_, err = d.Get(t.Context(), keyOf("a"))
	wantKind(t, err, fault.NotFound)
}

func testReadAfterWrite(t *testing.T, d store.Driver) {
	put(t, d, doc("a", `{"v":1}`))
	for name, write := range map[string]func(store.Txn) error{
		"put":    func(tx store.Txn) error { return tx.Put(doc("b", `{}`)) },
		"delete": func(tx store.Txn) error { return tx.Delete(keyOf("a")) },
	} {
		for _, overlook := range []bool{false, true} {
			err := d.Update(t.Context(), func(tx store.Txn) error {
				if err := write(tx); err != nil {
					return err
				}
				_, err := tx.Get(keyOf("a"))
				if overlook {
					return nil
				}
				return err
			})
			wantKind(t, err, fault.Permanent)
			if got := fault.ReasonOf(err); got != "read-after-write" {
				t.Errorf("after %s: reason %q, want read-after-write", name, got)
			}
		}
	}
	wantIDs(t, d, store.Query{Kind: devices, Limit: 10}, "a")
}

func testManyWrites(t *testing.T, d store.Driver) {
	many := func(n int) error {
		return d.Update(t.Context(), func(tx store.Txn) error {
			for i := range n {
				if err := tx.Put(doc(fmt.Sprintf("%04d", i), `{}`)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := many(store.MaxWrite + 1)
	wantKind(t, err, fault.Permanent)
	wantIDs(t, d, store.Query{Kind: devices, Limit: 1})
	large := `{"s":"` + strings.Repeat("x", store.MaxBody-100) + `"}`
	err = d.Update(t.Context(), func(tx store.Txn) error {
		for i := range store.MaxCommit/store.MaxBody + 1 {
			if err := tx.Put(doc(fmt.Sprint(i), large)); err != nil {
				return err
			}
		}
		return nil
	})
	wantKind(t, err, fault.TooLarge)
	wantIDs(t, d, store.Query{Kind: devices, Limit: 1})
	if err := many(store.MaxWrite); err != nil {
		t.Fatalf("%d writes: %v", store.MaxWrite, err)
	}
	docs, err := d.Find(t.Context(), store.Query{Kind: devices, Limit: store.MaxLimit})
	if err != nil || len(docs) != store.MaxWrite {
		t.Errorf("Find returned %d documents and error %v, want %d", len(docs), err, store.MaxWrite)
	}
}
