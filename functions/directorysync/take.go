package directorysync

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// lease is how long a process is believed to live after its last sign of life.
	lease = time.Minute
	// An hour after a run that ended badly there is another, and otherwise pause
	// after the last: two events of one schedule make one run.
	pause, pauseAfterFailure = 5 * time.Minute, time.Hour
	// A quarantined run waits for an admin so long before a schedule starts anew.
	patience = 24 * time.Hour
	// longest is how long a run is taken up again and again, and inVain how often at
	// least where it does not come to an end of reading: whoever is killed amid
	// LDAP's answer begins anew, and cannot say so.
	longest = 24 * time.Hour
	inVain  = 20

	defaultFullEvery = 24
)

// Reasons of runs that failed for no fault of a directory's.
const (
	reasonUnderWay = "run-under-way"
	reasonChanged  = "configuration-changed"
	reasonRemoved  = "configuration-removed"
	reasonEndless  = "reading-never-ends"
	reasonFenced   = "directory-fenced"
)

// take makes this process the owner of the run that the command is about, or
// returns nil where there is nothing to do.
func (s *Engine) take(ctx context.Context, cmd directory.Command, live bool) (*slice, error) {
	id := cmd.Run
	if cmd.Op == directory.Schedule {
		id = s.NewID()
	}
	var sl *slice
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		sl = nil
		sc, err := s.scene(tx, cmd, live)
		if err != nil {
			return err
		}
		v, err := sc.judge(cmd)
		switch {
		case err != nil || v == ignore:
			return err
		case v == wait:
			return fault.New(fault.Transient, reasonUnderWay, "another process has the directory run").After(lease)
		}
		if v == begin || v == refuse {
			if sc.config.Enterprise == "" {
				return fault.New(fault.NotFound, "not-found", "the enterprise %q has no directory", cmd.Enterprise)
			}
		}
		if v == refuse {
			return tx.PutRun(sc.refused(cmd))
		}
		var r directory.Run
		if v == begin {
			r, err = s.begin(tx, sc, cmd, id)
		} else {
			r, err = s.resume(tx, sc, cmd)
		}
		if err != nil {
			return err
		}
		st := sc.state
		st.Run, st.Beat, st.Fence = r.ID, sc.now, st.Fence+1
		sl = &slice{Engine: s, config: sc.config, run: r, state: st, beat: sc.now, until: sc.now.Add(s.Slice)}
		if err := tx.PutRun(r); err != nil {
			return err
		}
		return tx.PutDirectoryState(st)
	})
	if err != nil {
		return nil, err
	}
	return sl, nil
}

func (sc scene) newRun(cmd directory.Command, id string) directory.Run {
	r := directory.Run{ID: id, Enterprise: cmd.Enterprise, Kind: cmd.Kind, Phase: directory.Planned,
		RequestedBy: cmd.RequestedBy, StartedAt: sc.now, Revision: sc.config.Revision}
	if r.Kind == "" {
		r.Kind = directory.Sync
	}
	r.Full = cmd.Full || sc.fullDue()
	r.SkipGoogle = sc.live && !r.Full && sc.config.Mode.UsesGoogle() && sc.config.Mode != directory.GoogleOnly
	return r
}

func (sc scene) refused(cmd directory.Command) directory.Run {
	r := sc.newRun(cmd, cmd.Run)
	r.Phase, r.EndedAt, r.Reason, r.Advice = directory.Failed, sc.now, reasonUnderWay, adviceOf(reasonUnderWay)
	return r
}

func (s *Engine) begin(tx *record.Tx, sc scene, cmd directory.Command, id string) (directory.Run, error) {
	r := sc.newRun(cmd, id)
	r.Slices = 1
	if sc.current() {
		old := sc.cur
		old.Phase, old.EndedAt, old.Advice = directory.Superseded, sc.now, ""
		if err := tx.PutRun(old); err != nil {
			return r, err
		}
	}
	if cmd.Op != directory.Start {
		return r, nil
	}
	return r, tx.Audit(s.note(r, sc.now, cmd.RequestedBy, "directory.start", audit.OK, string(r.Kind)))
}

func (s *Engine) resume(tx *record.Tx, sc scene, cmd directory.Command) (directory.Run, error) {
	r := sc.cur
	r.Slices++
	r.Reason, r.Advice = "", ""
	if cmd.Op != directory.Approve || r.Phase != directory.Quarantined {
		return r, nil
	}
	r.Phase = directory.Confirming
	r.Decision = &directory.Decision{By: cmd.RequestedBy, At: sc.now, AdditionsOnly: cmd.AdditionsOnly}
	detail := ""
	if cmd.AdditionsOnly {
		detail = "additions only"
	}
	return r, tx.Audit(s.note(r, sc.now, cmd.RequestedBy, "directory.approve", audit.OK, detail))
}

// reject ends a quarantined run.
func (s *Engine) reject(ctx context.Context, cmd directory.Command) error {
	var ended *directory.Run
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		ended = nil
		sc, err := s.scene(tx, cmd, false)
		switch r := sc.own; {
		case err != nil:
			return err
		case r.Phase == directory.Rejected:
			return nil
		case r.ID == "" || r.ID != sc.cur.ID || r.Phase != directory.Quarantined:
			return notWaiting(cmd.Run)
		}
		r, st := sc.own, sc.state
		r.Phase, r.EndedAt, r.Advice = directory.Rejected, sc.now, ""
		r.Decision = &directory.Decision{By: cmd.RequestedBy, At: sc.now}
		st.Run, st.Beat, st.Fence, st.LastTried = "", time.Time{}, st.Fence+1, sc.now
		ended = &r
		if err := tx.PutRun(r); err != nil {
			return err
		}
		if err := tx.PutDirectoryState(st); err != nil {
			return err
		}
		return tx.Audit(s.note(r, sc.now, cmd.RequestedBy, "directory.reject", audit.OK, ""))
	})
	if err == nil && ended != nil {
		s.logEnd(ctx, *ended)
	}
	return err
}
