package provision_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// all returns a renewal of everybody, or of everybody with the label.
func all(label string) workflow.Command {
	c := command(workflow.Renew)
	c.All, c.HavingLabel = true, label
	return c
}

// TestRenew_W7_WhomItIsFor: people who are named, all, and those who have a label
// themselves or by a device; every event comes twice, and everybody gets one new
// password.
func TestRenew_W7_WhomItIsFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cmd  func(jane, joe string) workflow.Command
		want string // whose password is new
	}{
		{"named", func(jane, _ string) workflow.Command { return command(workflow.Renew, jane) }, "jane "},
		{"all", func(_, _ string) workflow.Command { return all("") }, "jane joe kim lee "},
		{"a label", func(_, _ string) workflow.Command { return all("field") }, "jane joe kim "},
		{"a label that nobody has", func(_, _ string) workflow.Command { return all("office") }, ""},
	} {
		for _, now := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, now %v", tc.name, now), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.policy(password.Policy{})
				names := []string{"jane", "joe", "kim", "lee"}
				jane, joe := b.active("jane", "field"), b.active("joe")
				b.active("kim", "field")
				b.active("lee")
				b.someone("mia", "field") // has no password
				b.labelled("joe", "other", "field")
				b.labelled("joe", "field")
				b.labelled("kim", "field")
				b.edit(b.labelled("lee", "field"), func(d *device.Device) { d.State = device.Retired })
				c := tc.cmd(jane, joe)
				c.Now = now
				b.do(c)
				renewed, told := "", b.told()
				for _, n := range names {
					key := person.KeyOf("acme", n)
					l := b.ledger(key)
					if l.Version == 1 {
						continue
					}
					renewed += n + " "
					if l.Version != 2 || l.State != password.Pending || l.Waiting() == now || told[key] != now {
						t.Errorf("%s: %+v, told %v", n, l, told[key])
					}
				}
				if renewed != tc.want {
					t.Errorf("renewed %q, want %q", renewed, tc.want)
				}
			})
		}
	}
}

// TestRenew_OutOfFailedAndWithoutPassword: a password that was given up gets all
// attempts anew, and who has none is only told of in the trail, where named.
func TestRenew_OutOfFailedAndWithoutPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.policy(password.Policy{})
	failed := b.password("jane", func(l *password.Ledger) {
		l.State, l.Attempts, l.Reason = password.Failed, 5, password.ReasonAttempts
	})
	none := b.someone("joe")
	b.do(command(workflow.Renew, failed, none, "nobody"))
	b.do(all(""))
	if l := b.ledger(failed); l.State != password.Pending || l.Attempts != 0 || l.Version != 2 {
		t.Errorf("renewed out of failed: %+v", l)
	}
	want := []line{
		{admin, "password.renewed", "person:" + failed, "ok"},
		{admin, "workflow.renew", "person:" + none, "no-password"},
		{admin, "workflow.renew", "person:nobody", "not-found"},
	}
	if diff := cmp.Diff(want, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
	if got := len(b.documents()); got != 2+1+1+2 { // enterprises, policy, password, people
		t.Errorf("%d documents, want 6: nobody may get a row", got)
	}
}

func TestRenew_WithoutAPolicyNothingIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.active("jane")
	before := b.ledger(key)
	if err := b.handle(all("")); fault.Redeliver(err) || fault.ReasonOf(err) != password.ReasonOff {
		t.Errorf("%v, want a final %s", err, password.ReasonOff)
	}
	if diff := cmp.Diff(before, b.ledger(key)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]line{{admin, "workflow.renew", "enterprise:acme", password.ReasonOff}}, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestRenew_IsPagedAndPaced: many are renewed in events of a bounded size, each of
