package directorysync

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Reasons of outcomes.
const (
	reasonUnconfirmed   = "unconfirmed"
	reasonAdditionsOnly = "additions-only"
	reasonNotPlanned    = "not-planned"
	reasonNewer         = "newer-known"
)

// apply carries the plan out, part by part.
func (s *slice) apply(ctx context.Context) error {
	for s.run.Applied < s.run.Parts {
		if s.over() {
			return errHandOn
		}
		if err := s.applyPart(ctx, s.run.Applied); err != nil {
			return err
		}
	}
	return s.enter(ctx, directory.Finishing)
}

func (s *slice) applyPart(ctx context.Context, n int) error {
	part, err := s.DB.Part(ctx, s.run.ID, n)
	if err != nil {
		return err
	}
	var open []int
	for i, it := range part.Items {
		if it.Outcome == "" {
			open = append(open, i)
		}
	}
	if err := s.applyRows(ctx, &part, open); err != nil {
		return err
	}
	if s.run.Applied > n {
		return nil
	}
	return s.bring(ctx, &part)
}

// applyRows brings the rows of the open items in line in one transaction. One that
// cannot be stored stops only its own item: they are then tried in halves.
func (s *slice) applyRows(ctx context.Context, part *directory.Part, open []int) error {
	var b batch
	err := s.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		b = batch{slice: s, run: r, items: slices.Clone(part.Items)}
		for _, at := range open {
			if err := b.decide(tx, at); err != nil {
				return err
			}
		}
		return b.write(tx, *part)
	})
	switch {
	case err == nil:
		part.Items = b.items
		// A lost event is made up for by reconcile.
		_ = s.settle(ctx, s.config, b.unsettled, s.who())
		return nil
	case fault.Redeliver(err) || fault.ReasonOf(err) == reasonFenced || len(open) == 0:
		return err
	case len(open) > 1:
		if err := s.applyRows(ctx, part, open[:len(open)/2]); err != nil {
			return err
		}
		return s.applyRows(ctx, part, open[len(open)/2:])
	}
	reason := reasonOf(err)
	return s.checkpoint(ctx, func(tx *record.Tx, r *directory.Run) error {
		b = batch{slice: s, run: r, items: slices.Clone(part.Items)}
		b.failed(open[0], reason)
		part.Items = b.items
		return b.write(tx, *part)
	})
}

// batch is one transaction's work on the items of a part.
type batch struct {
	*slice
	run       *directory.Run
	items     []directory.Item
	people    []person.Person
	passwords []password.Ledger
	records   []audit.Record
	unsettled []string
}

// decide reads a person's row and decides on it anew: the plan may be old.
func (b *batch) decide(tx *record.Tx, at int) error {
	it := &b.items[at]
	row, err := tx.Person(it.Key)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		row = person.Person{}
	case err != nil && fault.Redeliver(err):
		return err
	case err != nil:
		b.failed(at, reasonOf(err))
		return nil
	}
	next, steps, there := b.consider(row, *it)
	for _, st := range steps {
		if reason := b.forbids(*it, st.Action); reason != "" {
			it.Outcome, it.Reason = directory.Kept, reason
			b.run.Counts.Withheld++
			b.run.Counts.Kept++
			return nil
		}
	}
	if next.Key != "" && (len(steps) > 0 || !slices.Equal(row.Problems, next.Problems)) {
		if err := b.reoffer(tx, row, next); err != nil {
			return err
		}
		b.people = append(b.people, next)
		if next.Settled != next.State.Access() {
			b.unsettled = append(b.unsettled, next.Key)
		}
		b.did(steps)
		b.trail(next, steps)
	}
	if len(there) > 0 {
		return nil // the outcome is told when that is done
	}
	b.outcome(it, row, steps)
	return nil
}

// forbids returns why an action that takes something is not to be done, or "".
func (s *slice) forbids(it directory.Item, a directory.Action) string {
	switch {
	case !a.Withdraws():
		return ""
	case s.additionsOnly():
		return reasonAdditionsOnly
	case !slices.ContainsFunc(it.Steps, func(st directory.Step) bool { return st.Action == a }):
		return reasonNotPlanned
	}
	return ""
}

// atGoogle reports whether a step is Rollcall's own at Google, after which more is
// known than what was found.
func atGoogle(st directory.Step) bool { return st.Action.AtGoogle() }

func (b *batch) outcome(it *directory.Item, row person.Person, steps []directory.Step) {
	f := it.Facts
	switch {
	case len(steps) == 0 && overtaken(row, f) && !slices.ContainsFunc(it.Steps, atGoogle):
		it.Outcome, it.Reason = directory.Overtaken, reasonNewer
	case unsure(f.EntryGone) || unsure(f.GoogleGone):
		it.Outcome, it.Reason = directory.Kept, reasonUnconfirmed
	default:
		it.Outcome = directory.Applied
		return
	}
	b.run.Counts.Kept++
}

func unsure(f directory.Finding) bool { return f != directory.Listed && !f.Confirmed() }

func (b *batch) failed(at int, reason string) {
	it := &b.items[at]
	it.Outcome, it.Reason = directory.Unsuccessful, reason
	b.run.Counts.Failed++
	b.run.Note(directory.Problem{ID: it.ID, Name: it.Name, Reason: reason})
}

func (b *batch) did(steps []directory.Step) {
	for _, st := range steps {
		if b.run.Counts.Done == nil {
			b.run.Counts.Done = map[directory.Action]int{}
		}
		b.run.Counts.Done[st.Action]++
	}
}

// trail records what an auditor asks about: who lost their access and who got it
// back, and what Rollcall did to whose account at Google but to mend names and
// units.
func (b *batch) trail(p person.Person, steps []directory.Step) {
	for _, st := range steps {
		on := ""
		switch st.Action {
		case directory.Leave, directory.Disable, directory.Enable, directory.Return:
			on = "person."
		case directory.CreateAccount, directory.RestoreAccount, directory.RenameAccount, directory.OpenAccount,
			directory.CloseAccount, directory.DeleteAccount, directory.SendHash:
			on = "google."
		default:
			continue
		}
		b.records = append(b.records, audit.Record{Enterprise: p.Enterprise, At: b.Now(), Actor: b.who(),
			Action: on + string(st.Action), Target: "person:" + p.Key, Result: audit.OK, Detail: "run:" + b.run.ID})
	}
}

// write stores everything. The part is through when each of its items is.
func (b *batch) write(tx *record.Tx, part directory.Part) error {
	for _, p := range b.people {
		if err := tx.PutPerson(p); err != nil {
			return err
		}
	}
	for _, l := range b.passwords {
		if err := tx.PutPassword(l); err != nil {
			return err
		}
	}
	for _, r := range b.records {
		if err := tx.Audit(r); err != nil {
			return err
		}
	}
	through := !slices.ContainsFunc(b.items, func(it directory.Item) bool { return it.Outcome == "" })
	if through {
		b.run.Applied = part.Number + 1
	}
	part.Items = b.items
	return tx.PutPart(part)
}
