package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// ordered answers what was asked for of a run.
type ordered struct {
	EventID string `json:"eventId"`
	Run     string `json:"run"`
	// Supersedes is the quarantined run that the new one takes the place of.
	Supersedes string `json:"supersedes,omitempty"`
}

// abandoned is the age from which a run that is not over keeps no other from being
// started: no run is continued for longer.
const abandoned = 24 * time.Hour

// startRun asks for a run under an id made here, so that whoever asks can follow
// it. The run's row is there once the function directorysync took the event.
func (o *Office) startRun(r *request) error {
	c, err := o.directory(r)
	if err != nil {
		return err
	}
	var body struct {
		Kind directory.Kind `json:"kind"`
		Full bool           `json:"full"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	id, err := newRunID(o.Random)
	if err != nil {
		return err
	}
	cmd := o.directoryCommand(r, c.Enterprise, directory.Start, id)
	cmd.Kind, cmd.Full = body.Kind, body.Full
	if err := cmd.Validate(); err != nil {
		return err
	}
	now, err := o.current(r.Context(), c.Enterprise)
	if err != nil {
		return err
	}
	out := ordered{Run: id}
	switch {
	case now.ID == "" || now.Phase.Ended() || o.Now().Sub(now.StartedAt) >= abandoned:
	case now.Phase == directory.Quarantined:
		out.Supersedes = now.ID
	default:
		return fault.New(fault.Conflict, "run-under-way", "the run %s is under way (%s); there is one at a time, so wait until it is over", now.ID, now.Phase)
	}
	detail := string(cmd.Kind)
	if cmd.Full {
		detail += ", full"
	}
	return o.order(r, cmd, out, "directory.start", detail)
}

// current returns the enterprise's current run; one without ID is none.
func (o *Office) current(ctx context.Context, enterprise string) (directory.Run, error) {
	s, err := o.DB.DirectoryState(ctx, enterprise)
	if err != nil || s.Run == "" {
		return directory.Run{}, err
	}
	run, err := o.DB.Run(ctx, s.Run)
	if fault.KindOf(err) == fault.NotFound {
		return directory.Run{}, nil
	}
	return run, err
}

func (o *Office) directoryCommand(r *request, enterprise string, op directory.Op, run string) directory.Command {
	return directory.Command{Enterprise: enterprise, Op: op, Run: run, RequestedBy: r.actor, RequestedAt: o.Now().UTC()}
}

// order publishes a command on a run, and answers with it.
func (o *Office) order(r *request, cmd directory.Command, out ordered, action, detail string) error {
	data, err := cmd.Marshal()
	if err != nil {
		return err
	}
	rec := o.note(r, cmd.Enterprise, action, "directory-run:"+cmd.Run, detail)
	err = o.recorded(r.Context(), rec, func() error {
		// Whoever gave up waiting has the record in the trail, so the event must go.
		out.EventID, err = o.Events.Publish(context.WithoutCancel(r.Context()), event.Directory, data)
		return err
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusAccepted, out)
}

// approveRun lets a quarantined run go on: wholly, or with its additions and
// changes alone.
func (o *Office) approveRun(r *request) error {
	run, err := o.quarantined(r)
	if err != nil {
		return err
	}
	var body struct {
		AdditionsOnly bool `json:"additionsOnly"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	cmd := o.directoryCommand(r, run.Enterprise, directory.Approve, run.ID)
	cmd.AdditionsOnly = body.AdditionsOnly
	detail := "all of it"
	if body.AdditionsOnly {
		detail = "additions alone"
	}
	return o.order(r, cmd, ordered{Run: run.ID}, "directory.approve", detail)
}

// rejectRun ends a quarantined run.
func (o *Office) rejectRun(r *request) error {
	run, err := o.quarantined(r)
	if err != nil {
		return err
	}
	return o.order(r, o.directoryCommand(r, run.Enterprise, directory.Reject, run.ID), ordered{Run: run.ID}, "directory.reject", "")
}

// quarantined returns the run that the path names if it waits for a decision.
func (o *Office) quarantined(r *request) (directory.Run, error) {
	run, err := o.run(r)
	if err != nil {
		return run, err
	}
	s, err := o.DB.DirectoryState(r.Context(), run.Enterprise)
	switch {
	case err != nil:
		return run, err
	case run.Phase.Ended():
		return run, fault.New(fault.Conflict, "run-over", "the run %s is over (%s); there is nothing to decide", run.ID, run.Phase)
	case run.Phase != directory.Quarantined:
		return run, fault.New(fault.Conflict, "run-not-quarantined", "the run %s is %s and waits for nobody", run.ID, run.Phase)
	case s.Run != run.ID:
		return run, fault.New(fault.Conflict, "run-not-current", "the run %s is not the current one any more; see: rollcall directory status", run.ID)
	}
	return run, nil
}

var runPattern = pattern.New(`^[a-z2-7]{26}$`)

// run returns the run that the path names.
func (o *Office) run(r *request) (directory.Run, error) {
	e, err := o.enterprise(r)
	if err != nil {
		return directory.Run{}, err
	}
	id := r.PathValue("id")
	if !runPattern.MatchString(id) {
		return directory.Run{}, missing("directory run", id)
	}
	run, err := o.DB.Run(r.Context(), id)
	if err == nil && run.Enterprise != e.ID {
		err = missing("directory run", id)
	}
	return run, err
}

func (o *Office) showRun(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	run, err := o.run(r)
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, viewRun(run))
}

// viewRun leaves out what is for the machine alone, and digests of passwords.
func viewRun(run directory.Run) directory.Run {
	run.Cursor = ""
	run.Sample = slices.Clone(run.Sample)
	for i := range run.Sample {
		run.Sample[i] = viewEntry(run.Sample[i])
	}
	return run
}

func viewEntry(e person.Entry) person.Entry {
	e.Hash = ""
	return e
}

// listRuns lists an enterprise's last runs, newest first.
func (o *Office) listRuns(r *request) error {
	if err := r.accept("limit"); err != nil {
		return err
	}
	p, err := r.page()
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	if r.query("limit") == "" {
		p.Limit = 20
	}
	runs, err := o.lastRuns(r.Context(), e.ID, p.Limit)
	if err != nil {
		return err
	}
	return list(r, runs, "")
}

// lastRuns returns the last n runs, newest first. The store lists by time
// forwards, so it looks back a day, then four, sixteen and so on.
func (o *Office) lastRuns(ctx context.Context, enterprise string, n int) ([]directory.Run, error) {
	for days := 1; ; days *= 4 {
		since := o.Now().AddDate(0, 0, -days)
		if days > 1000 {
			since = time.Time{}
		}
		runs, err := o.runsSince(ctx, enterprise, since, n)
		if err != nil || len(runs) == n || since.IsZero() {
			slices.Reverse(runs)
			return runs, err
		}
	}
}

// runsSince returns the last n runs since a moment, oldest first.
func (o *Office) runsSince(ctx context.Context, enterprise string, since time.Time, n int) (runs []directory.Run, err error) {
	p := record.Page{Limit: maxLimit}
	for {
		page, next, err := o.DB.Runs(ctx, enterprise, since, p)
		if err != nil {
			return nil, err
		}
		for _, run := range page {
			runs = append(runs, viewRun(run))
		}
		runs = slices.Clone(runs[max(0, len(runs)-n):])
		if p.Next = next; next == "" {
			return runs, nil
		}
	}
}
