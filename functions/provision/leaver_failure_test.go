package provision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const (
	revokeCall = "androidenterprise.users.revokeDeviceAccess"
	deleteCall = "androidenterprise.users.delete"
)

// changes are what a person's row can ask for, with what comes before.
var changes = []struct {
	name   string
	before person.State
	change func(b *bench)
}{
	{"leaving", person.Active, func(b *bench) { b.person("jane", person.Leaving) }},
	{"disabled", person.Active, func(b *bench) { b.person("jane", person.Disabled) }},
	{"the end of the grace", person.Leaving, func(b *bench) { b.now = b.now.Add(grace) }},
	{"the return", person.Leaving, func(b *bench) { b.person("jane", person.Active) }},
	{"the return after the grace", person.Gone, func(b *bench) { b.person("jane", person.Active) }},
}

// TestSettle_E2_ACrashAnywhere: wherever the process dies or the store fails, the
// event that comes again completes the work, and so does reconcile alone where no
// event comes again.
func TestSettle_E2_ACrashAnywhere(t *testing.T) {
	t.Parallel()
	for _, tc := range changes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				for k := 1; ; k++ {
					b := newBench(t)
					ps := b.holding("jane", 1, 1)
					b.reach(tc.before)
					tc.change(b)
					key := person.KeyOf("acme", "jane")
					b.driver.Crash(k, when)
					err := b.handle(nudge(key))
					fired := b.driver.Fired()
					b.driver.Fail(0, when)
					where := fmt.Sprintf("operation %d, side %d", k, when)
					if fired {
						if !fault.Redeliver(err) {
							t.Errorf("%s: %v, want an error that brings the event back", where, err)
						}
						if k%2 == 0 {
							b.do(nudge(key))
						}
					}
					b.agrees(where, "jane", "", ps...)
					if !fired {
						break
					}
				}
			}
		})
	}
}

// TestSettle_E2_GoogleFailsAnywhere: each call to Google that is refused for now, or
// whose answer is lost, leaves the rest done, the event to come again, and the row to
// reconcile, which takes it up ever more rarely.
func TestSettle_E2_GoogleFailsAnywhere(t *testing.T) {
	t.Parallel()
	for _, tc := range changes {
		for _, mode := range []googletest.Mode{googletest.Refuse, googletest.DropBefore, googletest.DropAfter, googletest.RefuseAfter, googletest.Malformed} {
			t.Run(fmt.Sprintf("%s, mode %d", tc.name, mode), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				ps := b.holding("jane", 1, 1)
				b.reach(tc.before)
				tc.change(b)
				calls := b.sim.Faults.Calls("*")
				b.sim.Faults.Add(googletest.Script{Method: "*", Mode: mode})
				err := b.handle(nudge(person.KeyOf("acme", "jane")))
				row := b.personRow("jane")
				if b.sim.Faults.Calls("*") == calls { // a return needs nothing of Google
					if err != nil || row.Settled != row.State.Access() {
						t.Errorf("%v, settled as %q", err, row.Settled)
					}
				} else if err != nil {
					if !fault.Redeliver(err) || row.Attempts != 1 || !row.Due().Equal(b.now.Add(4*time.Minute)) {
						t.Errorf("%v, %d attempts, due after %v", err, row.Attempts, row.Due().Sub(b.now))
					}
					for _, p := range ps {
						if p.row().Desired.Barred == "" {
							t.Errorf("%s is not told to give its account up", p.id)
						}
					}
				}
				b.sim.Faults.Clear()
				b.agrees("in the end", "jane", "", ps...)
				if row := b.personRow("jane"); row.Attempts != 0 {
					t.Errorf("%d attempts after all is well", row.Attempts)
				}
			})
		}
	}
}

