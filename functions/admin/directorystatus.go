package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// directoryStatus is how an enterprise's directory stands.
type directoryStatus struct {
	Enterprise string         `json:"enterprise"`
	Mode       directory.Mode `json:"mode"`
	Paused     bool           `json:"paused,omitzero"`
	Revision   int            `json:"revision"`
	// Applied is the revision with which the last sync ended well.
	Applied int `json:"appliedRevision,omitzero"`
	// LastDone, LastTried and LastFull are of runs of kind sync: the last that ended
	// well, the last that ended, and the last walk of everything that ended well.
	LastDone  time.Time `json:"lastDone,omitzero"`
	LastTried time.Time `json:"lastTried,omitzero"`
	LastFull  time.Time `json:"lastFull,omitzero"`
	// Beat is the last sign of life of a process that works on a run.
	Beat time.Time `json:"beat,omitzero"`
	// Cursor is the way in which LDAP's changes are read from here on; empty means
	// that everything is read.
	Cursor directory.Incremental `json:"cursor,omitempty"`
	// FullEveryHours is how often everything is read all the same.
	FullEveryHours int `json:"fullEveryHours"`
	// Listed and Google are the people and the Google accounts of the last walk.
	Listed int `json:"listed"`
	Google int `json:"google,omitzero"`
	// People counts those who are not simply active, by state, each up to 1,000.
	People    counts `json:"people"`
	Truncated bool   `json:"truncated,omitzero"`
	// Run is the current run; Runs are the last ones, newest first.
	Run  *directory.Run  `json:"run,omitempty"`
	Runs []directory.Run `json:"runs"`
}

// shownRuns is how many runs the status tells.
const shownRuns = 5

func (o *Office) showDirectoryStatus(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	c, err := o.directory(r)
	if err != nil {
		return err
	}
	s, run, err := o.current(r.Context(), c.Enterprise)
	if err != nil {
		return err
	}
	v := directoryStatus{
		Enterprise: c.Enterprise, Mode: c.Mode, Paused: c.Paused, Revision: c.Revision, Applied: s.Revision,
		LastDone: s.LastDone, LastTried: s.LastTried, LastFull: s.LastFull, Beat: s.Beat,
		Cursor: cursorKind(s.Cursor), FullEveryHours: c.WithDefaults().FullEveryHours, Listed: s.People, Google: s.Google, People: counts{}, Runs: []directory.Run{},
	}
	if v.Truncated, err = o.countPeople(r.Context(), c.Enterprise, v.People); err != nil {
		return err
	}
	runs, err := o.lastRuns(r.Context(), c.Enterprise, shownRuns)
	if err != nil {
		return err
	}
	v.Runs = append(v.Runs, runs...)
	if run.ID != "" {
		run = viewRun(run)
		v.Run = &run
	}
	return answer(r, v)
}

// countPeople counts the people in each state but the ordinary one.
func (o *Office) countPeople(ctx context.Context, enterprise string, n counts) (truncated bool, err error) {
	for _, state := range []person.State{person.Disabled, person.Missing, person.Leaving, person.Gone} {
		people, next, err := o.DB.People(ctx, enterprise, state, record.Page{Limit: maxLimit})
		if err != nil {
			return false, err
		}
		if len(people) > 0 {
			n[string(state)] = len(people)
		}
		truncated = truncated || next != ""
	}
	return truncated, nil
}

// cursorKind returns the way that a cursor is for. The rest of a cursor is a
// directory's own affair.
func cursorKind(cursor string) directory.Incremental {
	var mark struct {
		Kind directory.Incremental `json:"k"`
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if cursor == "" || err != nil || json.Unmarshal(b, &mark) != nil {
		return ""
	}
	return mark.Kind
}
