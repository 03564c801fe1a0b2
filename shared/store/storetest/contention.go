package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// workers is how many goroutines contend for one row. It is as many as an
// emulator with locks that wait can bear.
const workers = 8

// together calls do from n goroutines and waits for them.
func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// persist repeats an Update that lost against others: under contention a driver
// may give up with fault.Transient, and the caller tries again. A real caller
// waits in between.
func persist(update func() error) error {
	for range 50 {
		err := update()
		if fault.KindOf(err) != fault.Transient {
			return err
		}
	}
	return errors.New("50 updates in a row lost against others")
}

// bump adds 1 to the document's number and returns the new one.
func bump(tx store.Txn, id string) (int, error) {
	n, err := number(tx, id)
	if err != nil {
		return 0, err
	}
	return n + 1, tx.Put(doc(id, fmt.Sprintf(`{"n":%d}`, n+1), "n", fmt.Sprintf("%06d", n+1)))
}

func number(tx store.Txn, id string) (int, error) {
	got, err := tx.Get(keyOf(id))
	if fault.KindOf(err) == fault.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var body struct{ N int }
	err = json.Unmarshal(got.Body, &body)
	return body.N, err
}

// testIncrements: closures that run again must not count twice, and none may be
// lost; each sees what its own goroutine committed before.
func testIncrements(t *testing.T, d store.Driver) {
	const rounds = 5
	seen := make([][]int, workers)
	together(workers, func(i int) {
		for range rounds {
			var n int
			if err := persist(func() error {
				return d.Update(t.Context(), func(tx store.Txn) (err error) { n, err = bump(tx, "row"); return err })
			}); err != nil {
				t.Errorf("increment: %v", err)
				return
			}
			seen[i] = append(seen[i], n)
		}
	})
	for i := range seen {
		if !slices.IsSorted(seen[i]) {
			t.Errorf("goroutine %d did not see its own updates: %v", i, seen[i])
		}
	}
	got := slices.Sorted(slices.Values(slices.Concat(seen...)))
	var want []int
	for i := range workers * rounds {
		want = append(want, i+1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers given out (-want +got):\n%s", diff)
	}
	wantDoc(t, mustGet(t, d, "row"), doc("row", fmt.Sprintf(`{"n":%d}`, len(want)), "n", fmt.Sprintf("%06d", len(want))))
}

func testCreateOnce(t *testing.T, d store.Driver) {
	taken := errors.New("taken")
	results := make([]error, workers)
	together(workers, func(i int) {
		results[i] = persist(func() error {
			return d.Update(t.Context(), func(tx store.Txn) error {
				_, err := tx.Get(keyOf("one"))
				if err == nil {
					return taken
				}
				if fault.KindOf(err) != fault.NotFound {
					return err
				}
				return tx.Put(doc("one", fmt.Sprintf(`{"by":%d}`, i)))
			})
		})
	})
	winner := -1
	for i, err := range results {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("%d and %d both created the document", winner, i)
		case !errors.Is(err, taken):
			t.Errorf("create: %v", err)
		}
	}
	wantDoc(t, mustGet(t, d, "one"), doc("one", fmt.Sprintf(`{"by":%d}`, winner)))
}

// testWriteSkew: each update reads both rows and takes from one; a store that
// were only snapshot isolated would let the sum fall below zero.
func testWriteSkew(t *testing.T, d store.Driver) {
	put(t, d, doc("left", `{"n":1}`), doc("right", `{"n":1}`))
	refused := errors.New("refused")
	together(workers, func(i int) {
		mine := []string{"left", "right"}[i%2]
		err := persist(func() error {
			return d.Update(t.Context(), func(tx store.Txn) error {
				left, err1 := number(tx, "left")
				right, err2 := number(tx, "right")
				if err := errors.Join(err1, err2); err != nil {
					return err
				}
				if left+right < 2 {
					return refused
				}
				return tx.Put(doc(mine, `{"n":-1}`))
			})
		})
		if err != nil && !errors.Is(err, refused) {
			t.Errorf("take: %v", err)
		}
	})
	var sum int
	if err := d.Update(t.Context(), func(tx store.Txn) error {
		left, err1 := number(tx, "left")
		right, err2 := number(tx, "right")
		sum = left + right
		return errors.Join(err1, err2)
	}); err != nil || sum != 0 {
		t.Errorf("the rows sum up to %d with error %v, want 0", sum, err)
	}
}
