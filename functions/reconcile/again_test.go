package reconcile_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// listed is a store in which something happens after the first listing of accounts.
type listed struct {
	store.Driver
	once      sync.Once
	meanwhile func()
}

func (l *listed) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	docs, err := l.Driver.Find(ctx, q)
	if q.Kind == record.Accounts {
		l.once.Do(l.meanwhile)
	}
	return docs, err
}

// TestReconcile_P2_TheListingIsOld: what ended, and was wanted again, since the listing
// was made is left alone.
func TestReconcile_P2_TheListingIsOld(t *testing.T) {
	t.Parallel()
	for _, state := range []account.State{account.Deleting, account.Creating} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			row := b.row("a1", state)
			b.now = noon.Add(2 * time.Minute)
			inserts := 0
			b.sweeper.DB = record.New(&listed{Driver: b.driver, meanwhile: func() {
				if err := b.sweeper.Accounts.Remove(t.Context(), row.ID, "admin:a@example.com"); err != nil {
					t.Error(err)
				}
				if state == account.Deleting {
					if _, err := b.sweeper.Accounts.Ensure(t.Context(), row, "device:d1"); err != nil {
						t.Error(err)
					}
				}
				inserts = b.sim.Faults.Calls(insert)
			}}, func() string { return "z" })
			if got := b.run(); got != (reconcile.Summary{}) {
				t.Errorf("the run did %+v", got)
			}
			if n := b.sim.Faults.Calls(insert) - inserts; n != 0 {
				t.Errorf("%d insertions", n)
			}
			got, want := b.account("a1"), account.Active
			if state == account.Creating {
				want = account.Deleted
			}
			if users := b.sim.UserCount(b.playID); got.State != want || (users == 1) != (want == account.Active) {
				t.Errorf("the row is %s, want %s, and Google has %d accounts", got.State, want, users)
			}
		})
	}
}

// TestReconcile_P2_ACreationAfterItsDeletion: an account that was deleted while its
// creation was under way is looked at once more, for the creation may have reached
// Google after the deletion.
func TestReconcile_P2_ACreationAfterItsDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	row := b.row("a1", account.Creating)
	if err := b.sweeper.Accounts.Remove(t.Context(), "a1", actor); err != nil {
		t.Fatal(err)
	}
	// The process that created it dies with this call.
	if _, err := b.play.Insert(t.Context(), b.playID, row.Spec()); err != nil {
		t.Fatal(err)
	}
	b.now = noon.Add(2 * time.Minute)
	if got := b.run(); got != (reconcile.Summary{Finished: 1}) {
		t.Errorf("summary %+v, want one finished", got)
	}
	if n := b.sim.UserCount(b.playID); n != 0 {
		t.Errorf("Google has %d accounts that no row names", n)
	}
	b.now = b.now.Add(time.Hour)
	if got := b.run(); got != (reconcile.Summary{}) {
		t.Errorf("the next run did %+v", got)
	}
}

// vacated returns a device that lost its place while a token was under way.
func (b *bench) vacated(state device.State, hold device.Hold) *phone {
	b.t.Helper()
	p := b.asked()
	b.put(func(tx *record.Tx) error {
		a, err := tx.Account(p.accountID)
		if err != nil {
			return err
		}
		a.Vacate(b.now, func(account.Binding) bool { return true })
		d := device.Device{ID: p.id, Enterprise: "acme", State: state, Desired: device.Desired{AccountID: p.accountID, Hold: hold}}
		if err := tx.PutDevice(d); err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
	return p
}

// TestReconcile_SignsOutOnceMore whom a token let in that was under way when the device
// lost its place, and takes it up ever more rarely where Google refuses.
func TestReconcile_SignsOutOnceMore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		state device.State
		hold  device.Hold
	}{
		{"held", device.Active, device.Revoked},
		{"retired", device.Retired, device.NoHold},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.vacated(tc.state, tc.hold)
			p.add()
			b.sim.Faults.Add(googletest.Script{Method: revoke, Mode: googletest.Refuse})
			due := 5 * time.Minute // the token's time
			for _, wait := range []time.Duration{0, 2 * time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute} {
				due += wait
				b.now = noon.Add(due - time.Second)
				if got := b.run(); got.Revoked+got.Postponed != 0 {
					t.Fatalf("%v after the beginning: %+v", due, got)
				}
				b.now = noon.Add(due)
				if got := b.run(); got.Postponed != 1 || got.Revoked != 0 {
					t.Fatalf("%v after the beginning: %+v, want one postponed", due, got)
				}
			}
			b.sim.Faults.Clear()
			b.now = b.now.Add(6 * time.Hour)
			if got := b.run(); got.Revoked != 1 || got.Postponed != 0 {
				t.Errorf("summary %+v, want one revoked", got)
			}
			if n := len(b.sim.Users(b.playID)[0].Devices); n != 0 {
				t.Errorf("%d devices have access at Google", n)
			}
			row := b.account(p.accountID)
			if len(row.Bindings) != 0 || !row.Due().IsZero() {
				t.Errorf("%d places, due %v", len(row.Bindings), row.Due())
			}
			trail := b.trail()
			last := trail[len(trail)-1]
			want := line{actor, "account.revoke", "account:" + p.accountID, "ok", "device:" + p.id}
			if diff := cmp.Diff(want, last); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReconcile_SparesWhoIsBack: the place of a device that is to have the account
// again is given back, and nobody is signed out.
func TestReconcile_SparesWhoIsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.vacated(device.Active, device.NoHold)
	p.add()
	b.now = noon.Add(5 * time.Minute)
	if got := b.run(); got.Revoked != 0 {
		t.Errorf("summary %+v", got)
	}
	if n := b.sim.Faults.Calls(revoke); n != 0 {
		t.Errorf("%d revocations", n)
	}
	if row := b.account(p.accountID); len(row.Bindings) != 1 || !row.Due().IsZero() {
		t.Errorf("%d places, due %v", len(row.Bindings), row.Due())
	}
}

// TestReconcile_SignsOutOnceMore_ACrashAnywhere: wherever the run dies, the next ones
// complete the work.
func TestReconcile_SignsOutOnceMore_ACrashAnywhere(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newBench(t)
			p := b.vacated(device.Active, device.Revoked)
			p.add()
			b.now = noon.Add(5 * time.Minute)
			b.faulty.Crash(k, when)
			_, err := b.sweeper.Run(t.Context())
			fired := b.faulty.Fired()
			b.faulty.Fail(0, when)
			for range 3 {
				b.now = b.now.Add(time.Hour)
				b.run()
			}
			if n := len(b.sim.Users(b.playID)[0].Devices); n != 0 {
				t.Errorf("operation %d, side %d: %d devices have access at Google", k, when, n)
			}
			if row := b.account(p.accountID); len(row.Bindings) != 0 || !row.Due().IsZero() {
				t.Errorf("operation %d, side %d: %d places, due %v", k, when, len(row.Bindings), row.Due())
			}
			if !fired {
				if k < 5 || err != nil {
					t.Errorf("only %d operations failed; the last run: %v", k-1, err)
				}
				break
			}
		}
	}
}
