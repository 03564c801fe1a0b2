package directorysync

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// beatEvery is how often a slice shows that it lives.
const beatEvery = 20 * time.Second

// slice is one process's turn at a run.
type slice struct {
	*Engine
	config directory.Config
	// run is as last stored. state is as the slice found it, but for the fence.
	run   directory.Run
	state directory.State
	beat  time.Time
	until time.Time

	// What is kept of the sources; see manifest and gathered.
	before, after map[directory.Source]directory.Manifest
	found         map[directory.Source]*gathered
	// deleted are the Google accounts that Google lists as deleted, nil before it
	// was asked.
	deleted map[[16]byte]bool
}

// errHandOn ends a slice whose time is over.
var errHandOn = errors.New("the slice is over")

// over reports whether another slice is to go on.
func (s *slice) over() bool { return !s.Now().Before(s.until) }

// guarded runs fn in a transaction that fails once another process has the run. fn
// may change the state's row, which is stored if it says so, and reads before it
// writes.
func (s *slice) guarded(ctx context.Context, fn func(*record.Tx, *directory.State) (store bool, err error)) error {
	var beat time.Time
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		beat = s.beat
		st, err := tx.DirectoryState(s.run.Enterprise)
		if err != nil {
			return err
		}
		if st.Fence != s.state.Fence {
			return fault.New(fault.Conflict, reasonFenced, "another process has the directory run")
		}
		now := s.Now()
		if st.Run == s.run.ID && now.Sub(beat) >= beatEvery {
			beat, st.Beat = now, now
		}
		store, err := fn(tx, &st)
		if err != nil {
			return err
		}
		if store || !beat.Equal(s.beat) {
			return tx.PutDirectoryState(st)
		}
		return nil
	})
	if err == nil {
		s.beat = beat
	}
	return err
}

// checkpoint is guarded, and stores what change makes of the run.
func (s *slice) checkpoint(ctx context.Context, change func(*record.Tx, *directory.Run) error) error {
	var next directory.Run
	err := s.guarded(ctx, func(tx *record.Tx, _ *directory.State) (bool, error) {
		next = cloneRun(s.run)
		if err := change(tx, &next); err != nil {
			return false, err
		}
		return false, tx.PutRun(next)
	})
	if err == nil {
		s.run = next
	}
	return err
}

// enter begins a phase.
func (s *slice) enter(ctx context.Context, p directory.Phase) error {
	return s.checkpoint(ctx, func(_ *record.Tx, r *directory.Run) error {
		r.Phase = p
		return nil
	})
}

// pulse shows that the slice lives, where nothing else was stored for a while.
func (s *slice) pulse(ctx context.Context) error {
	if s.Now().Sub(s.beat) < beatEvery {
		return nil
	}
	return s.guarded(ctx, func(*record.Tx, *directory.State) (bool, error) { return false, nil })
}

// cloneRun returns a copy that shares nothing which is changed in place.
func cloneRun(r directory.Run) directory.Run {
	r.Pages = maps.Clone(r.Pages)
	r.Counts.Planned, r.Counts.Done = maps.Clone(r.Counts.Planned), maps.Clone(r.Counts.Done)
	r.Problems, r.Breaches = slices.Clone(r.Problems), slices.Clone(r.Breaches)
	return r
}

// work takes the run on until it ends, waits for an admin, or the slice is over.
func (s *slice) work(ctx context.Context) error {
	err := s.phases(ctx)
	if err == nil {
		return nil
	}
	// What follows is to be stored although the function's time is up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	switch {
	case errors.Is(err, errHandOn):
		if err := s.rest(ctx, ""); err != nil {
			return err
		}
		return s.publish(ctx, directory.Command{Enterprise: s.run.Enterprise, Op: directory.Continue, Run: s.run.ID})
	case fault.ReasonOf(err) == reasonFenced:
		return err
	case fault.Redeliver(err) && !hopeless(err) && s.Now().Sub(s.begun()) < longest:
		// Whoever takes the run up waits for the lease where this is not stored.
		_ = s.rest(ctx, reasonOf(err))
		return err
	}
	return s.fail(ctx, reasonOf(err), adviceFor(err))
}

