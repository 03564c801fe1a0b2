package provision_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// world is all that a workflow can change.
type world struct {
	Store  map[store.Key]string
	Google []playtest.User
}

// TestProvision_E2_TwiceIsOnce: an event that was done and comes again changes
// nothing more.
func TestProvision_E2_TwiceIsOnce(t *testing.T) {
	t.Parallel()
	for _, op := range workflow.Ops() {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.ready("jane", account.UserAccount)
			b.policy(password.Policy{RotateDays: 30, RotateOnLoss: true})
			b.active("jane")
			var ids []string
			switch {
			case op.OnAccounts():
				ids = []string{p.account().ID}
			case op.OnDevices():
				ids = []string{p.id}
			case op.OnPeople():
				ids = []string{b.person("jane", person.Leaving)}
			}
			c := command(op, ids...)
			if err := b.handle(c); err != nil {
				t.Fatal(err)
			}
			once := world{b.documents(), b.sim.Users(b.playID)}
			if err := b.handle(c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(once, world{b.documents(), b.sim.Users(b.playID)}); diff != "" {
				t.Errorf("the second time changed (-once +twice):\n%s", diff)
			}
		})
	}
}

// TestProvision_E2_RepeatCompletes: wherever the store or Google fails, the event
// comes again, and the repeat ends where an undisturbed event does.
func TestProvision_E2_RepeatCompletes(t *testing.T) {
	t.Parallel()
	const own = account.DeviceAccount
	for _, op := range []workflow.Op{workflow.Create, workflow.Rename, workflow.Revoke, workflow.Delete, workflow.Retire} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			run := func(disturb func(*bench)) (*bench, workflow.Command, error) {
				b := newBench(t)
				p := b.ready("jane", own)
				ids := []string{p.account().ID}
				if op == workflow.Create {
					if err := b.handle(command(workflow.Delete, ids...)); err != nil {
						t.Fatal(err)
					}
				}
				if op.OnDevices() {
					ids = []string{p.id}
				}
				disturb(b)
				c := command(op, ids...)
				return b, c, b.handle(c)
			}
			calm, _, err := run(func(*bench) {})
			if err != nil {
				t.Fatal(err)
			}
			check := func(where string, b *bench, c workflow.Command, err error) {
				if !fault.Redeliver(err) {
					t.Errorf("%s: %v, want an error that brings the event back", where, err)
				}
				b.driver.Fail(0, storetest.Before)
				b.sim.Faults.Clear()
				if err := b.handle(c); err != nil {
					t.Fatalf("%s: the repeat: %v", where, err)
				}
				if diff := cmp.Diff(calm.end(), b.end()); diff != "" {
					t.Errorf("%s (-undisturbed +repeated):\n%s", where, diff)
				}
			}
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				for k := 1; ; k++ {
					b, c, err := run(func(b *bench) { b.driver.Crash(k, when) })
					if !b.driver.Fired() {
						break
					}
					check(fmt.Sprintf("the store fails at operation %d, side %d", k, when), b, c, err)
				}
			}
			for _, mode := range []googletest.Mode{googletest.Refuse, googletest.DropAfter} {
				b, c, err := run(func(b *bench) { b.sim.Faults.Add(googletest.Script{Method: "*", Mode: mode}) })
				check(fmt.Sprintf("Google fails, mode %d", mode), b, c, err)
			}
		})
	}
}

// end is what must be the same however a run came to it.
func (b *bench) end() []string {
	b.t.Helper()
	var out []string
	a, err := b.db.Account(b.t.Context(), b.row("d001").Desired.OwnAccountID)
	if err != nil {
		b.t.Fatal(err)
	}
	d := b.row("d001")
	out = append(out, d.Status(), string(d.Desired.Hold), string(a.State), a.DisplayName, a.Reason, fmt.Sprint(len(a.Bindings)))
	for _, u := range b.sim.Users(b.playID) {
		out = append(out, u.Identifier, u.DisplayName, fmt.Sprint(len(u.Devices)))
	}
	return out
}

func (b *bench) row(id string) device.Device {
	b.t.Helper()
	d, err := b.db.Device(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// TestProvision_E2_MalformedIsFinal: what can never be understood does not come
// again, and does nothing.
func TestProvision_E2_MalformedIsFinal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.ready("jane", account.UserAccount)
	good := toJSON(t, command(workflow.Delete, p.account().ID))
	before := b.documents()
	for _, data := range []string{
		``, `[]`, `{}`, good + good, good[:len(good)-1], `null`,
		`{"enterprise":"acme","op":"explode","requestedBy":"admin:a","requestId":"r1"}`,
		good[:len(good)-1] + `,"force":true}`, good[:len(good)-1] + `,"op":"create"}`,
	} {
		err := b.worker.Handle(t.Context(), event.Event{ID: "e", Topic: event.Provision, Data: []byte(data)})
		if err == nil || fault.Redeliver(err) {
			t.Errorf("%q: %v, want a final error", data, err)
		}
	}
	if diff := cmp.Diff(before, b.documents()); diff != "" {
		t.Errorf("malformed events changed the store:\n%s", diff)
	}
}
