package provision_test

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

type auditRecord = audit.Record

// TestSettle_D10_AsADeviceSeesIt: what becomes of a device and its account when its
// person is disabled, leaves, and returns, and an admin works on them meanwhile,
// with every event delivered twice.
func TestSettle_D10_AsADeviceSeesIt(t *testing.T) {
	t.Parallel()
	type view struct {
		Hold   device.Hold
		Holds  int // accounts on the device when it has done what it was told
		State  account.State
		Google int // accounts
		Bound  int // devices at Google
	}
	disabled, leaves, gone, back := moves(person.Disabled), moves(person.Leaving), graceOver, moves(person.Active)
	const active, deleted = account.Active, account.Deleted
	for _, tc := range []struct {
		name string
		do   []func(b *bench, p *phone)
		want view
	}{
		{"disabled", does(disabled), view{device.PersonDisabled, 0, active, 1, 0}},
		{"disabled, then enabled", does(disabled, back), view{"", 1, active, 1, 1}},
		{"leaves", does(leaves), view{device.PersonLeft, 0, active, 1, 0}},
		{"was not listed", does(moves(person.Missing)), view{"", 1, active, 1, 1}},
		{"back within the grace", does(leaves, back), view{"", 1, active, 1, 1}},
		{"the grace is over", does(leaves, gone), view{device.PersonLeft, 0, deleted, 0, 0}},
		{"back after the grace", does(leaves, gone, back), view{"", 1, active, 1, 1}},
		{"back though disabled", does(leaves, gone, moves(person.Disabled)), view{device.PersonDisabled, 0, deleted, 0, 0}},
		{"disabled, then leaves for good", does(disabled, leaves, gone), view{device.PersonLeft, 0, deleted, 0, 0}},
		{"an admin revokes and releases meanwhile", does(leaves, asks(workflow.Revoke), asks(workflow.Release)), view{device.PersonLeft, 0, active, 1, 0}},
		{"an admin releases", does(leaves, asks(workflow.Release)), view{device.PersonLeft, 0, active, 1, 0}},
		{"an admin revokes, and the person is back", does(leaves, asks(workflow.Revoke), back), view{device.Revoked, 0, active, 1, 0}},
		{"the admin's hold stands before", does(asks(workflow.Revoke), leaves, back), view{device.Revoked, 0, active, 1, 0}},
		{"and is released", does(asks(workflow.Revoke), leaves, back, asks(workflow.Release)), view{"", 1, active, 1, 1}},
		{"an admin deletes and creates meanwhile", does(leaves, asks(workflow.Delete), asks(workflow.Create)), view{device.PersonLeft, 0, active, 1, 0}},
		{"an admin creates again what went with the person", does(leaves, gone, asks(workflow.Create)), view{device.PersonLeft, 0, deleted, 0, 0}},
		{"an admin deletes, and the grace is over", does(leaves, asks(workflow.Delete), gone), view{device.AccountGone, 0, deleted, 0, 0}},
		{"the device is retired meanwhile, and the person is back", does(leaves, asks(workflow.Retire), back), view{device.PersonLeft, 0, active, 1, 0}},
		{"an admin has everything looked at again", does(leaves, again, again), view{device.PersonLeft, 0, active, 1, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.holding("jane", 1, 0)[0]
			id := p.account().ID
			for _, do := range tc.do {
				do(b, p)
			}
			if row := b.personRow("jane"); row.Settled != row.State.Access() {
				t.Errorf("a person who is %s is settled as %q", row.State, row.Settled)
			}
			b.stays(p)
			p.converge()
			row, err := b.db.Account(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got := view{Hold: p.row().Desired.Hold, Holds: len(p.accounts()), State: row.State, Google: b.sim.UserCount(b.playID)}
			for _, u := range b.sim.Users(b.playID) {
				got.Bound += len(u.Devices)
				if u.Identifier != id {
					t.Errorf("Google has the account %s, want %s", u.Identifier, id)
				}
			}
			if p.row().State == device.Retired {
				got.Hold = tc.want.Hold // no longer of interest
			}
			same(t, "the device's view", tc.want, got)
		})
	}
}

// stays checks that a device that is held gives its account up at its next check-in,
// and is told nothing but that.
func (b *bench) stays(p *phone) {
	b.t.Helper()
	d := p.row()
	if d.State == device.Active && d.Desired.Hold == device.NoHold {
		return
	}
	if p.obey() {
		b.t.Errorf("a device that is held for %q is told to add its account", d.Desired.Hold)
	}
	if got := p.accounts(); len(got) != 0 {
		b.t.Errorf("a device that is held for %q keeps %v", d.Desired.Hold, got)
	}
}

func does(steps ...func(*bench, *phone)) []func(*bench, *phone) { return steps }

func moves(to person.State) func(*bench, *phone) {
	return func(b *bench, _ *phone) { b.move("jane", to) }
}

// asks has an admin ask for an operation on the device or on its account.
func asks(op workflow.Op) func(*bench, *phone) {
	return func(b *bench, p *phone) {
		b.t.Helper()
		c := command(op, p.row().Desired.OwnAccountID)
		if op.OnDevices() {
			c = command(op, p.id)
		} else if id := account.Identifier(identifierKey, "acme", account.UserAccount, p.row().Subject); p.row().Desired.AccountType == account.UserAccount {
			c = command(op, id)
		}
		b.now = b.now.Add(time.Second)
		c.RequestedAt = b.now
		b.do(c)
	}
}

// again is an admin's wish to have the person settled once more.
func again(b *bench, _ *phone) {
	b.do(command(workflow.Settle, person.KeyOf("acme", "jane")))
}

// graceOver lets the grace pass; reconcile finds the person then.
func graceOver(b *bench, _ *phone) {
	b.t.Helper()
	b.now = b.personRow("jane").DeleteAt.Add(-time.Second)
	b.sweep()
	if s := b.personRow("jane").State; s != person.Leaving {
		b.t.Fatalf("the person is %s within the grace", s)
	}
	b.now = b.now.Add(time.Second)
	due, _, err := b.db.PeopleDue(b.t.Context(), b.now, 10)
	if err != nil || len(due) != 1 {
		b.t.Fatalf("%d people are due at the end of the grace, %v", len(due), err)
	}
	res, err := b.worker.Settler.Settle(b.t.Context(), "acme", due[0].Key, false)
	if err != nil || !res.Settled {
		b.t.Fatalf("%+v, %v", res, err)
	}
}

// TestSettle_D10_TheTrail has one record for each device and account, and one for
// the person who is gone for good.
func TestSettle_D10_TheTrail(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps := b.holding("jane", 1, 1)
	user, own := "account:"+ps[0].account().ID, "account:"+ps[1].account().ID
	d1, d2 := "device:"+ps[0].id, "device:"+ps[1].id
	key := b.personRow("jane").Key
	by := func(action, target string) line { return line{access.Actor, action, target, "ok"} }
	before := len(b.history(0))
	b.move("jane", person.Leaving)
	graceOver(b, nil)
	b.move("jane", person.Active)
	same(t, "trail", []line{
		by("access.withdraw", d1), by("access.withdraw", d2), by("access.withdraw", user), by("access.withdraw", own),
		by("person.depart", "person:"+key), by("account.delete", user), by("account.delete", own),
		by("access.grant", d1), by("access.grant", d2),
	}, b.history(before))
	records, _, err := b.db.Audit(t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Actor == access.Actor && r.Action != "account.delete" && r.Detail != "person:"+key {
			t.Errorf("the record %+v does not name the person", r)
		}
	}
}

// TestSettle_D10_ManyDevices: a person with ten devices, some with accounts of their
// own, and one device that was retired before.
func TestSettle_D10_ManyDevices(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps := b.holding("jane", 6, 4)
	other := b.holding("june", 1, 0)[0]
	asks(workflow.Retire)(b, ps[3])
	b.move("jane", person.Leaving)
	for _, p := range ps {
		b.stays(p)
	}
	if got := other.accounts(); len(got) != 1 || got[0].State != "ready" {
		t.Errorf("somebody else's device has %v", got)
	}
	other.play.LoseSignIn(other.accounts()[0].Name) // so that only jane's are counted
	if err := other.play.RemoveAccount(t.Context(), other.accounts()[0].Name); err != nil {
		t.Fatal(err)
	}
	b.agrees("left", "jane", "", ps...)
	b.move("jane", person.Active)
	b.agrees("back", "jane", "", ps...)
	b.move("jane", person.Leaving)
	b.move("june", person.Leaving)
	b.now = b.now.Add(grace)
	b.agrees("gone", "jane", "", ps...)
	b.move("jane", person.Active)
	b.agrees("back again", "jane", "", ps...)
}

// TestSettle_ManyPeople: an event takes on 25 people and leaves the others to the
// next; one who is unknown is in the trail and stops nobody.
func TestSettle_ManyPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var keys []string
	for i := range 60 {
		keys = append(keys, b.person("p"+string(rune('A'+i)), person.Leaving))
	}
	keys = append(keys[:30:30], append([]string{"nobody"}, keys[30:]...)...)
	b.do(nudge(keys...))
	left, _, err := b.db.People(t.Context(), "acme", person.Leaving, record.Page{})
	if err != nil || len(left) != 60 {
		t.Fatalf("%d people, %v", len(left), err)
	}
	for _, p := range left {
		if p.Settled != person.Withdrawn {
			t.Errorf("%s is settled as %q", p.ID, p.Settled)
		}
	}
	if b.handled != 14 { // three events, of which each is done twice and publishes the next
		t.Errorf("%d events, want 14", b.handled)
	}
	want := line{access.Actor, "workflow.settle", "person:nobody", "not-found"}
	if h := b.history(0); len(h) == 0 || h[0] != want {
		t.Errorf("trail %v, want %v", h, want)
	}
}

