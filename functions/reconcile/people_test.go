package reconcile_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	directory = "system:directory"
	revoke    = "androidenterprise.users.revokeDeviceAccess"
)

// person stores a person who came to the state just now, as the synchronisation of
// the directory that dies before it tells anybody.
func (b *bench) person(id string, s person.State, settled person.Access) string {
	b.t.Helper()
	p := person.Person{Key: person.KeyOf("acme", id), Enterprise: "acme", ID: id, State: s, Since: b.now,
		Settled: settled, CreatedAt: b.now, UpdatedAt: b.now}
	if s == person.Leaving {
		p.DeleteAt = b.now.Add(48 * time.Hour)
	}
	b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	return p.Key
}

func (b *bench) personRow(id string) person.Person {
	b.t.Helper()
	p, err := b.db.Person(b.t.Context(), person.KeyOf("acme", id))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// equipped gives a person a device with an account at Google, and returns the
// device's id and the account's.
func (b *bench) equipped(id string) (deviceID, accountID string) {
	b.t.Helper()
	a := b.row("a-"+id, account.Creating)
	a.Subject.ID = id
	b.put(func(tx *record.Tx) error {
		d := device.Device{ID: "d-" + id, Enterprise: "acme", State: device.Active, EncryptionKey: []byte(`{}`),
			Subject: a.Subject, Desired: device.Desired{AccountID: a.ID, AccountName: "name", AccountType: a.Type}}
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return tx.PutDevice(d)
	})
	if _, err := b.sweeper.Accounts.Finish(b.t.Context(), a, actor); err != nil {
		b.t.Fatal(err)
	}
	return "d-" + id, a.ID
}

// TestReconcile_D10_Leavers: a leaver of whom nobody was told is left to the event
// for two minutes, then withdrawn, and the accounts go when the grace is over.
func TestReconcile_D10_Leavers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d, a := b.equipped("jane")
	key := b.person("jane", person.Leaving, person.Granted)
	before := len(b.trail())
	settled := reconcile.Summary{Settled: 1}
	for _, step := range []struct {
		at    time.Duration
		want  reconcile.Summary
		state person.State
		have  person.Access
		users int
	}{
		{2*time.Minute - time.Second, reconcile.Summary{}, person.Leaving, person.Granted, 1},
		{2 * time.Minute, settled, person.Leaving, person.Withdrawn, 1},
		{7 * time.Minute, reconcile.Summary{}, person.Leaving, person.Withdrawn, 1},
		{48*time.Hour - time.Second, reconcile.Summary{Verified: 1}, person.Leaving, person.Withdrawn, 1},
		{48 * time.Hour, settled, person.Gone, person.Removed, 0},
		{49 * time.Hour, reconcile.Summary{}, person.Gone, person.Removed, 0},
	} {
		b.now = noon.Add(step.at)
		if got := b.run(); got != step.want {
			t.Errorf("after %v: %+v, want %+v", step.at, got, step.want)
		}
		p := b.personRow("jane")
		if p.State != step.state || p.Settled != step.have || b.sim.UserCount(b.playID) != step.users {
			t.Errorf("after %v: %s, settled as %s, %d accounts at Google", step.at, p.State, p.Settled, b.sim.UserCount(b.playID))
		}
	}
	by := func(action, target, detail string) line { return line{directory, action, target, "ok", detail} }
	want := []line{
		by("access.withdraw", "device:"+d, "person:"+key), by("access.withdraw", "account:"+a, "person:"+key),
		by("person.depart", "person:"+key, "person:"+key), by("account.delete", "account:"+a, "person:jane"),
	}
	if diff := cmp.Diff(want, b.trail()[before:]); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestReconcile_D10_BackOff: who cannot be settled is taken up ever more rarely, at
// the most every six hours, stops nobody else, and is settled in the end.
func TestReconcile_D10_BackOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, a := b.equipped("jane")
	b.person("jane", person.Disabled, person.Granted)
	b.person("june", person.Disabled, person.Granted) // who has nothing
	b.sim.Faults.Add(googletest.Script{Method: revoke, Mode: googletest.Refuse})
	wait := 2 * time.Minute
	for n := 1; n <= 11; n++ {
		b.now = b.now.Add(wait - time.Second)
		if got := b.run(); got.Unsettled != 0 {
			t.Fatalf("attempt %d came before %v had passed", n, wait)
		}
		b.now = b.now.Add(time.Second)
		got := b.run()
		if got.Unsettled != 1 || n == 1 && got.Settled != 1 {
			t.Fatalf("attempt %d did not come after %v: %+v", n, wait, got)
		}
		if p := b.personRow("jane"); p.Attempts != n || p.Settled == person.Withdrawn {
			t.Fatalf("%d attempts, settled as %q, want %d", p.Attempts, p.Settled, n)
		}
		wait = min(2*wait, 6*time.Hour)
	}
	b.sim.Faults.Clear()
	b.now = b.now.Add(wait)
	if got := b.run(); got.Settled != 1 || got.Unsettled != 0 {
		t.Errorf("summary %+v, want one settled", got)
	}
	if p := b.personRow("jane"); p.Settled != person.Withdrawn || p.Attempts != 0 || b.account(a).Reason != "" {
		t.Errorf("the row %+v has traces of failure", p)
	}
}

// TestReconcile_D10_TheStoreFails: only a failure of the store ends the run, and the
// next one completes the work.
func TestReconcile_D10_TheStoreFails(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		d, _ := b.equipped("jane")
		b.person("jane", person.Leaving, person.Granted)
		b.now = b.now.Add(2 * time.Minute)
		b.faulty.Crash(k, 0)
		_, err := b.sweeper.Run(t.Context())
		fired := b.faulty.Fired()
		b.faulty.Fail(0, 0)
		if fired != (err != nil) {
			t.Errorf("operation %d: %v", k, err)
		}
		if !fired {
			return
		}
		b.now = b.now.Add(10 * time.Minute)
		b.run()
		row, err := b.db.Device(t.Context(), d)
		if err != nil || row.Desired.Hold != device.PersonLeft || b.personRow("jane").Settled != person.Withdrawn {
			t.Errorf("operation %d: the device is held for %q, the person settled as %q, %v", k, row.Desired.Hold, b.personRow("jane").Settled, err)
		}
	}
}

// TestReconcile_D10_MoreThanABatch is done in one run, also by two sweepers at once.
func TestReconcile_D10_MoreThanABatch(t *testing.T) {
	t.Parallel()
	const backlog = 220
	b := newBench(t)
	for i := range backlog {
		b.person(fmt.Sprintf("p%03d", i), person.Disabled, person.Granted)
	}
	b.now = b.now.Add(2 * time.Minute)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = b.sweeper.Handle(t.Context(), event.Event{}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range backlog {
		if p := b.personRow(fmt.Sprintf("p%03d", i)); p.Settled != person.Withdrawn {
			t.Errorf("%s is settled as %q", p.ID, p.Settled)
		}
	}
	if due, _, err := b.db.PeopleDue(t.Context(), b.now, 10); err != nil || len(due) != 0 {
		t.Errorf("%d people are due still, %v", len(due), err)
	}
}
