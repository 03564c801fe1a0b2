package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Google tells what happened on devices.
type Google interface {
	PullNotifications(ctx context.Context) (play.Notifications, error)
	Acknowledge(ctx context.Context, setID string) error
}

// Sweeper finishes what was left half done. It may be used concurrently, also by
// several processes: each step is one that may be done twice.
type Sweeper struct {
	DB       *record.DB
	Accounts *account.Provisioner
	Verifier *enterprise.Verifier
	Settler  *access.Settler
	Google   Google
	Bus      event.Publisher
	Now      func() time.Time
	Log      *slog.Logger
}

const (
	actor = "system:reconcile"
	// batch rows are read at once, and no more than maxBatches batches a run, so
	// that one run ends well within a function's time.
	batch, maxBatches = 100, 20
	workers           = 8
	// verifyEvery is how often a bound enterprise is looked up again.
	verifyEvery = 24 * time.Hour
)

// Summary is what one run did.
type Summary struct {
	Finished, Postponed, Expired, Confirmed, Verified int
	// Settled people have the access that their rows ask for; Unsettled ones were
	// taken up in vain.
	Settled, Unsettled int
	// Revoked places on accounts were dropped after every device was signed out once
	// more; see access.Settler.Again.
	Revoked int
	// Replanned enterprises have their passwords brought in line with the policy once
	// more; see replan.
	Replanned int
	// Dropped records had expired, where the store does not drop them by itself.
	Dropped int
}

// Handle runs once for one event of the schedule.
func (s *Sweeper) Handle(ctx context.Context, _ event.Event) error {
	sum, err := s.Run(ctx)
	s.Log.LogAttrs(ctx, slog.LevelInfo, "reconciled",
		slog.Int("finished", sum.Finished), slog.Int("postponed", sum.Postponed),
		slog.Int("expired", sum.Expired), slog.Int("confirmed", sum.Confirmed),
		slog.Int("verified", sum.Verified), slog.Int("settled", sum.Settled),
		slog.Int("unsettled", sum.Unsettled), slog.Int("revoked", sum.Revoked),
		slog.Int("replanned", sum.Replanned), slog.Int("dropped", sum.Dropped), slog.Bool("failed", err != nil))
	return err
}

// Run does everything that is due now. One part's failure does not stop the
// others, nor one account's or person's the others of its kind; only a failure of the store, or
// of Google as a whole, is returned.
func (s *Sweeper) Run(ctx context.Context) (Summary, error) {
	var sum Summary
	// Not in the return statement: Go leaves open whether it reads sum before.
	err := errors.Join(s.notifications(ctx, &sum), s.due(ctx, &sum), s.people(ctx, &sum), s.enterprises(ctx, &sum), s.expired(ctx, &sum))
	return sum, err
}

// expired drops records whose time is over.
func (s *Sweeper) expired(ctx context.Context, sum *Summary) error {
	for range maxBatches {
		n, err := s.DB.Sweep(ctx, s.Now(), batch)
		sum.Dropped += n
		if err != nil || n < batch {
			return err
		}
	}
	return nil
}

// due takes up accounts that are unfinished, tokens that nobody answered for, and
// devices that are to be signed out once more.
func (s *Sweeper) due(ctx context.Context, sum *Summary) error {
	for range maxBatches {
		rows, damaged, err := s.DB.AccountsDue(ctx, s.Now(), batch)
		s.damaged(ctx, "accounts", damaged)
		if err != nil || len(rows) == 0 {
			return err
		}
		results := make([]Summary, len(rows))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for i, row := range rows {
			g.Go(func() error { return s.settle(gctx, row, &results[i]) })
		}
		err = g.Wait()
		for _, r := range results {
			sum.Finished += r.Finished
			sum.Postponed += r.Postponed
			sum.Expired += r.Expired
			sum.Revoked += r.Revoked
		}
		if err != nil || len(rows)+damaged < batch {
			return err
		}
	}
	return nil
}

// damaged tells the operator of records that nothing can be done with.
func (s *Sweeper) damaged(ctx context.Context, what string, count int) {
	if count > 0 {
		s.Log.LogAttrs(ctx, slog.LevelError, what+" cannot be read; restore them from a backup", slog.Int("count", count))
	}
}

func (s *Sweeper) settle(ctx context.Context, row account.Account, sum *Summary) error {
	var did bool
	var err error
	switch row.State {
	case account.Creating, account.Deleting, account.Deleted:
		if did, err = s.Accounts.Resume(ctx, row.ID, actor); did && err == nil {
			sum.Finished++
		}
	default:
		if did, err = s.expire(ctx, row.ID); err != nil {
			return err
		}
		if did {
			sum.Expired++
		}
		sum.Revoked, err = s.Settler.Again(ctx, row.ID, actor)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	sum.Postponed++
	return s.postpone(ctx, row, err)
}

// expire marks the tokens whose deadline has passed (invariant T4), and reports
// whether there were any.
func (s *Sweeper) expire(ctx context.Context, id string) (any bool, err error) {
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		any = false
		now := s.Now()
		row, err := tx.Account(id)
		if err != nil {
			return err
		}
		var notes []audit.Record
		for i, b := range row.Bindings {
			if due := b.Tokens.Due(); !due.IsZero() && !now.Before(due) {
				row.Bindings[i].Tokens = b.Tokens.Expire(now)
				notes = append(notes, s.note(row, now, "token.expire", "device:"+b.DeviceID))
			}
		}
		if any = len(notes) > 0; !any {
			return nil
		}
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		for _, n := range notes {
			if err := tx.Audit(n); err != nil {
				return err
			}
		}
		return nil
	})
	return any, err
}

func (s *Sweeper) postpone(ctx context.Context, failed account.Account, cause error) error {
	reason := fault.ReasonOf(cause)
	if reason == "" {
		reason = fault.KindOf(cause).String()
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, "account postponed", slog.String("account", failed.ID),
		slog.String("state", string(failed.State)), slog.String("reason", reason))
	return s.DB.Update(ctx, func(tx *record.Tx) error {
		row, err := tx.Account(failed.ID)
		if err != nil || row.State == account.Active || row.State == account.Deleted {
			return err
		}
		row.Postpone(s.Now(), reason)
		return tx.PutAccount(row)
	})
}

func (s *Sweeper) note(row account.Account, now time.Time, action, detail string) audit.Record {
	return audit.Record{Enterprise: row.Enterprise, At: now, Actor: actor, Action: action,
		Target: "account:" + row.ID, Result: audit.OK, Detail: detail}
}

// enterprises asks Google for those that it was not asked for yet, or not lately, and
// sees to the password policy of each.
func (s *Sweeper) enterprises(ctx context.Context, sum *Summary) error {
	var page record.Page
	for {
		all, damaged, next, err := s.DB.EveryEnterprise(ctx, page)
		if err != nil {
			return err
		}
		s.damaged(ctx, "enterprises", damaged)
		for _, e := range all {
			if err := s.replan(ctx, e.ID, sum); err != nil {
				return err
			}
			if e.State != enterprise.Pending && s.Now().Sub(e.CheckedAt) < verifyEvery {
				continue
			}
			if err := s.Verifier.Verify(ctx, e, actor); err != nil {
				s.Log.LogAttrs(ctx, slog.LevelWarn, "enterprise not verified",
					slog.String("enterprise", e.ID), slog.String("reason", fault.ReasonOf(err)))
				continue
			}
			sum.Verified++
		}
		if next == "" {
			return nil
		}
		page.Next = next
	}
}
