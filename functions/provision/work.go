package provision

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// Worker does what admins, and the directory's synchronisation, asked for. It may be
// used concurrently. Every step may be done twice, so an event that comes again does
// no harm (invariant E2).
type Worker struct {
	DB        *record.DB
	Accounts  *account.Provisioner
	Verifier  *enterprise.Verifier
	Renamer   account.Renamer
	Settler   *access.Settler
	Passwords Renewer
	Dispatch  *dispatch.Dispatcher
	Bus       event.Publisher
	Now       func() time.Time
	Log       *slog.Logger
}

// pageSize is how many accounts or devices one event works on when it is for all,
// and how many people in any case; the rest is left to a further event, so that no
// event outlasts a function's time. Where most are only looked at it is scanSize.
const (
	pageSize = 25
	scanSize = 100
)

// Handle does one event's work. An item that fails for good is recorded and the
// others go on; one that may work later brings the whole event back. What ends the
// whole command for good is recorded against its enterprise.
func (w *Worker) Handle(ctx context.Context, e event.Event) error {
	cmd, err := workflow.Parse(e.Data)
	if err != nil {
		return err
	}
	err = w.do(ctx, cmd)
	if err == nil || fault.Redeliver(err) {
		return err
	}
	if failed := w.failed(ctx, cmd, "enterprise:"+cmd.Enterprise, err); failed != nil {
		return failed
	}
	return err
}

func (w *Worker) do(ctx context.Context, cmd workflow.Command) error {
	switch cmd.Op {
	case workflow.Verify:
		ent, err := w.DB.Enterprise(ctx, cmd.Enterprise)
		if err != nil {
			return err
		}
		return w.Verifier.Verify(ctx, ent, cmd.RequestedBy)
	case workflow.Reconcile:
		_, err := w.Bus.Publish(ctx, event.Reconcile, nil)
		return err
	case workflow.Retire, workflow.Release:
		return w.each(ctx, cmd, "device:", cmd.Devices, w.deviceIDs, w.onDevice)
	case workflow.Settle:
		return w.people(ctx, cmd, w.onPerson)
	case workflow.Label:
		if len(cmd.People) > 0 {
			return w.people(ctx, cmd, w.labelPerson)
		}
		return w.items(ctx, cmd, "device:", cmd.Devices, w.labelDevice)
	case workflow.Renew:
		return w.renew(ctx, cmd)
	case workflow.Replan:
		return w.replan(ctx, cmd)
	}
	return w.each(ctx, cmd, "account:", cmd.Accounts, w.accountIDs, w.onAccount)
}

type page func(ctx context.Context, enterprise string, p record.Page) (ids []string, next string, err error)

type work func(ctx context.Context, cmd workflow.Command, id string) error

// each does the work on what the command names, or on a page of all.
func (w *Worker) each(ctx context.Context, cmd workflow.Command, kind string, ids []string, list page, do work) error {
	next := ""
	if cmd.All {
		var err error
		if ids, next, err = list(ctx, cmd.Enterprise, record.Page{Next: cmd.Next, Limit: pageSize}); err != nil {
			return err
		}
	}
	if err := w.items(ctx, cmd, kind, ids, do); err != nil || next == "" {
		return err
	}
	cmd.Next = next
	return w.goOn(ctx, cmd)
}

// items does the work on each of ids. What fails for good is recorded; of what may
// work later the first is returned, when the others are done.
func (w *Worker) items(ctx context.Context, cmd workflow.Command, kind string, ids []string, do work) error {
	var again []error
	for _, id := range ids {
		err := do(ctx, cmd, id)
		if err == nil {
			continue
		}
		if fault.Redeliver(err) {
			again = append(again, err)
			continue
		}
		if err := w.failed(ctx, cmd, kind+id, err); err != nil {
			again = append(again, err)
		}
	}
	if len(again) > 0 {
		return again[0]
	}
	return nil
}

// damaged tells the operator of records that nothing can be done with.
func (w *Worker) damaged(ctx context.Context, cmd workflow.Command, what string, count int) {
	if count > 0 {
		w.Log.LogAttrs(ctx, slog.LevelError, what+" cannot be read; restore them from a backup",
			slog.String("enterprise", cmd.Enterprise), slog.Int("count", count))
	}
}

// goOn publishes a command for what is left of one.
func (w *Worker) goOn(ctx context.Context, cmd workflow.Command) error {
	data, err := cmd.Marshal()
	if err != nil {
		return err
	}
	_, err = w.Bus.Publish(ctx, event.Provision, data)
	return err
}

func (w *Worker) failed(ctx context.Context, cmd workflow.Command, target string, cause error) error {
	w.Log.LogAttrs(ctx, slog.LevelWarn, "workflow failed", slog.String("op", string(cmd.Op)),
		slog.String("target", target), slog.String("reason", word(cause)))
	return w.DB.AppendAudit(ctx, w.note(cmd, target, word(cause)))
}

func word(err error) string {
	if r := fault.ReasonOf(err); r != "" {
		return r
	}
	return fault.KindOf(err).String()
}

func (w *Worker) note(cmd workflow.Command, target, result string) audit.Record {
	return audit.Record{Enterprise: cmd.Enterprise, At: w.Now(), Actor: cmd.RequestedBy,
		Action: "workflow." + string(cmd.Op), Target: target, Result: result, Detail: cmd.RequestID}
}

func (w *Worker) deviceIDs(ctx context.Context, ent string, p record.Page) ([]string, string, error) {
	ds, next, err := w.DB.Devices(ctx, ent, p)
	ids := make([]string, len(ds))
	for i, d := range ds {
		ids[i] = d.ID
	}
	return ids, next, err
}

func (w *Worker) accountIDs(ctx context.Context, ent string, p record.Page) ([]string, string, error) {
	as, next, err := w.DB.Accounts(ctx, ent, p)
	ids := make([]string, len(as))
	for i, a := range as {
		ids[i] = a.ID
	}
	return ids, next, err
}

// errForeign is for an id of another enterprise, which is as good as unknown.
func errForeign(what, id string) error {
	return fault.New(fault.NotFound, "not-found", "there is no %s %q in this enterprise", what, id)
}
