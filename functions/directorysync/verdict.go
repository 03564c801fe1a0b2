package directorysync

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// verdict is what becomes of a command.
type verdict int

const (
	ignore verdict = iota
	wait           // another process has the run
	resume
	begin
	refuse
)

// scene is what a command meets. cur is the run that State names, and own the one
// that the command names; the zero value is none.
type scene struct {
	config   directory.Config
	state    directory.State
	cur, own directory.Run
	live     bool
	now      time.Time
}

func (s *Engine) scene(tx *record.Tx, cmd directory.Command, live bool) (sc scene, err error) {
	sc.now, sc.live = s.Now(), live
	if sc.state, err = tx.DirectoryState(cmd.Enterprise); err != nil {
		return sc, err
	}
	if sc.config, err = tx.Directory(cmd.Enterprise); err != nil && fault.KindOf(err) != fault.NotFound {
		return sc, err
	}
	if sc.state.Run != "" {
		if sc.cur, err = tx.Run(sc.state.Run); err != nil && fault.KindOf(err) != fault.NotFound {
			return sc, err
		}
	}
	if sc.own = sc.cur; cmd.Run != sc.cur.ID {
		sc.own = directory.Run{}
		if cmd.Run != "" {
			if sc.own, err = tx.Run(cmd.Run); err != nil && fault.KindOf(err) != fault.NotFound {
				return sc, err
			}
		}
	}
	return sc, nil
}

// current reports whether there is a run that has not ended, and alive whether a
// process has it.
func (sc scene) current() bool { return sc.cur.ID != "" && !sc.cur.Phase.Ended() }
func (sc scene) alive() bool {
	return sc.current() && !sc.state.Beat.IsZero() && sc.now.Sub(sc.state.Beat) < lease
}

func (sc scene) judge(cmd directory.Command) (verdict, error) {
	switch cmd.Op {
	case directory.Schedule:
		return sc.scheduled(), nil
	case directory.Start:
		if sc.own.ID == "" {
			return sc.asked(), nil
		}
	case directory.Approve:
		if sc.own.ID == "" || sc.own.ID == sc.cur.ID && sc.own.Phase != directory.Quarantined && sc.own.Decision == nil {
			return ignore, notWaiting(cmd.Run)
		}
	}
	switch {
	case sc.own.ID == "" || sc.own.ID != sc.cur.ID || sc.own.Phase.Ended():
		return ignore, nil
	case sc.own.Phase == directory.Quarantined && cmd.Op != directory.Approve:
		return ignore, nil
	case sc.alive():
		return wait, nil
	}
	return resume, nil
}

func notWaiting(run string) error {
	return fault.New(fault.Conflict, "not-quarantined", "the directory run %q does not wait for a decision", run)
}

func (sc scene) scheduled() verdict {
	switch {
	case sc.current() && sc.cur.Phase == directory.Quarantined:
		if sc.now.Sub(sc.cur.StartedAt) < patience || sc.config.Paused {
			return ignore
		}
		return begin
	case sc.alive():
		return ignore
	case sc.current():
		return resume
	case sc.config.Enterprise == "" || sc.config.Paused || !sc.due():
		return ignore
	}
	return begin
}

// due reports whether it is time for a run that nobody asked for.
func (sc scene) due() bool {
	st := sc.state
	since := sc.now.Sub(st.LastTried)
	switch {
	case st.LastTried.IsZero() || sc.config.UpdatedAt.After(st.LastTried):
		return true
	case st.LastTried.After(st.LastDone):
		return since >= pauseAfterFailure
	case since < pause:
		return false
	}
	// Where Google tells everything by itself, there is nothing to ask.
	return sc.config.Mode != directory.GoogleOnly || !sc.live || sc.fullDue()
}

func (sc scene) fullDue() bool {
	hours := sc.config.FullEveryHours
	if hours == 0 {
		hours = defaultFullEvery
	}
	return sc.state.Revision != sc.config.Revision || sc.now.Sub(sc.state.LastFull) >= time.Duration(hours)*time.Hour
}

// asked is for an admin's run, which takes the place of one that waits for
// something, but not of one that gets on.
func (sc scene) asked() verdict {
	if sc.alive() || sc.current() && sc.cur.Phase != directory.Quarantined && sc.cur.Reason == "" && sc.cur.Revision == sc.config.Revision {
		return refuse
	}
	return begin
}