// TestSettle_E2_AnAccountThatFailsForGood is in the trail once, stops neither the
// other devices nor the other accounts, brings no event back, and is settled when
// Google takes it at last.
func TestSettle_E2_AnAccountThatFailsForGood(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, call, action string
		state              person.State
	}{
		{"revoking", revokeCall, "access.withdraw", person.Active},
		{"deleting", deleteCall, "account.provision", person.Leaving},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ps := b.holding("jane", 1, 2)
			b.reach(tc.state)
			b.person("jane", person.Leaving)
			if tc.state == person.Leaving {
				b.now = b.now.Add(grace)
			}
			before := len(b.history(0))
			user := "account:" + ps[0].account().ID
			b.sim.Faults.Add(googletest.Script{Method: tc.call, Mode: googletest.Refuse, Status: 400, Times: 1})
			key := person.KeyOf("acme", "jane")
			if err := b.handle(nudge(key)); err != nil {
				t.Fatalf("%v, want the event acknowledged", err)
			}
			count := func(l line) (n int) {
				for _, got := range b.history(before) {
					if got == l {
						n++
					}
				}
				return n
			}
			if n := count(line{access.Actor, tc.action, user, "google-invalid"}); n != 1 {
				t.Errorf("%d records of the failure: %v", n, b.history(before))
			}
			if a := ps[0].account(); a.Reason != "google-invalid" {
				t.Errorf("the account's reason is %q", a.Reason)
			}
			row := b.personRow("jane")
			if row.Settled == row.State.Access() || row.Attempts != 1 {
				t.Errorf("the person is settled as %q after %d attempts", row.Settled, row.Attempts)
			}
			for _, p := range ps {
				b.stays(p)
			}
			for _, p := range ps[1:] {
				if a := p.account(); len(a.Bindings) != 0 {
					t.Errorf("%s keeps its place", p.id)
				}
			}
			// It fails twice more, which is no news.
			b.sim.Faults.Add(googletest.Script{Method: tc.call, Mode: googletest.Refuse, Status: 400, Times: 2})
			b.agrees("in the end", "jane", "", ps...)
			if n := count(line{access.Actor, tc.action, user, "google-invalid"}); n != 1 {
				t.Errorf("%d records of one failure", n)
			}
			if tc.state == person.Active && ps[0].account().Reason != "" {
				t.Errorf("the reason %q stays", ps[0].account().Reason)
			}
		})
	}
}

// TestSettle_GoogleKnowsNothing: an account, or an enterprise, that Google does not
// have needs no revoking.
func TestSettle_GoogleKnowsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		lose func(b *bench, p *phone)
	}{
		{"the account", func(b *bench, p *phone) { b.sim.DeleteUser(b.playID, p.account().UserID) }},
		{"the enterprise", func(b *bench, _ *phone) { b.sim.DeleteEnterprise(b.playID) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.holding("jane", 1, 0)[0]
			tc.lose(b, p)
			b.move("jane", person.Leaving)
			b.stays(p)
			graceOver(b, p)
			if row := b.personRow("jane"); row.Settled != person.Removed {
				t.Errorf("%s and settled as %q", row.State, row.Settled)
			}
		})
	}
}

// TestSettle_ADamagedDevice does not stop the others, and leaves the person to later
// turns, for it may be restored from a backup.
func TestSettle_ADamagedDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ps := b.holding("jane", 2, 0)
	lost, err := b.driver.Get(t.Context(), store.Key{Kind: record.Devices, ID: ps[0].id})
	if err != nil {
		t.Fatal(err)
	}
	put := func(body []byte) {
		doc := lost
		doc.Body = body
		if err := b.driver.Update(t.Context(), func(tx store.Txn) error { return tx.Put(doc) }); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte(`{"id":1}`))
	b.move("jane", person.Leaving)
	b.stays(ps[1])
	if row := b.personRow("jane"); row.Settled == person.Withdrawn || row.Attempts == 0 {
		t.Errorf("settled as %q after %d attempts", row.Settled, row.Attempts)
	}
	if n := len(b.sim.Users(b.playID)[0].Devices); n != 0 {
		t.Errorf("%d devices have access at Google", n)
	}
	put(lost.Body)
	b.agrees("restored", "jane", "", ps...)
}
