package stack_test

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// person brings person-1 to a state and does the nudge that follows. deleteAt is
// when the grace of a leaver ends.
func (w *world) person(to person.State, deleteAt time.Time) {
	w.t.Helper()
	key := person.KeyOf("acme", "person-1")
	err := w.db().Update(w.t.Context(), func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil {
			p = person.Person{Key: key, Enterprise: "acme", ID: "person-1", Settled: person.Granted, CreatedAt: time.Now()}
		}
		p.State, p.Since, p.UpdatedAt, p.DeleteAt = to, time.Now(), time.Now(), deleteAt
		return tx.PutPerson(p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.send(w.t.Context(), workflow.Command{Enterprise: "acme", Op: workflow.Settle, People: []string{key},
		RequestedBy: access.Actor, RequestID: "run-1", RequestedAt: time.Now()}, 2)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.db().Person(w.t.Context(), key)
	if err != nil || p.Settled != p.State.Access() {
		w.t.Fatalf("a person who is %s is settled as %q, %v", p.State, p.Settled, err)
	}
}

// TestLeaver_D10_EndToEnd: the device of a person who leaves gives the account up at
// its next check-in, Google has revoked it before that and deletes it after the
// grace, and whoever returns gets the account back under the same identifier.
func TestLeaver_D10_EndToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(person.Active, time.Time{})
	p := w.phone(w.enrollmentToken("person-1", 1))
	p.settle()
	first := w.theDevice().Desired.AccountID
	for _, step := range []struct {
		name     string
		state    person.State
		deleteAt time.Time
		hold     device.Hold
		account  account.State // after the nudge
		google   int           // accounts then
		holds    int           // accounts on the device after its check-ins
	}{
		{"leaves", person.Leaving, time.Now().Add(time.Hour), device.PersonLeft, account.Active, 1, 0},
		{"back within the grace", person.Active, time.Time{}, "", account.Active, 1, 1},
		{"is disabled", person.Disabled, time.Time{}, device.PersonDisabled, account.Active, 1, 0},
		{"is enabled", person.Active, time.Time{}, "", account.Active, 1, 1},
		{"leaves again", person.Leaving, time.Now().Add(time.Hour), device.PersonLeft, account.Active, 1, 0},
		{"the grace is over", person.Leaving, time.Now().Add(-time.Second), device.PersonLeft, account.Deleted, 0, 0},
		{"back after the grace", person.Active, time.Time{}, "", account.Deleted, 0, 1},
	} {
		w.person(step.state, step.deleteAt)
		row, err := w.db().Account(t.Context(), first)
		if err != nil || row.State != step.account || w.play.UserCount(w.ent) != step.google {
			t.Errorf("%s: the account is %s and Google has %d, %v", step.name, row.State, w.play.UserCount(w.ent), err)
		}
		for _, u := range w.play.Users(w.ent) {
			if len(u.Devices) != 0 { // the device has not checked in yet
				t.Errorf("%s: %d devices have access at Google", step.name, len(u.Devices))
			}
		}
		if step.holds == 0 {
			if _, err := p.once(t.Context()); err != nil { // one check-in is enough
				t.Fatalf("%s: %v", step.name, err)
			}
		} else {
			p.settle()
		}
		have, err := p.play.Accounts(t.Context())
		if err != nil || len(have) != step.holds || step.holds == 1 && have[0].State != protocol.AccountReady {
			t.Errorf("%s: the device holds %v, %v", step.name, have, err)
		}
		d := w.theDevice()
		if d.Desired.Hold != step.hold || d.Desired.AccountID != first {
			t.Errorf("%s: held for %q with the account %s", step.name, d.Desired.Hold, d.Desired.AccountID)
		}
	}
	if us := w.play.Users(w.ent); len(us) != 1 || us[0].Identifier != first || len(us[0].Devices) != 1 {
		t.Errorf("Google has %+v, want the account %s on one device", us, first)
	}
}

// TestLeaver_D10_LeavesBeforeTheFirstToken: a device that enrolled for a person who
// left before it asked gets nothing.
func TestLeaver_D10_LeavesBeforeTheFirstToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person(person.Active, time.Time{})
	p := w.phone(w.enrollmentToken("person-1", 1))
	if err := p.enroll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.person(person.Leaving, time.Now().Add(time.Hour))
	if done, err := p.once(t.Context()); err != nil || !done {
		t.Errorf("done %t, %v, want nothing to do", done, err)
	}
	if have, err := p.play.Accounts(t.Context()); err != nil || len(have) != 0 || w.play.UserCount(w.ent) != 0 {
		t.Errorf("the device holds %v and Google has %d accounts, %v", have, w.play.UserCount(w.ent), err)
	}
}
