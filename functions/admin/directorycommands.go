package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// ordered answers what was asked for of a run.
type ordered struct {
	EventID string `json:"eventId"`
	Run     string `json:"run"`
	// Supersedes is the waiting run that the new one takes the place of.
	Supersedes string `json:"supersedes,omitempty"`
}

// lease is how long the process that has a run is believed to live after its last
// sign of life, as the function directorysync believes it.
const lease = time.Minute

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
	out := ordered{Run: id}
	if cmd.Kind != directory.Probe { // which goes beside any run
		if out.Supersedes, err = o.inPlaceOf(r.Context(), c); err != nil {
			return err
		}
	}
	detail := "start " + string(cmd.Kind)
	if cmd.Full {
		detail += ", full"
	}
	return o.order(r, cmd, out, detail)
}

// inPlaceOf returns the run whose place a new one takes: one that waits for an admin
// or for something else. One that gets on is fault.Conflict.
func (o *Office) inPlaceOf(ctx context.Context, c directory.Config) (string, error) {
	s, run, err := o.current(ctx, c.Enterprise)
	if err != nil || run.ID == "" || run.Phase.Ended() {
		return "", err
	}
	alive := !s.Beat.IsZero() && o.Now().Sub(s.Beat) < lease
	if alive || run.Phase != directory.Quarantined && run.Reason == "" && run.Revision == c.Revision {
		return "", fault.New(fault.Conflict, "run-under-way", "the run %s is under way (%s); there is one at a time, so wait until it is over", run.ID, run.Phase)
	}
	return run.ID, nil
}

// current returns what an enterprise's runs share, and the current run; one without
// ID is none.
func (o *Office) current(ctx context.Context, enterprise string) (directory.State, directory.Run, error) {
	s, err := o.DB.DirectoryState(ctx, enterprise)
	if err != nil || s.Run == "" {
		return s, directory.Run{}, err
	}
	run, err := o.DB.Run(ctx, s.Run)
	if fault.KindOf(err) == fault.NotFound {
		return s, directory.Run{}, nil
	}
	return s, run, err
}

func (o *Office) directoryCommand(r *request, enterprise string, op directory.Op, run string) directory.Command {
	return directory.Command{Enterprise: enterprise, Op: op, Run: run, RequestedBy: r.actor, RequestedAt: o.Now().UTC()}
}

// order publishes a command on a run, and answers with it. The function that obeys
// records the effect under a name of its own.
func (o *Office) order(r *request, cmd directory.Command, out ordered, detail string) error {
	data, err := cmd.Marshal()
	if err != nil {
		return err
	}
	rec := o.note(r, cmd.Enterprise, "directory.request", "run:"+cmd.Run, detail)
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
	c, err := o.directory(r)
	if err != nil {
		return err
	}
	if run.Revision != c.Revision {
		return fault.New(fault.Conflict, "directory-changed",
			"the configuration was changed after the run %s was planned, so nothing of it can be applied; start another with: rollcall directory run", run.ID)
	}
	var body struct {
		AdditionsOnly bool `json:"additionsOnly"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	cmd := o.directoryCommand(r, run.Enterprise, directory.Approve, run.ID)
	cmd.AdditionsOnly = body.AdditionsOnly
	detail := "approve"
	if body.AdditionsOnly {
		detail += ", additions only"
	}
	return o.order(r, cmd, ordered{Run: run.ID}, detail)
}

// rejectRun ends a quarantined run.
func (o *Office) rejectRun(r *request) error {
	run, err := o.quarantined(r)
	if err != nil {
		return err
	}
	return o.order(r, o.directoryCommand(r, run.Enterprise, directory.Reject, run.ID), ordered{Run: run.ID}, "reject")
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
