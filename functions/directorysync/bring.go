package directorysync

import (
	"context"
	"errors"
	"slices"

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

// bring does at Google what is left of a part.
func (s *slice) bring(ctx context.Context, part *directory.Part) error {
	inRow := 0
	for try := 1; try <= tries; try++ {
		for at := range part.Items {
			if part.Items[at].Outcome != "" {
				continue
			}
			if s.over() {
				return errHandOn
			}
			again, err := s.bringOne(ctx, part, at, try == tries)
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
	}
	return nil
}

// bringOne does one person's steps, and stores the outcome. again says of an error
// that another try may do.
func (s *slice) bringOne(ctx context.Context, part *directory.Part, at int, last bool) (again bool, err error) {
	it := part.Items[at]
	row, err := s.DB.Person(ctx, it.Key)
	if fault.Redeliver(err) {
		return false, err
	}
	withheld := ""
	allowed := func(a directory.Action) bool {
		reason := s.forbids(it, a)
		if reason != "" {
			withheld = reason
		}
		return reason == ""
	}
	save := func(p person.Person) error {
		if err := s.save(ctx, p); err != nil {
			return unsaved{err}
		}
		return nil
	}
	next, steps, failure := row, []directory.Step(nil), err
	if err == nil {
		next, steps, failure = s.Accounts.Bring(ctx, s.config, row, allowed, save)
	}
	if u := (unsaved{}); errors.As(failure, &u) || fault.ReasonOf(failure) == reasonFenced {
		return false, failure
	}
	retry := fault.Redeliver(failure) && !last && fault.ReasonOf(failure) != google.ReasonNotReady
	items := slices.Clone(part.Items)
	err = s.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		b := batch{slice: s, run: r, items: slices.Clone(part.Items)}
		b.did(steps)
		b.trail(next, steps)
		for _, word := range directory.AccountProblems(next) {
			if !retry && !slices.Contains(row.Problems, word) {
				r.Note(directory.Problem{ID: it.ID, Name: it.Name, Reason: word})
			}
		}
		switch {
		case retry:
		case failure != nil:
			b.failed(at, reasonOf(failure))
		case withheld != "":
			b.items[at].Outcome, b.items[at].Reason = directory.Kept, withheld
			r.Counts.Withheld++
			r.Counts.Kept++
		default:
			b.outcome(&b.items[at], row, steps)
		}
		items = b.items
		return b.write(tx, *part)
	})
	if err != nil {
		return false, err
	}
	part.Items = items
	if retry {
		return true, failure
	}
	return false, nil
}

// save stores what is known of the Google account. What else the row says may have
// changed meanwhile.
func (s *slice) save(ctx context.Context, p person.Person) error {
	return s.guarded(ctx, func(tx *record.Tx, _ *directory.State) (bool, error) {
		row, err := tx.Person(p.Key)
		if err != nil {
			return false, err
		}
		row.Google, row.GoogleAt, row.UpdatedAt = p.Google, p.GoogleAt, p.UpdatedAt
		row.Problems = p.Problems
		return false, tx.PutPerson(row)
	})
}
