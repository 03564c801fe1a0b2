package directorysync

import (
	"context"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// tallying counts the committed writes of each kind of document.
type tallying struct {
	store.Driver
	mu     sync.Mutex
	writes map[store.Kind]int
}

func (d *tallying) Update(ctx context.Context, fn func(store.Txn) error) error {
	var kinds []store.Kind
	err := d.Driver.Update(ctx, func(txn store.Txn) error {
		kinds = nil
		return fn(tallyingTxn{txn, &kinds})
	})
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, k := range kinds {
			d.writes[k]++
		}
	}
	return err
}

type tallyingTxn struct {
	store.Txn
	kinds *[]store.Kind
}

func (t tallyingTxn) Put(doc store.Document) error {
	*t.kinds = append(*t.kinds, doc.Key.Kind)
	return t.Txn.Put(doc)
}

// TestReadWrite_C7_NoRowIsHot: Google lets some ten accounts a second be made, and
// Firestore takes about one write a second of one row.
func TestReadWrite_C7_NoRowIsHot(t *testing.T) {
	t.Parallel()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	d := &tallying{Driver: file, writes: map[store.Kind]int{}}
	s := newSite(t, directory.ReadWrite, options{driver: d, plain: true})
	s.writes()
	const people = 90
	s.employ(0, people)
	began := s.clock.Now()
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Counts.Done[directory.CreateAccount] != people {
		t.Fatalf("done %v", r.Counts.Done)
	}
	seconds := int(s.clock.Now().Sub(began).Seconds())
	// A dozen belongs to the phases, whatever the number of people.
	for _, k := range []store.Kind{record.DirectoryRuns, record.DirectoryPlans, record.DirectoryStates} {
		if n := d.writes[k]; n > seconds+12 {
			t.Errorf("%d writes of a row of %s in %d s", n, k, seconds)
		}
	}
	if d.writes[record.People] < 2*people {
		t.Errorf("%d writes of people: the count does not work", d.writes[record.People])
	}
}
