package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// testFailuresBeside: closures that fail or panic take nothing from those beside
// them, which may share a commit.
func testFailuresBeside(t *testing.T, d store.Driver) {
	mine := errors.New("mine")
	together(3*workers, func(i int) {
		defer func() {
			if r := recover(); r != nil && i%3 != 2 {
				t.Errorf("update %d got another one's panic: %v", i, r)
			}
		}()
		var want error
		err := d.Update(t.Context(), func(tx store.Txn) error {
			if err := tx.Put(doc(fmt.Sprintf("%03d", i), `{}`)); err != nil {
				return err
			}
			switch i % 3 {
			case 1:
				want = mine
				return mine
			case 2:
				panic("closure")
			}
			return nil
		})
		if !errors.Is(err, want) {
			t.Errorf("update %d: got %v, want %v", i, err, want)
		}
	})
	var want []string
	for i := 0; i < 3*workers; i += 3 {
		want = append(want, fmt.Sprintf("%03d", i))
	}
	wantIDs(t, d, store.Query{Kind: devices, Limit: 1000}, want...)
}

// testFindBeside: a Find beside updates sees each of them whole or not at all,
// and every one that was committed before it was called.
func testFindBeside(t *testing.T, d store.Driver) {
	const rounds = 10
	together(2, func(i int) {
		for n := range rounds {
			if i == 0 {
				value := fmt.Sprintf("%03d", n)
				put := func(tx store.Txn) error {
					return errors.Join(tx.Put(doc("a", `{}`, "v", value)), tx.Put(doc("b", `{}`, "v", value)))
				}
				if err := persist(func() error { return d.Update(t.Context(), put) }); err != nil {
					t.Errorf("update: %v", err)
				}
				wantIDs(t, d, store.Equal(devices, "v", value, 10), "a", "b")
				continue
			}
			docs, err := d.Find(t.Context(), store.Query{Kind: devices, Field: "v", Limit: 10})
			if err != nil {
				t.Errorf("find: %v", err)
			}
			if len(docs) != 0 && (len(docs) != 2 || docs[0].Index["v"] != docs[1].Index["v"]) {
				t.Errorf("Find saw half an update: %v", docs)
			}
		}
	})
}
