package firestore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/firestore"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// open returns an empty store: the emulator keeps each project apart.
func open(t testing.TB) store.Driver {
	t.Helper()
	s := firestore.New("t-"+strings.ToLower(rand.Text()), "")
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func needEmulator(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv("FIRESTORE_EMULATOR_HOST") != "":
	case os.Getenv("CI") == "true":
		t.Fatal("FIRESTORE_EMULATOR_HOST is not set: CI must start the Firestore emulator, as ./scripts/test does.")
	default:
		t.Skip("Needs the Firestore emulator: run ./scripts/test, which starts it, or set FIRESTORE_EMULATOR_HOST.")
	}
}

func TestContract(t *testing.T) {
	needEmulator(t)
	t.Parallel()
	storetest.Run(t, open)
}

// Two transactions that have both read a row cannot both write it: one of the
// closures runs again.
func TestConflictRunsAgain(t *testing.T) {
	needEmulator(t)
	t.Parallel()
	d := open(t)
	key := store.Key{Kind: "rows", ID: "a"}
	body := func(n int) []byte { return []byte(`{"n":"` + strings.Repeat("x", n) + `"}`) }
	if err := d.Update(t.Context(), func(tx store.Txn) error {
		return tx.Put(store.Document{Key: key, Body: body(0)})
	}); err != nil {
		t.Fatal(err)
	}
	var both, done sync.WaitGroup
	both.Add(2)
	runs := make([]int, 2)
	for i := range runs {
		done.Go(func() {
			if err := d.Update(t.Context(), func(tx store.Txn) error {
				runs[i]++
				doc, err := tx.Get(key)
				if runs[i] == 1 {
					both.Done()
					both.Wait()
				}
				if err != nil {
					return err
				}
				return tx.Put(store.Document{Key: key, Body: body(len(doc.Body) - len(body(0)) + 1)})
			}); err != nil {
				t.Errorf("Update: %v", err)
			}
		})
	}
	done.Wait()
	if got := runs[0] + runs[1]; got < 3 {
		t.Errorf("the closures ran %d times in all, want at least 3", got)
	}
	doc, err := d.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if string(doc.Body) != string(body(2)) {
		t.Errorf("the row is %s, want both increments: %s", doc.Body, body(2))
	}
}

func TestCloseUnused(t *testing.T) {
	t.Parallel()
	s := firestore.New("unused", "")
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
	_, err := s.Get(context.Background(), store.Key{Kind: "rows", ID: "a"})
	if fault.ReasonOf(err) != "store-closed" {
		t.Errorf("Get after Close: %v, want reason store-closed", err)
	}
}