// them once, and what Google is to get at once is spread behind the quota.
func TestRenew_IsPagedAndPaced(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"", "field"} {
		t.Run("label "+label, func(t *testing.T) {
			t.Parallel()
			const people = 130
			b := newBench(t)
			b.calm = true // a duplicate of a page repeats what follows it as well
			b.policy(password.Policy{})
			for i := range people {
				b.active(fmt.Sprintf("p%03d", i), "field")
			}
			c := all(label)
			c.Now = true
			b.do(c)
			// One a second: 60 in the first minute, and two more minutes.
			told, minutes := len(b.told()), map[int]int{}
			rows, _, err := b.db.Passwords(t.Context(), "acme", password.Pending, record.Page{Limit: 1000})
			if err != nil || len(rows) != people {
				t.Fatalf("%d rows are pending, %v", len(rows), err)
			}
			for _, l := range rows {
				if l.Version != 2 {
					t.Fatalf("%s has version %d", l.Person, l.Version)
				}
				minutes[int((l.NextAt.Sub(noon)+time.Minute-1)/time.Minute)]++ // the sweep that tells of it
			}
			if diff := cmp.Diff(map[int]int{0: 60, 1: 60, 2: 10}, minutes); diff != "" || told != 60 {
				t.Errorf("%d told, by minute (-want +got):\n%s", told, diff)
			}
			if want := map[string]int{"": 6, "field": 1 + 2}[label]; b.handled != want {
				t.Errorf("%d events, want %d", b.handled, want)
			}
		})
	}
}

// TestRenew_W4_RepeatCompletes: wherever the store fails, the event comes again, and
// everybody has one new password and was told of it.
func TestRenew_W4_RepeatCompletes(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newBench(t)
			b.policy(password.Policy{})
			keys := []string{b.active("jane"), b.active("joe")}
			c := all("")
			c.Now = true
			b.driver.Crash(k, when)
			err := b.handle(c)
			fired := b.driver.Fired()
			b.driver.Fail(0, when)
			if fired {
				if !fault.Redeliver(err) {
					t.Errorf("operation %d: %v, want an error that brings the event back", k, err)
				}
				if err := b.handle(c); err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range keys {
				l := b.ledger(key)
				if l.Version != 2 || l.Sealed != fmt.Sprintf("acme/%s/2", key) || l.Due().Sub(noon) > password.TurnTime {
					t.Errorf("operation %d: %+v", k, l)
				}
			}
			if !fired {
				break
			}
		}
	}
}

// TestRetire_RotateOnLoss: a person's password goes with the last device, or with one
// that is in other hands, where the policy says so.
func TestRetire_RotateOnLoss(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		policy  *password.Policy
		devices int
		lost    bool
		again   bool // retired before, by another command
		want    bool
	}{
		{"lost", &password.Policy{RotateOnLoss: true}, 2, true, false, true},
		{"one of two", &password.Policy{RotateOnLoss: true}, 2, false, false, false},
		{"the last", &password.Policy{RotateOnLoss: true}, 1, false, false, true},
		{"lost, and the policy does not care", &password.Policy{}, 1, true, false, false},
		{"lost, without a policy", nil, 1, true, false, false},
		{"retired before", &password.Policy{RotateOnLoss: true}, 1, false, true, false},
		{"retired before, and found to be lost", &password.Policy{RotateOnLoss: true}, 2, true, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if tc.policy != nil {
				b.policy(*tc.policy)
			}
			key := b.active("jane")
			first := b.phone("jane", account.UserAccount)
			for range tc.devices - 1 {
				b.phone("jane", account.UserAccount)
			}
			if tc.again {
				b.edit(first.id, func(d *device.Device) { d.State, d.CommandAt = device.Retired, asked.Add(-time.Hour) })
			}
			c := command(workflow.Retire, first.id)
			c.Lost = tc.lost
			b.do(c)
			l := b.ledger(key)
			if got := l.Version == 2; got != tc.want || b.told()[key] != tc.want {
				t.Fatalf("renewed: %v, want %v; %+v", got, tc.want, l)
			}
			if tc.want && (l.State != password.Pending || !l.NextAt.Equal(noon)) {
				t.Errorf("the new password does not go to Google at once: %+v", l)
			}
		})
	}
}

// TestRetire_RotateOnLossCompletes: wherever the store fails, the repeat renews, and
// once.
func TestRetire_RotateOnLossCompletes(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		b.policy(password.Policy{RotateOnLoss: true})
		key := b.active("jane")
		c := command(workflow.Retire, b.phone("jane", account.UserAccount).id)
		b.driver.Crash(k, storetest.After)
		err := b.handle(c)
		fired := b.driver.Fired()
		b.driver.Fail(0, storetest.After)
		if fired {
			err = errors.Join(b.handle(c), b.handle(c))
		}
		if err != nil {
			t.Fatalf("operation %d: %v", k, err)
		}
		if l := b.ledger(key); l.Version != 2 || l.Due().Sub(noon) > password.TurnTime {
			t.Errorf("operation %d: %+v", k, l)
		}
		if !fired {
			return
		}
	}
}
