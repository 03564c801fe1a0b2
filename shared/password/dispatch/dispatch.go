// Package dispatch tells workers of passwords that are due, an enterprise's one
// after the other: what Google's quota has room for now is nudged, and the rest gets
// a place behind it and is not looked at before.
//
// It is for whoever makes many passwords due or finds them so: the function
// passwordsweep and renewals. A device that needs its person's password does not
// wait here; the share that dispatch leaves is for devices and directories.
package dispatch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// Share is how much of an enterprise's calls to Google is given to passwords
	// that no device waits for.
	Share = 0.8
	// Interval is how often the sweep runs, and for how long ahead workers are told.
	Interval = time.Minute
	// late is how long a place is good for: a sweep may be missed.
	late    = 2 * Interval
	workers = 8
)

// Dispatcher hands out what is due. It may be used concurrently, by any number of
// processes: a row goes to one of them, and so does a place. All fields are required.
type Dispatcher struct {
	DB  *record.DB
	Bus event.Publisher
	// Rate is how many calls a second one enterprise's passwords may make here.
	Rate float64
	Now  func() time.Time
}

// Summary is what became of rows.
type Summary struct {
	// Told were nudged, and Postponed got a place later; of neither kind were those
	// that somebody took meanwhile.
	Told, Postponed int
	// Damaged cannot be read.
	Damaged int
}

// Offer hands out the rows of one enterprise that are due: all that fit into the
// coming minute are nudged, the longest due first, and the others are postponed to
// the minutes behind it, to where nobody else was put. Rows that are not due, and
// rotations, are left alone; at most a few thousand rows may be given at once.
//
// An error is the store's or the bus's, and some rows are then as they were. A nudge
// that was not published is found by the sweep after password.TurnTime.
//
// It costs a read and a write for each row, and for all of them one of each for the
// enterprise unless all had their places before.
func (d *Dispatcher) Offer(ctx context.Context, enterprise string, rows []password.Ledger) (Summary, error) {
	now := d.Now().UTC()
	var kept, fresh []password.Ledger
	for _, l := range rows {
		switch {
		case l.HandOut(now, now.Add(1)) == l:
		case l.HasTurn(now, late):
			kept = append(kept, l)
		default:
			fresh = append(fresh, l)
		}
	}
	slices.SortStableFunc(fresh, func(a, b password.Ledger) int {
		return cmp.Or(a.Due().Compare(b.Due()), cmp.Compare(a.Person, b.Person))
	})
	gap := password.Gap(d.Rate)
	first, err := d.places(ctx, enterprise, now, len(fresh))
	if err != nil {
		return Summary{}, err
	}
	var sum tally
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, l := range kept {
		g.Go(func() error { return d.tell(gctx, l, now, &sum) })
	}
	for i, l := range fresh {
		place := first.Add(time.Duration(i) * gap)
		if place.Sub(now) < Interval {
			g.Go(func() error { return d.tell(gctx, l, now, &sum) })
			continue
		}
		g.Go(func() error {
			// As soon as a sweep may tell of it, which is an interval before its place.
			until := place.Add(gap - Interval)
			changed, err := d.change(gctx, l, &sum, func(l password.Ledger) password.Ledger { return l.Postpone(now, until) })
			if changed {
				sum.add(Summary{Postponed: 1})
			}
			return err
		})
	}
	err = g.Wait()
	return sum.Summary, err
}

// tally counts concurrently.
type tally struct {
	mu sync.Mutex
	Summary
}

func (t *tally) add(s Summary) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Told += s.Told
	t.Postponed += s.Postponed
	t.Damaged += s.Damaged
}

// places takes n places for the enterprise and returns the first. Places that are
// taken and not used, as by a process that dies, stay empty.
func (d *Dispatcher) places(ctx context.Context, enterprise string, now time.Time, n int) (first time.Time, err error) {
	if n == 0 {
		return now, nil
	}
	err = d.DB.Update(ctx, func(tx *record.Tx) error {
		turns, err := tx.PasswordTurns(enterprise)
		if err != nil {
			return err
		}
		turns, first = turns.Take(now, n, d.Rate)
		return tx.PutPasswordTurns(turns)
	})
	return first, err
}

// tell notes that a worker is told before it is: of two sweeps at once one does.
func (d *Dispatcher) tell(ctx context.Context, l password.Ledger, now time.Time, sum *tally) error {
	changed, err := d.change(ctx, l, sum, func(l password.Ledger) password.Ledger {
		return l.HandOut(now, now.Add(password.TurnTime))
	})
	if err != nil || !changed {
		return err
	}
	data, err := password.Nudge{Enterprise: l.Enterprise, Person: l.Person}.Marshal()
	if err != nil {
		return err
	}
	if _, err = d.Bus.Publish(ctx, event.Password, data); err == nil {
		sum.add(Summary{Told: 1})
	}
	return err
}

// change stores what the rule makes of a row as it is now, and reports whether that
// is anything new.
func (d *Dispatcher) change(ctx context.Context, l password.Ledger, sum *tally, rule func(password.Ledger) password.Ledger) (changed bool, err error) {
	err = d.DB.Update(ctx, func(tx *record.Tx) error {
		changed = false
		found, err := tx.Password(l.Enterprise, l.Person)
		if err != nil {
			return err
		}
		next := rule(found)
		if changed = next != found; !changed {
			return nil
		}
		return tx.PutPassword(next)
	})
	if fault.KindOf(err) == fault.Permanent {
		sum.add(Summary{Damaged: 1})
		return false, nil // one row must not stop the others
	}
	return changed && err == nil, err
}
