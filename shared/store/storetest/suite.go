// Package storetest holds what tests of the store need: Run, the suite that every
// store.Driver passes, and two drivers that make a caller's life hard on purpose,
// Faulty and Rerun.
//
// Each sentence of the contract in package store has a case in Run. Where a case
// cannot be forced on every driver, such as a closure that runs again because of
// a conflict, the suite checks what follows from it under contention.
package storetest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Run runs the suite. It calls open once for each subtest, concurrently; open
// returns an empty store that no other subtest sees and closes it by t.Cleanup.
func Run(t *testing.T, open func(t testing.TB) store.Driver) {
	for name, test := range map[string]func(*testing.T, store.Driver){
		"keys":                       testKeys,
		"kinds":                      testKinds,
		"bodies":                     testBodies,
		"bodies that are refused":    testBadBodies,
		"index that is refused":      testBadIndex,
		"expiry":                     testExpiry,
		"get and put":                testGetPut,
		"delete":                     testDelete,
		"copies":                     testCopies,
		"find by id":                 testFindByID,
		"find by field":              testFindByField,
		"find pages":                 testFindPages,
		"find follows changes":       testFindFollows,
		"find in byte order":         testFindByteOrder,
		"queries that are refused":   testBadQueries,
		"update is atomic":           testAtomic,
		"update of one key twice":    testLastWrite,
		"update returns the error":   testClosureError,
		"update that only reads":     testReadOnly,
		"update overlooks a refusal": testOverlooked,
		"read after write":           testReadAfterWrite,
		"many writes":                testManyWrites,
		"panic":                      testPanic,
		"goexit":                     testGoexit,
		"cancelled":                  testCancelled,
		"increments":                 testIncrements,
		"create once":                testCreateOnce,
		"write skew":                 testWriteSkew,
		"failures beside others":     testFailuresBeside,
		"find beside updates":        testFindBeside,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

const devices = store.Kind("devices")

func keyOf(id string) store.Key { return store.Key{Kind: devices, ID: id} }

// doc returns a document whose index is made of pairs of field and value.
func doc(id, body string, index ...string) store.Document {
	d := store.Document{Key: keyOf(id), Body: json.RawMessage(body)}
	for i := 0; i < len(index); i += 2 {
		if d.Index == nil {
			d.Index = map[string]string{}
		}
		d.Index[index[i]] = index[i+1]
	}
	return d
}

func put(t testing.TB, d store.Driver, docs ...store.Document) {
	t.Helper()
	if err := tryPut(t, d, docs...); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

func tryPut(t testing.TB, d store.Driver, docs ...store.Document) error {
	return d.Update(t.Context(), func(tx store.Txn) error {
		for _, doc := range docs {
			if err := tx.Put(doc); err != nil {
				return err
			}
		}
		return nil
	})
}

func remove(t testing.TB, d store.Driver, id string) {
	t.Helper()
	if err := d.Update(t.Context(), func(tx store.Txn) error { return tx.Delete(keyOf(id)) }); err != nil {
		t.Fatalf("Delete(%q): %v", id, err)
	}
}

func mustGet(t testing.TB, d store.Driver, id string) store.Document {
	t.Helper()
	got, err := d.Get(t.Context(), keyOf(id))
	if err != nil {
		t.Fatalf("Get(%q): %v", id, err)
	}
	return got
}

// wantDoc compares documents by what their bodies mean: drivers may order and
// space members anew.
func wantDoc(t testing.TB, got, want store.Document) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameBody, sameIndex); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

var sameBody = cmp.Transformer("body", func(raw json.RawMessage) any {
	v, err := decode(raw)
	if err != nil {
		return fmt.Sprintf("not JSON: %v: %q", err, string(raw))
	}
	return v
})

// sameIndex takes an absent index for an empty one.
var sameIndex = cmp.FilterValues(
	func(a, b map[string]string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

func wantKind(t testing.TB, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); err == nil || got != want {
		t.Errorf("got error %v of kind %v, want one of kind %v", err, got, want)
	}
	if err != nil && fault.As(err) == nil {
		t.Errorf("got error %v of type %T, want a *fault.Error", err, err)
	}
}

func ids(docs []store.Document) []string {
	out := make([]string, 0, len(docs))
	for _, d := range docs {
		out = append(out, d.Key.ID)
	}
	return out
}
