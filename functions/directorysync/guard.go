package directorysync

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// judge ends the planning: what is not believed waits for an admin with its plan
// kept (invariant D5). A dry run ends there, as a run would for the time being.
func (s *slice) judge(ctx context.Context, figures func(*directory.Counts) error) error {
	next := cloneRun(s.run)
	if err := figures(&next.Counts); err != nil {
		return err
	}
	next.Breaches = s.config.Guard.Judge(next)
	switch {
	case len(next.Breaches) == 0 && next.Parts == 0:
		next.Phase = directory.Finishing
	case len(next.Breaches) == 0:
		next.Phase = directory.Confirming
	case next.Kind == directory.Sync:
		next.Phase = directory.Quarantined
		next.Reason, next.Advice = next.Breaches[0].Reason, adviceOf(next.Breaches[0].Reason)
	}
	if next.Kind == directory.DryRun && next.Phase != directory.Confirming {
		return s.end(ctx, directory.Done, func(r *directory.Run, _ *directory.State) {
			r.Counts, r.Breaches = next.Counts, next.Breaches
		})
	}
	err := s.guarded(ctx, func(tx *record.Tx, st *directory.State) (bool, error) {
		waits := next.Phase == directory.Quarantined
		if waits {
			st.Beat = time.Time{}
			if err := tx.Audit(s.note(next, s.Now(), actor, "directory.quarantine", next.Reason, countsText(next.Counts))); err != nil {
				return false, err
			}
		}
		return waits, tx.PutRun(next)
	})
	if err != nil {
		return err
	}
	if s.run = next; next.Phase == directory.Quarantined {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "directory run quarantined",
			slog.String("enterprise", next.Enterprise), slog.String("run", next.ID), slog.String("reason", next.Reason),
			slog.Int("listed", next.Counts.Listed), slog.Int("before", next.Counts.Before),
			slog.Int("withdraws", next.Counts.Withdraws), slog.Int("deletes", next.Counts.Deletes))
	}
	return nil
}
