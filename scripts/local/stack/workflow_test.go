package stack_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/provision"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// asked is when the commands were asked for.
var asked = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// deliver gives an event to the function provision until it is done with it, as a
// bus does; at most limit times.
func (w *world) deliver(ctx context.Context, op workflow.Op, accountID string, limit int) error {
	w.t.Helper()
	return w.send(ctx, workflow.Command{Enterprise: "acme", Op: op, Accounts: []string{accountID},
		RequestedBy: "admin:test", RequestID: "r1", RequestedAt: asked}, limit)
}

// send delivers a command.
func (w *world) send(ctx context.Context, c workflow.Command, limit int) error {
	w.t.Helper()
	data, err := c.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	handle, err := provision.Open(ctx, w.Process)
	if err != nil {
		return err
	}
	for range limit {
		if err = handle(ctx, event.Event{ID: "e1", Topic: event.Provision, Data: data}); !fault.Redeliver(err) {
			return err
		}
	}
	return err
}

// enrolledAccount enrols a device, which has not checked in yet, and returns the
// id of the account that it is to have.
func (w *world) enrolledAccount() string {
	w.t.Helper()
	a := w.phone(w.enrollmentToken("person-1", 1))
	if err := a.enroll(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.theDevice().Desired.AccountID
}

// TestProvision_P2_CrashAtEveryStep: creating and deleting an account as workflows,
// with each store operation and each call to Google failing in turn, before and
// after its effect, and the event delivered again after a restart.
func TestProvision_P2_CrashAtEveryStep(t *testing.T) {
	t.Parallel()
	type breakage struct {
		name string
		do   func(w *world, k int)
		// fired says whether the flow has a k-th step.
		fired func(w *world) bool
	}
	breakages := []breakage{
		{"store before", func(w *world, k int) { w.faulty.Crash(k, storetest.Before) }, func(w *world) bool { return w.faulty.Fired() }},
		{"store after", func(w *world, k int) { w.faulty.Crash(k, storetest.After) }, func(w *world) bool { return w.faulty.Fired() }},
	}
	for _, mode := range []googletest.Mode{googletest.DropBefore, googletest.DropAfter, googletest.Refuse} {
		breakages = append(breakages, breakage{fmt.Sprintf("Google %d", mode), func(w *world, k int) {
			w.play.Faults.Add(googletest.Script{Method: "*", Mode: mode, Skip: k - 1, Times: 1})
		}, func(w *world) bool { return w.play.Faults.Pending() == 0 }})
	}
	for _, b := range breakages {
		for _, deleting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/deleting=%v", b.name, deleting), func(t *testing.T) {
				t.Parallel()
				steps := 0
				for k := 1; ; k++ {
					w := newWorld(t)
					id := w.enrolledAccount()
					op := workflow.Create
					if deleting {
						if err := w.deliver(t.Context(), workflow.Create, id, 1); err != nil {
							t.Fatal(err)
						}
						op = workflow.Delete
					}
					b.do(w, k)
					_ = w.deliver(t.Context(), op, id, 1)
					fired := b.fired(w)
					w.faulty.Fail(0, storetest.Before)
					w.play.Faults.Clear()
					w.restart()
					if err := w.deliver(t.Context(), op, id, 3); err != nil {
						t.Fatalf("step %d: delivered again: %v", k, err)
					}
					row, err := w.db().Account(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					want, users := account.Active, 1
					if deleting {
						want, users = account.Deleted, 0
					}
					if row.State != want || w.play.UserCount(w.ent) != users {
						t.Fatalf("step %d: the row is %s and Google has %d accounts; want %s and %d", k, row.State, w.play.UserCount(w.ent), want, users)
					}
					if !fired {
						break
					}
					steps++
				}
				if steps == 0 {
					t.Error("nothing broke; the test proves nothing")
				}
			})
		}
	}
}

// TestProvision_E2_LateCommandsChangeNothing: an event that comes late, or again,
// after a younger command of the admin, does not undo it.
func TestProvision_E2_LateCommandsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.phone(w.enrollmentToken("person-1", 1))
	p.settle()
	id := w.theDevice().Desired.AccountID
	deviceID := w.theDevice().ID
	at := func(minutes int, op workflow.Op, devices bool) workflow.Command {
		c := workflow.Command{Enterprise: "acme", Op: op, RequestedBy: "admin:test", RequestID: "r1",
			RequestedAt: asked.Add(time.Duration(minutes) * time.Minute)}
		if devices {
			c.Devices = []string{deviceID}
		} else {
			c.Accounts = []string{id}
		}
		return c
	}
	for _, c := range []workflow.Command{
		at(1, workflow.Delete, false), at(2, workflow.Create, false), at(1, workflow.Delete, false),
		at(3, workflow.Revoke, false), at(4, workflow.Release, true), at(3, workflow.Revoke, false),
	} {
		if err := w.send(t.Context(), c, 1); err != nil {
			t.Fatalf("%s: %v", c.Op, err)
		}
	}
	p.settle()
	d := w.theDevice()
	if s := d.Status(); s != "ready" {
		t.Errorf("the device is %s (%s) after commands that came late", s, d.Desired.Hold)
	}
	row, err := w.db().Account(t.Context(), id)
	if err != nil || row.State != account.Active || w.play.UserCount(w.ent) != 1 {
		t.Errorf("the account is %s and Google has %d, %v", row.State, w.play.UserCount(w.ent), err)
	}
}

// theDevice returns the one device there is.
func (w *world) theDevice() device.Device {
	w.t.Helper()
	ds, _, err := w.db().Devices(w.t.Context(), "acme", record.Page{})
	if err != nil || len(ds) != 1 {
		w.t.Fatalf("%d devices, %v", len(ds), err)
	}
	return ds[0]
}
