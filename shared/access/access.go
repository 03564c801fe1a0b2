// Package access brings what people have in line with what their rows allow
// (invariant D10): a person who is away loses the accounts on every device and the
// access at Google, and in the end the accounts; a person who is back gets them
// again.
//
// The row is the truth. Work on it may be started by anybody, at any time, twice or
// at once: each of its steps is taken in a transaction that reads the row, and not
// taken where the row says something else by now.
package access

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Actor is who the audit trail names for what is done because of the directory.
const Actor = "system:directory"

// Settler settles people. It may be used concurrently, by any number of processes.
type Settler struct {
	DB       *record.DB
	Accounts *account.Provisioner
	Now      func() time.Time
	Log      *slog.Logger
}

// Result is what became of one settling.
type Result struct {
	// Settled: devices and accounts have the access that the row asks for.
	Settled bool
	// Left says why they do not. The row was postponed, so it is taken up again when
	// it is due (record.DB.PeopleDue); nil with Settled false means that there is
	// nothing to do but to wait until a token cannot be used any more.
	Left error
}

// Settle brings a person's devices and accounts to the access that the row asks
// for, and makes a leaver Gone whose grace is over. A row that is settled costs one
// read, unless again is set, which has everything looked at once more. An error
// means that the store failed, and that nothing is known of the row; a person that
// the enterprise does not have is fault.NotFound.
func (s *Settler) Settle(ctx context.Context, enterprise, key string, again bool) (Result, error) {
	left := error(fault.New(fault.Transient, "person-changing", "the person's state changes all the time; try again later"))
	for range 3 {
		p, open, err := s.begin(ctx, enterprise, key, again)
		if err != nil {
			return Result{}, err
		}
		if !open {
			return Result{Settled: true}, nil
		}
		wait, err := s.bring(ctx, p)
		if errors.Is(err, errChanged) {
			continue
		}
		if err == nil && !wait {
			if err = s.finish(ctx, p); errors.Is(err, errChanged) {
				continue
			}
			if err == nil {
				return Result{Settled: true}, nil
			}
		}
		left = err
		break
	}
	if ctx.Err() != nil { // whoever stops the work has it come back
		return Result{}, ctx.Err()
	}
	if err := s.postpone(ctx, key, left); err != nil {
		return Result{}, errors.Join(err, left)
	}
	return Result{Left: left}, nil
}

// errChanged ends work for a state that the person is not in any more.
var errChanged = errors.New("the person's state changed")

// begin returns the row, and whether there is anything to do. The row counts as not
// settled from then on: a person who returns when half of the devices have been
// withdrawn is work again.
func (s *Settler) begin(ctx context.Context, enterprise, key string, again bool) (p person.Person, open bool, err error) {
	err = s.DB.Update(ctx, func(tx *record.Tx) (err error) {
		open = false
		if p, err = tx.Person(key); err != nil {
			return err
		}
		if p.Enterprise != enterprise {
			return fault.New(fault.NotFound, "not-found", "there is no person %q in this enterprise", key)
		}
		now := s.Now()
		departs := p.Depart(now)
		if open = departs || again || p.Settled != p.State.Access(); !open || p.Settled == "" && !departs {
			return nil
		}
		p.Settled = ""
		if err := tx.PutPerson(p); err != nil || !departs {
			return err
		}
		return tx.Audit(s.note(p, "person.depart", "person:"+p.Key, audit.OK))
	})
	return p, open, err
}

// during stops the work in a transaction under way, before anything else is read,
// where the person is not in the state of p any more, or is in it again: what was
// found done then may have been undone since.
func during(tx *record.Tx, p person.Person) (person.Person, error) {
	found, err := tx.Person(p.Key)
	if err == nil && (found.State != p.State || !found.Since.Equal(p.Since)) {
		err = errChanged
	}
	return found, err
}

// finish notes that all is done.
func (s *Settler) finish(ctx context.Context, p person.Person) error {
	return s.DB.Update(ctx, func(tx *record.Tx) error {
		found, err := during(tx, p)
		if err != nil || found.Settled == p.State.Access() {
			return err
		}
		found.Settle(p.State.Access(), s.Now())
		if found.Settled != person.Granted {
			return tx.PutPerson(found)
		}
		offered, again, err := Reoffer(tx, found, s.Now())
		if err != nil {
			return err
		}
		if err := tx.PutPerson(found); err != nil || !again {
			return err
		}
		return tx.PutPassword(offered)
	})
}

// postpone leaves the row to its next turn.
func (s *Settler) postpone(ctx context.Context, key string, cause error) error {
	if cause != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "person not settled", slog.String("person", key), slog.String("reason", word(cause)))
	}
	return s.DB.Update(ctx, func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil || p.Settled == p.State.Access() {
			return err // another call was luckier
		}
		p.Postpone(s.Now())
		return tx.PutPerson(p)
	})
}

func word(err error) string {
	if r := fault.ReasonOf(err); r != "" {
		return r
	}
	return fault.KindOf(err).String()
}

func (s *Settler) note(p person.Person, action, target, result string) audit.Record {
	return audit.Record{Enterprise: p.Enterprise, At: s.Now(), Actor: Actor, Action: action, Target: target,
		Result: result, Detail: "person:" + p.Key}
}
