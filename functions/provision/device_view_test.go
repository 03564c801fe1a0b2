package provision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestProvision_AsADeviceSeesIt: what each operation makes of a device that holds
// its account, at the device's next check-in, at Google and in the trail, with
// every event delivered twice.
func TestProvision_AsADeviceSeesIt(t *testing.T) {
	t.Parallel()
	type view struct {
		Status string // the device's
		Adds   bool   // it is told to add its account
		Holds  int    // accounts on the device afterwards
		State  account.State
		Google int // accounts
		Bound  int // devices at Google
		Places int // devices that the row has bound
	}
	const user, own = account.UserAccount, account.DeviceAccount
	for _, tc := range []struct {
		name  string
		kind  account.Type
		ops   []workflow.Op
		want  view
		trail func(d, a string) []line
	}{
		{"delete", user, []workflow.Op{workflow.Delete}, view{"held", false, 0, account.Deleted, 0, 0, 0},
			func(d, a string) []line {
				return []line{{admin, "workflow.delete", d, "ok"}, {admin, "account.delete", a, "ok"}}
			}},
		{"delete, then create", user, []workflow.Op{workflow.Delete, workflow.Create}, view{"adding", true, 0, account.Active, 1, 0, 0},
			func(d, a string) []line {
				return []line{{admin, "workflow.delete", d, "ok"}, {admin, "account.delete", a, "ok"},
					{admin, "account.create", a, "ok"}, {admin, "workflow.create", d, "ok"}, {admin, "workflow.create", a, "ok"}}
			}},
		{"create what is there", user, []workflow.Op{workflow.Create}, view{"ready", false, 1, account.Active, 1, 1, 1},
			func(_, a string) []line { return []line{{admin, "workflow.create", a, "ok"}} }},
		{"revoke", user, []workflow.Op{workflow.Revoke}, view{"held", false, 0, account.Active, 1, 0, 0},
			func(d, a string) []line {
				return []line{{admin, "workflow.revoke", d, "ok"}, {admin, "workflow.revoke", a, "ok"}}
			}},
		{"revoke, then release", user, []workflow.Op{workflow.Revoke, workflow.Release}, view{"adding", true, 0, account.Active, 1, 0, 0},
			func(d, a string) []line {
				return []line{{admin, "workflow.revoke", d, "ok"}, {admin, "workflow.revoke", a, "ok"}, {admin, "workflow.release", d, "ok"}}
			}},
		{"release what is not held", user, []workflow.Op{workflow.Release}, view{"ready", false, 1, account.Active, 1, 1, 1},
			func(d, _ string) []line { return []line{{admin, "workflow.release", d, "not-held"}} }},
		{"retire", user, []workflow.Op{workflow.Retire}, view{"retired", false, 0, account.Active, 1, 0, 0},
			func(d, _ string) []line { return []line{{admin, "workflow.retire", d, "ok"}} }},
		{"retire a device with an account of its own", own, []workflow.Op{workflow.Retire}, view{"retired", false, 0, account.Deleted, 0, 0, 0},
			func(d, a string) []line {
				return []line{{admin, "workflow.retire", d, "ok"}, {admin, "account.delete", a, "ok"}}
			}},
		{"rename", user, []workflow.Op{workflow.Rename}, view{"ready", false, 1, account.Active, 1, 1, 1},
			func(_, a string) []line { return []line{{admin, "workflow.rename", a, "ok"}} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.ready("jane", tc.kind)
			id := p.account().ID
			before := len(b.trail())
			for _, op := range tc.ops {
				if op.OnDevices() {
					b.do(command(op, p.id))
				} else {
					b.do(command(op, id))
				}
			}
			if diff := cmp.Diff(tc.trail("device:"+p.id, "account:"+id), b.trail()[before:]); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
			adds := p.obey()
			row, err := b.db.Account(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			d := p.row()
			got := view{Status: d.Status(), Adds: adds, Holds: len(p.accounts()), State: row.State, Google: b.sim.UserCount(b.playID), Places: len(row.Bindings)}
			for _, u := range b.sim.Users(b.playID) {
				got.Bound += len(u.Devices)
				if want := row.DisplayName; u.DisplayName != want || tc.ops[0] == workflow.Rename && want != "Acme Ltd" {
					t.Errorf("Google shows %q, the row %q", u.DisplayName, want)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the device's view (-want +got):\n%s", diff)
			}
			if adds {
				p.add() // and is content again
			}
		})
	}
}

// TestProvision_P5_RetiringMakesRoom: a person's eleventh device gets the place of
// one that is retired, once it is released.
func TestProvision_P5_RetiringMakesRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.ready("jane", account.UserAccount)
	for range 9 {
		b.ready("jane", account.UserAccount)
	}
	last := b.phone("jane", account.UserAccount)
	d := last.row()
	d.Desired.Withdraw(device.DeviceLimit)
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
	b.do(command(workflow.Retire, first.id))
	b.do(command(workflow.Release, last.id))
	first.obey()
	if !last.obey() {
		t.Error("the released device is not told to add its account")
	}
	last.add()
}

// TestProvision_T4_ReleaseForgives: after a release the device may ask for tokens
// again at once.
func TestProvision_T4_ReleaseForgives(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.ready("jane", account.UserAccount)
	for range 2 { // up to the limit of three in a quarter of an hour
		p.play.LoseSignIn(p.accounts()[0].Name)
		p.obey()
		p.add()
	}
	d := p.row()
	d.Desired.Withdraw(device.NeedsOperator)
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
	b.do(command(workflow.Release, p.id))
	p.obey()
	p.add()
}