// TestSettle_AnotherEnterprisesPerson is as good as unknown.
func TestSettle_AnotherEnterprisesPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.holding("jane", 1, 0)[0]
	c := nudge(b.person("jane", person.Leaving))
	c.Enterprise = "other"
	before := b.documents()
	b.do(c)
	same(t, "the store", before, b.documents())
	if len(p.accounts()) != 1 {
		t.Error("the device lost its account")
	}
	records, _, err := b.db.Audit(t.Context(), "other", time.Time{}, record.Page{})
	if err != nil || len(records) == 0 || records[0].Result != "not-found" {
		t.Errorf("trail %+v, %v, want not-found", records, err)
	}
}

// TestSettle_Settled: who is settled costs one read and no call to Google, however
// often the nudge comes.
func TestSettle_Settled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.holding("jane", 3, 2)
	b.move("jane", person.Leaving)
	before, calls := b.documents(), b.sim.Faults.Calls("*")
	b.driver.Fail(0, 0)
	if err := b.handle(nudge(person.KeyOf("acme", "jane"))); err != nil {
		t.Fatal(err)
	}
	if n := b.driver.Count(); n != 1 {
		t.Errorf("%d operations of the store, want 1", n)
	}
	if n := b.sim.Faults.Calls("*") - calls; n != 0 {
		t.Errorf("%d calls to Google", n)
	}
	same(t, "the store", before, b.documents())
}
