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

// tallying counts the committed writes of each kind of document, and the reads of
// single ones within transactions.
type tallying struct {
	store.Driver
	mu            sync.Mutex
	writes, reads map[store.Kind]int
}

func newTallying(t *testing.T) *tallying {
	t.Helper()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return &tallying{Driver: file, writes: map[store.Kind]int{}, reads: map[store.Kind]int{}}
}

func (d *tallying) Update(ctx context.Context, fn func(store.Txn) error) error {
	var written, read []store.Kind
	err := d.Driver.Update(ctx, func(txn store.Txn) error {
		written, read = nil, nil
		return fn(tallyingTxn{txn, &written, &read})
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range read {
		d.reads[k]++
	}
	if err != nil {
		return err
	}
	for _, k := range written {
		d.writes[k]++
	}
	return nil
}

type tallyingTxn struct {
	store.Txn
	written, read *[]store.Kind
}

func (t tallyingTxn) Put(doc store.Document) error {
	*t.written = append(*t.written, doc.Key.Kind)
	return t.Txn.Put(doc)
}

func (t tallyingTxn) Get(key store.Key) (store.Document, error) {
	*t.read = append(*t.read, key.Kind)
	return t.Txn.Get(key)
}

// TestReadWrite_C7_NoRowIsHot: Google lets some ten accounts a second be made, and
// Firestore takes about one write a second of one row.
func TestReadWrite_C7_NoRowIsHot(t *testing.T) {
	t.Parallel()
	d := newTallying(t)
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
