package passwordsweep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Rotator replaces a password whose time has come; see push.Pusher.
type Rotator interface {
	Rotate(ctx context.Context, enterprise, person string) (password.Ledger, error)
}

// Sweeper takes up what is due. It may be used concurrently, also by several
// processes. All fields are required.
type Sweeper struct {
	DB        *record.DB
	Passwords Rotator
	Dispatch  *dispatch.Dispatcher
	Now       func() time.Time
	Log       *slog.Logger
}

const (
	// batch rows of a shard are read at once.
	batch = 128
	// A run ends when it took up maxRows, or began maxTime ago, and leaves the rest
	// to the next; it then ends well within a function's time.
	maxRows = 20_000
	maxTime = 50 * time.Second
	// enterprises are served side by side, and so are rotations.
	enterprises, rotations = 4, 8
	// mended is when a rotation is tried again that failed for good.
	mended = time.Hour
)

// Summary is what one run did.
type Summary struct {
	// Due rows were read. Told of them went to workers, Postponed got a place later,
	// and Rotated were replaced or called off.
	Due, Told, Postponed, Rotated int
	// Failed rotations are tried again later.
	Failed int
	// Damaged rows cannot be read.
	Damaged int
	// Left says that the run ended before all that is due was read.
	Left bool
}

func (s *Summary) add(o Summary) {
	s.Due += o.Due
	s.Told += o.Told
	s.Postponed += o.Postponed
	s.Rotated += o.Rotated
	s.Failed += o.Failed
	s.Damaged += o.Damaged
}

// Handle runs once for one event of the schedule.
func (s *Sweeper) Handle(ctx context.Context, _ event.Event) error {
	sum, err := s.Run(ctx)
	s.Log.LogAttrs(ctx, slog.LevelInfo, "passwords swept",
		slog.Int("due", sum.Due), slog.Int("told", sum.Told), slog.Int("postponed", sum.Postponed),
		slog.Int("rotated", sum.Rotated), slog.Int("unrotated", sum.Failed), slog.Int("damaged", sum.Damaged),
		slog.Bool("left", sum.Left), slog.Bool("failed", err != nil))
	return err
}

// Run takes up what is due now, the longest due first. It reads password.DueShards
// answers and beyond them what is due alone. One row's or enterprise's failure does
// not stop the others; only a failure of the store, or of the bus, is returned, and
// what it left is due for the next run.
func (s *Sweeper) Run(ctx context.Context) (sum Summary, err error) {
	began := s.Now().UTC()
	defer func() {
		if sum.Damaged > 0 {
			s.Log.LogAttrs(ctx, slog.LevelError, "passwords cannot be read; restore them from a backup", slog.Int("count", sum.Damaged))
		}
	}()
	left := make([]*record.Page, password.DueShards)
	for i := range left {
		left[i] = &record.Page{Limit: batch}
	}
	for {
		rows, damaged, more, err := s.read(ctx, began, left)
		sum.Damaged += damaged
		sum.Due += len(rows)
		if err != nil {
			return sum, err
		}
		done, err := s.take(ctx, rows)
		sum.add(done)
		if err != nil || !more {
			return sum, err
		}
		if sum.Due >= maxRows || s.Now().Sub(began) >= maxTime {
			sum.Left = true
			return sum, nil
		}
	}
}

// read returns the next page of every shard that has one, and whether any has
// another. A shard that is through is nil in left.
func (s *Sweeper) read(ctx context.Context, began time.Time, left []*record.Page) (rows []password.Ledger, damaged int, more bool, err error) {
	pages := make([][]password.Ledger, len(left))
	broken := make([]int, len(left))
	g, gctx := errgroup.WithContext(ctx)
	for shard, page := range left {
		if page == nil {
			continue
		}
		g.Go(func() (err error) {
			pages[shard], broken[shard], page.Next, err = s.DB.PasswordsDue(gctx, shard, began, *page)
			return err
		})
	}
	err = g.Wait()
	for shard, page := range left {
		if page == nil {
			continue
		}
		rows, damaged = append(rows, pages[shard]...), damaged+broken[shard]
		if page.Next == "" {
			left[shard] = nil
			continue
		}
		more = true
	}
	return rows, damaged, more, err
}

// take takes up a page: what Google is to get is handed out, enterprise by
// enterprise, and what is too old is replaced.
func (s *Sweeper) take(ctx context.Context, rows []password.Ledger) (Summary, error) {
	var t tally
	var offer errgroup.Group
	offer.SetLimit(enterprises)
	offers := map[string][]password.Ledger{}
	var old []password.Ledger
	for _, l := range rows {
		if l.State == password.Active {
			old = append(old, l)
			continue
		}
		offers[l.Enterprise] = append(offers[l.Enterprise], l)
	}
	for ent, rows := range offers {
		offer.Go(func() error {
			done, err := s.Dispatch.Offer(ctx, ent, rows)
			t.add(Summary{Told: done.Told, Postponed: done.Postponed, Damaged: done.Damaged})
			return s.bearable(ctx, ent, err)
		})
	}
	rotate, rctx := errgroup.WithContext(ctx)
	rotate.SetLimit(rotations)
	for _, l := range old {
		rotate.Go(func() error {
			done, err := s.rotate(rctx, l)
			t.add(done)
			return err
		})
	}
	return t.sum, errors.Join(rotate.Wait(), offer.Wait())
}

// rotate replaces one password. Where that fails for good it is put off: the row must
// not be read every minute until somebody mends it.
func (s *Sweeper) rotate(ctx context.Context, l password.Ledger) (Summary, error) {
	got, err := s.Passwords.Rotate(ctx, l.Enterprise, l.Person)
	if err == nil {
		if got.State == password.Active && got.RotateAt.After(l.RotateAt) {
			return Summary{Failed: 1}, nil
		}
		return Summary{Rotated: 1}, nil
	}
	if err := s.bearable(ctx, l.Enterprise, err); err != nil {
		return Summary{}, err
	}
	return Summary{Failed: 1}, s.DB.Update(ctx, func(tx *record.Tx) error {
		found, err := tx.Password(l.Enterprise, l.Person)
		if err != nil || found.State != password.Active {
			return err
		}
		now := s.Now().UTC()
		next := found.Postpone(now, now.Add(mended))
		if next == found {
			return nil
		}
		return tx.PutPassword(next)
	})
}

// tally counts concurrently.
type tally struct {
	mu  sync.Mutex
	sum Summary
}

func (t *tally) add(s Summary) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.add(s)
}

// bearable drops, with a word to the log, the failure that time does not mend: it is
// one enterprise's, and the next run would meet it again.
func (s *Sweeper) bearable(ctx context.Context, ent string, err error) error {
	if err == nil || fault.Redeliver(err) {
		return err
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, "password not taken up", slog.String("enterprise", ent), slog.String("reason", fault.ReasonOf(err)))
	return nil
}
