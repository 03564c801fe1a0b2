package admin

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// examine looks at an enterprise from end to end (invariant K2), with what open
// returns. What fails is a line of the reply, whose status is 200: only an enterprise
// that does not exist is refused. It is no GET, for it has the function directorysync
// try LDAP, which leaves a run and a record in the trail.
func (o *Office) examine(open func(context.Context) (*examine.Examiner, error)) action {
	return func(r *request) error {
		id := r.PathValue("enterprise")
		if enterprise.CheckID(id) != nil {
			return missing("enterprise", id)
		}
		var body struct{}
		if err := r.body(&body); err != nil {
			return err
		}
		if open == nil {
			return fault.New(fault.Permanent, "no-doctor", "this function admin has nothing to examine with")
		}
		opened, err := open(r.Context())
		if err != nil {
			return err
		}
		e := *opened
		e.Probe = func(ctx context.Context, c directory.Config) (string, error) { return o.probe(ctx, r, c) }
		report, err := e.Examine(r.Context(), id)
		if err != nil {
			return err
		}
		return answer(r, report)
	}
}

// probe asks for a run of kind Probe, as an admin does who asks for a test.
func (o *Office) probe(ctx context.Context, r *request, c directory.Config) (string, error) {
	id, err := newRunID(o.Random)
	if err != nil {
		return "", err
	}
	cmd := o.directoryCommand(r, c.Enterprise, directory.Start, id)
	cmd.Kind = directory.Probe
	data, err := cmd.Marshal()
	if err != nil {
		return "", err
	}
	rec := o.note(r, c.Enterprise, "directory.request", "run:"+id, "start "+string(directory.Probe)+", for the doctor")
	return id, o.recorded(ctx, rec, func() error {
		_, err := o.Events.Publish(ctx, event.Directory, data)
		return err
	})
}
