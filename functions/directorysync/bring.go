package directorysync

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// tries is how often a step at Google is tried in a part before the next run
	// gets it, and outage how many items in a row must fail to let the run wait.
	tries  = 2
	outage = 3
)

// unsaved is the failure of a row's storing, which is not Google's.
type unsaved struct{ error }

func (e unsaved) Unwrap() error { return e.error }

// A run's row and the part are stored after so many people, or so long: accounts are
// made up to ten a second, and Firestore takes about one write a second of one
// document. What a crash loses of them is done again and found to be done.
const (
	storeItems = 10
	storeEvery = 2 * time.Second
)

// googleWork is the work on one part at Google.
type googleWork struct {
	*slice
	part *directory.Part
	// open are outcomes that are not stored yet, since then.
	open  []func(*batch)
	since time.Time
}

// bring does at Google what is left of a part.
func (s *slice) bring(ctx context.Context, part *directory.Part) error {
	w := &googleWork{slice: s, part: part}
	err := w.all(ctx)
	if fault.ReasonOf(err) == reasonFenced {
		return err
	}
	return cmp.Or(w.flush(ctx), err)
}

func (w *googleWork) all(ctx context.Context) error {
	inRow := 0
	for try := 1; try <= tries; try++ {
		for at := range w.part.Items {
			if w.part.Items[at].Outcome != "" {
				continue
			}
			if w.over() {
				return errHandOn
			}
			again, err := w.one(ctx, at, try == tries)
			switch {
			case err == nil:
				inRow = 0
			case !again:
				return err
			default:
				if inRow++; inRow >= outage {
					return err
				}
			}
		}
		// The next try goes by the outcomes of this one.
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// one does one person's steps, and notes the outcome. again says of an error that
// another try may do.
func (w *googleWork) one(ctx context.Context, at int, last bool) (again bool, err error) {
	it := w.part.Items[at]
	row, err := w.DB.Person(ctx, it.Key)
	if fault.Redeliver(err) {
		return false, err
	}
	withheld := ""
	allowed := func(a directory.Action) bool {
		reason := w.forbids(it, a)
		if reason != "" {
			withheld = reason
		}
		return reason == ""
	}
	save := func(p person.Person) error {
		if err := w.save(ctx, p); err != nil {
			return unsaved{err}
		}
		return nil
	}
	next, steps, failure := row, []directory.Step(nil), err
	if err == nil {
		next, steps, failure = w.Accounts.Bring(ctx, w.config, row, allowed, save)
	}
	if u := (unsaved{}); errors.As(failure, &u) || fault.ReasonOf(failure) == reasonFenced {
		return false, failure
	}
	if err := w.tell(ctx, next, steps); err != nil {
		return false, err
	}
	retry := fault.Redeliver(failure) && !last && fault.ReasonOf(failure) != google.ReasonNotReady
	err = w.hold(ctx, func(b *batch) {
		b.did(steps)
		for _, word := range directory.AccountProblems(next) {
			if !retry && !slices.Contains(row.Problems, word) {
				b.run.Note(directory.Problem{ID: it.ID, Name: it.Name, Reason: word})
			}
		}
		switch {
		case retry:
		case failure != nil:
			b.failed(at, reasonOf(failure))
		case withheld != "":
			b.items[at].Outcome, b.items[at].Reason = directory.Kept, withheld
			b.run.Counts.Withheld++
			b.run.Counts.Kept++
		default:
			b.outcome(&b.items[at], row, steps)
		}
	})
	if err == nil && retry {
		return true, failure
	}
	return false, err
}

// tell records for the auditor what was done, which is not to wait.
func (w *googleWork) tell(ctx context.Context, p person.Person, steps []directory.Step) error {
	b := batch{slice: w.slice, run: &w.run}
	b.trail(p, steps)
	if len(b.records) == 0 {
		return nil
	}
	return w.guarded(ctx, func(tx *record.Tx, _ *directory.State) (bool, error) {
		for _, r := range b.records {
			if err := tx.Audit(r); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}

// hold keeps an outcome, and stores what is kept where that is enough or old.
func (w *googleWork) hold(ctx context.Context, outcome func(*batch)) error {
	if len(w.open) == 0 {
		w.since = w.Now()
	}
	w.open = append(w.open, outcome)
	if len(w.open) < storeItems && w.Now().Sub(w.since) < storeEvery {
		return nil
	}
	return w.flush(ctx)
}

// flush stores the outcomes that are kept.
func (w *googleWork) flush(ctx context.Context) error {
	if len(w.open) == 0 {
		return nil
	}
	var items []directory.Item
	err := w.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		b := batch{slice: w.slice, run: r, items: slices.Clone(w.part.Items)}
		for _, outcome := range w.open {
			outcome(&b)
		}
		items = b.items
		return b.write(tx, *w.part)
	})
	if err == nil {
		w.part.Items, w.open = items, nil
	}
	return err
}

// save stores what is known of the Google account. What else the row says may have
// changed meanwhile.
func (s *slice) save(ctx context.Context, p person.Person) error {
	return s.guarded(ctx, func(tx *record.Tx, _ *directory.State) (bool, error) {
		row, err := tx.Person(p.Key)
		if err != nil {
			return false, err
		}
		before := row
		row.Google, row.GoogleAt, row.UpdatedAt = p.Google, p.GoogleAt, p.UpdatedAt
		row.Problems = p.Problems
		return false, putPerson(tx, before, row, s.Now())
	})
}