// begun is when the run was started or let through.
func (s *slice) begun() time.Time {
	if d := s.run.Decision; d != nil {
		return d.At
	}
	return s.run.StartedAt
}

// rest lets go of the run. With a reason it waits for something.
func (s *slice) rest(ctx context.Context, reason string) error {
	return s.guarded(ctx, func(tx *record.Tx, st *directory.State) (bool, error) {
		st.Beat = time.Time{}
		if reason == "" {
			return true, nil
		}
		r := cloneRun(s.run)
		r.Reason, r.Advice = reason, adviceOf(reason)
		return true, tx.PutRun(r)
	})
}

func (s *slice) phases(ctx context.Context) error {
	if s.config.Enterprise == "" {
		return s.fail(ctx, reasonRemoved, adviceOf(reasonRemoved))
	}
	if s.run.Revision != s.config.Revision {
		return s.fail(ctx, reasonChanged, adviceOf(reasonChanged))
	}
	if s.run.Phase == directory.Collecting && s.run.Slices > inVain && s.Now().Sub(s.begun()) >= longest {
		return s.fail(ctx, reasonEndless, adviceOf(reasonEndless))
	}
	for {
		var err error
		switch s.run.Phase {
		case directory.Planned:
			err = s.enter(ctx, directory.Collecting)
		case directory.Collecting:
			err = s.collect(ctx)
		case directory.Comparing:
			err = s.compare(ctx)
		case directory.Confirming:
			err = s.confirm(ctx)
		case directory.Applying:
			err = s.apply(ctx)
		case directory.Finishing:
			err = s.finish(ctx)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fail ends the run for a reason; what it applied stays.
func (s *slice) fail(ctx context.Context, reason, advice string) error {
	return s.end(ctx, directory.Failed, func(r *directory.Run, st *directory.State) {
		r.Reason, r.Advice = reason, advice
	})
}

// end ends the run.
func (s *slice) end(ctx context.Context, p directory.Phase, change func(*directory.Run, *directory.State)) error {
	var next directory.Run
	err := s.guarded(ctx, func(tx *record.Tx, st *directory.State) (bool, error) {
		now := s.Now()
		next = cloneRun(s.run)
		next.Phase, next.EndedAt = p, now
		st.Run, st.Beat = "", time.Time{}
		if next.Kind == directory.Sync {
			st.LastTried = now
		}
		change(&next, st)
		if err := tx.PutRun(next); err != nil {
			return false, err
		}
		return true, s.auditEnd(tx, next, now)
	})
	if err == nil {
		s.run = next
		s.logEnd(ctx, next)
	}
	return err
}

// auditEnd records runs that somebody asked for, that did something, or that
// failed.
func (s *slice) auditEnd(tx *record.Tx, r directory.Run, now time.Time) error {
	if r.Phase == directory.Done && r.RequestedBy == actor && len(r.Counts.Done) == 0 {
		return nil
	}
	result := audit.OK
	if r.Phase != directory.Done {
		result = r.Reason
	}
	return tx.Audit(s.note(r, now, s.who(), "directory.done", result, countsText(r.Counts)))
}

// who acts: the admin who let the run through, else the function.
func (s *slice) who() string {
	if d := s.run.Decision; d != nil {
		return d.By
	}
	return actor
}

func (s *Engine) note(r directory.Run, now time.Time, who, action, result, detail string) audit.Record {
	return audit.Record{Enterprise: r.Enterprise, At: now, Actor: who, Action: action, Target: "run:" + r.ID,
		Result: result, Detail: detail}
}

func (s *Engine) logEnd(ctx context.Context, r directory.Run) {
	c := r.Counts
	s.Log.LogAttrs(ctx, slog.LevelInfo, "directory run ended",
		slog.String("enterprise", r.Enterprise), slog.String("run", r.ID), slog.String("kind", string(r.Kind)),
		slog.String("phase", string(r.Phase)), slog.String("reason", r.Reason), slog.Int("listed", c.Listed),
		slog.Int("before", c.Before), slog.Int("googleListed", c.GoogleListed), slog.Int("absent", c.Absent),
		slog.Any("planned", c.Planned), slog.Any("done", c.Done), slog.Int("failed", c.Failed),
		slog.Int("withheld", c.Withheld), slog.Int("problems", c.Problems), slog.Int("slices", r.Slices))
}
