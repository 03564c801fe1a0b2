package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// started answers the start of a workflow, or of a dead letter's replay.
type started struct {
	EventID string `json:"eventId"`
	// RequestID is in the audit records of the request and of its effects.
	RequestID string `json:"requestId,omitempty"`
}

func (o *Office) startWorkflow(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body struct {
		Op          workflow.Op `json:"op"`
		Accounts    []string    `json:"accounts"`
		Devices     []string    `json:"devices"`
		People      []string    `json:"people"`
		All         bool        `json:"all"`
		DisplayName string      `json:"displayName"`
		// The rest is for one or two operations each; see workflow.Command.
		HavingLabel  string   `json:"havingLabel"`
		Now          bool     `json:"now"`
		Lost         bool     `json:"lost"`
		AddLabels    []string `json:"addLabels"`
		RemoveLabels []string `json:"removeLabels"`
		// DryRun tells whom a renewal concerns, and starts nothing.
		DryRun bool `json:"dryRun"`
	}
	if err := r.body(&body); err != nil {
		return err
	}
	c, err := o.stamp(r, workflow.Command{
		Enterprise: e.ID, Op: body.Op, Accounts: body.Accounts, Devices: body.Devices,
		People: body.People, All: body.All, DisplayName: body.DisplayName,
		HavingLabel: body.HavingLabel, Now: body.Now, Lost: body.Lost, AddLabels: body.AddLabels, RemoveLabels: body.RemoveLabels,
	})
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if body.DryRun && c.Op != workflow.Renew {
		return fault.Field("dryRun", "only renew tells beforehand what it would do")
	}
	if err := o.targetsExist(r.Context(), e, c); err != nil {
		return err
	}
	if c.Op == workflow.Renew {
		if err := o.mayRenew(r.Context(), e.ID); err != nil {
			return err
		}
	}
	if body.DryRun {
		return o.previewRenewal(r, c)
	}
	out := started{RequestID: c.RequestID}
	rec := o.note(r, e.ID, "workflow."+string(c.Op), "enterprise:"+e.ID, describe(c))
	err = o.recorded(r.Context(), rec, func() error {
		out.EventID, err = o.publish(r, c)
		return err
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusAccepted, out)
}

// describe says on what a command works, for the trail; the records of each effect
// name the accounts, devices and people.
func describe(c workflow.Command) string {
	what := "request " + c.RequestID
	if len(c.RemoveLabels) > 0 {
		what = "without " + strings.Join(c.RemoveLabels, " ") + ", " + what
	}
	if len(c.AddLabels) > 0 {
		what = "with " + strings.Join(c.AddLabels, " ") + ", " + what
	}
	if c.Now {
		what = "now, " + what
	}
	if c.Lost {
		what = "lost, " + what
	}
	switch {
	case c.HavingLabel != "":
		what = "all having " + c.HavingLabel + ", " + what
	case c.All:
		what = "all, " + what
	case len(c.Accounts) == 1:
		what = "account " + c.Accounts[0] + ", " + what
	case len(c.Devices) == 1:
		what = "device " + c.Devices[0] + ", " + what
	case len(c.People) == 1:
		what = "person " + c.People[0] + ", " + what
	case len(c.Accounts) > 1:
		what = fmt.Sprintf("%d accounts, %s", len(c.Accounts), what)
	case len(c.Devices) > 1:
		what = fmt.Sprintf("%d devices, %s", len(c.Devices), what)
	case len(c.People) > 1:
		what = fmt.Sprintf("%d people, %s", len(c.People), what)
	}
	return what
}

// stamp says in the command who asks.
func (o *Office) stamp(r *request, c workflow.Command) (workflow.Command, error) {
	id, err := newID(o.Random)
	c.RequestedBy, c.RequestID, c.RequestedAt = r.actor, id, o.Now().UTC()
	return c, err
}

// publish starts the command's work, and stamps it first if that was not done.
func (o *Office) publish(r *request, c workflow.Command) (eventID string, err error) {
	if c.RequestID == "" {
		if c, err = o.stamp(r, c); err != nil {
			return "", err
		}
	}
	data, err := c.Marshal()
	if err != nil {
		return "", err
	}
	// Whoever gave up waiting has the record in the trail, so the event must go.
	return o.Events.Publish(context.WithoutCancel(r.Context()), event.Provision, data)
}

// targetsExist refuses ids that the enterprise does not have, so that a mistyped
// one is answered here and not lost in a function's log.
func (o *Office) targetsExist(ctx context.Context, e enterprise.Enterprise, c workflow.Command) error {
	what, ids := "account", c.Accounts
	owner := func(ctx context.Context, id string) (string, error) {
		a, err := o.DB.Account(ctx, id)
		return a.Enterprise, err
	}
	switch {
	case len(c.Devices) > 0:
		what, ids = "device", c.Devices
		owner = func(ctx context.Context, id string) (string, error) {
			d, err := o.DB.Device(ctx, id)
			return d.Enterprise, err
		}
	case len(c.People) > 0:
		what, ids = "person", c.People
		owner = func(ctx context.Context, id string) (string, error) {
			p, err := o.DB.Person(ctx, id)
			return p.Enterprise, err
		}
	}
	refusals := make([]error, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, id := range ids {
		g.Go(func() error {
			of, err := owner(ctx, id)
			if fault.KindOf(err) == fault.NotFound || err == nil && of != e.ID {
				refusals[i] = fault.New(fault.NotFound, "not-found", "the enterprise %q has no %s %q; nothing was started", e.ID, what, id)
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, err := range refusals {
		if err != nil {
			return err
		}
	}
	return nil
}
