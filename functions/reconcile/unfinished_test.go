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
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const insert = "androidenterprise.users.insert"

// TestReconcile_P1_Unfinished: what a crash left half done is left to its caller
// for two minutes and then finished, whether or not Google had heard of it.
func TestReconcile_P1_Unfinished(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		state  account.State
		google bool // Google has the account
		known  bool // the row knows its user id
		want   account.State
		action string
	}{
		{"creating, not yet at Google", account.Creating, false, false, account.Active, "account.create"},
		{"creating, the answer was lost", account.Creating, true, false, account.Active, "account.create"},
		{"deleting", account.Deleting, true, true, account.Deleted, "account.delete"},
		{"deleting, the answer was lost", account.Deleting, false, true, account.Deleted, "account.delete"},
		{"deleting what was never finished", account.Deleting, true, false, account.Deleted, "account.delete"},
		{"deleting what Google never had", account.Deleting, false, false, account.Deleted, "account.delete"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			row := b.row("a1", tc.state)
			if tc.google || tc.known {
				user, err := b.play.Insert(t.Context(), b.playID, row.Spec())
				if err != nil {
					t.Fatal(err)
				}
				if tc.known {
					row.UserID = user
					b.put(func(tx *record.Tx) error { return tx.PutAccount(row) })
				}
				if !tc.google {
					b.sim.DeleteUser(b.playID, user)
				}
			}
			b.now = noon.Add(2*time.Minute - time.Second)
			if got := b.run(); got.Finished != 0 {
				t.Errorf("%d finished within the grace", got.Finished)
			}
			b.now = noon.Add(2 * time.Minute)
			if got := b.run(); got != (reconcile.Summary{Finished: 1}) {
				t.Errorf("summary %+v, want one finished", got)
			}
			got, users := b.account("a1"), b.sim.Users(b.playID)
			if got.State != tc.want || (len(users) == 1) != (tc.want == account.Active) {
				t.Errorf("the row is %s and Google has %d accounts, want %s", got.State, len(users), tc.want)
			}
			if tc.want == account.Active && got.UserID != users[0].ID {
				t.Errorf("the row names %s, Google %s", got.UserID, users[0].ID)
			}
			want := []line{{actor, tc.action, "account:a1", "ok", "person:a1"}}
			if diff := cmp.Diff(want, b.trail()); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
			if got := b.run(); got != (reconcile.Summary{}) {
				t.Errorf("the next run did %+v", got)
			}
		})
	}
}

// TestReconcile_BackOff: what fails is taken up ever more rarely, at the most
// every six hours, and forgets its failures when it succeeds.
func TestReconcile_BackOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.row("a1", account.Creating)
	b.sim.Faults.Add(googletest.Script{Method: insert, Mode: googletest.Refuse})
	wait := 2 * time.Minute
	for n := 1; n <= 12; n++ {
		b.now = b.now.Add(wait - time.Second)
		if got := b.run(); got.Postponed != 0 {
			t.Fatalf("attempt %d came before %v had passed", n, wait)
		}
		b.now = b.now.Add(time.Second)
		if got := b.run(); got.Postponed != 1 {
			t.Fatalf("attempt %d did not come after %v: %+v", n, wait, got)
		}
		if row := b.account("a1"); row.Attempts != n || row.Reason != "google-backend" {
			t.Fatalf("row: %d attempts, reason %q, want %d, google-backend", row.Attempts, row.Reason, n)
		}
		wait = min(2*wait, 6*time.Hour)
	}
	b.sim.Faults.Clear()
	b.now = b.now.Add(wait)
	b.run()
	if row := b.account("a1"); row.State != account.Active || row.Attempts != 0 || row.Reason != "" {
		t.Errorf("row %+v, want it active and without a trace of failure", row)
	}
}

// TestReconcile_OneFailureStopsNobody: neither another account nor another part of
// the run.
func TestReconcile_OneFailureStopsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 9 {
		b.row(fmt.Sprintf("a%d", i), account.Creating)
	}
	p := b.asked()
	b.sim.Faults.Add(googletest.Script{Method: insert, Mode: googletest.Refuse, Status: 400, Times: 1})
	b.sim.Faults.Add(googletest.Script{Method: "androidenterprise.enterprises.pullNotificationSet", Mode: googletest.Refuse})
	b.now = b.now.Add(10 * time.Minute)
	sum, err := b.sweeper.Run(t.Context())
	if !fault.Redeliver(err) {
		t.Errorf("Google does not tell its notifications, and the run says %v, want an error that brings it back", err)
	}
	if want := (reconcile.Summary{Finished: 8, Postponed: 1, Expired: 1}); sum != want {
		t.Errorf("summary %+v, want %+v", sum, want)
	}
	if got := p.tokens()[0]; got != "expired" {
		t.Errorf("the token is %s, want expired", got)
	}
}

// TestReconcile_MoreThanABatch is done in one run, also by two sweepers at once,
// and each account once.
func TestReconcile_MoreThanABatch(t *testing.T) {
	t.Parallel()
	const backlog = 220
	b := newBench(t)
	for i := range backlog {
		b.row(fmt.Sprintf("a%03d", i), account.Creating)
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
	if n := b.sim.UserCount(b.playID); n != backlog {
		t.Errorf("Google has %d accounts, want %d", n, backlog)
	}
	if n := len(b.trail()); n != backlog {
		t.Errorf("%d records of creation, want %d", n, backlog)
	}
}
