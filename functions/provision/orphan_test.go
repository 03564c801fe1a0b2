package provision_test

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

const insertCall = "androidenterprise.users.insert"

// TestProvision_P2_NothingIsMadeOfWhatIsDeleted: for an account that is deleted, or is
// being deleted, Google is not asked at all, so that no crash leaves anything there.
func TestProvision_P2_NothingIsMadeOfWhatIsDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.holding("jane", 1, 0)[0]
	gone := p.account().UserID
	b.demand(workflow.Delete, p)
	calls := b.sim.Faults.Calls(insertCall)
	refused := func(what string, err error) {
		t.Helper()
		if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != "account-deleted" {
			t.Errorf("%s: %v, want account-deleted", what, err)
		}
		if n := b.sim.Faults.Calls(insertCall) - calls; n != 0 {
			t.Errorf("%s: %d insertions", what, n)
		}
	}
	row := p.account()
	_, err := b.worker.Accounts.Finish(t.Context(), row, admin)
	refused("finishing", err)
	_, err = b.worker.Accounts.Renew(t.Context(), row.ID, gone, admin)
	refused("renewing", err)
	row.State = account.Deleting
	_, err = b.worker.Accounts.Finish(t.Context(), row, admin)
	refused("finishing what is being deleted", err)
}

// TestProvision_P2_ACrashAfterALateCreation: a creation that reaches Google after the
// account's deletion has ended, and whose process dies before, or in the middle of,
// mending that, leaves nothing at Google in the end.
func TestProvision_P2_ACrashAfterALateCreation(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newBench(t)
			p := b.phone("jane", account.UserAccount)
			want := p.wanted()
			b.worker.Accounts.Google = &overtaken{provider: b.worker.Accounts.Google, early: true, meanwhile: func() {
				if err := b.handle(command(workflow.Delete, want.ID)); err != nil {
					t.Errorf("the deletion: %v", err)
				}
				b.driver.Crash(k, when)
			}}
			_, err := b.worker.Accounts.Ensure(t.Context(), want, admin)
			fired := b.driver.Fired()
			b.driver.Fail(0, when)
			if err == nil {
				t.Errorf("operation %d, side %d: the account was made", k, when)
			}
			b.now = b.now.Add(10 * time.Minute)
			b.sweep()
			if n := b.sim.UserCount(b.playID); n != 0 {
				t.Errorf("operation %d, side %d: Google has %d accounts that no row names", k, when, n)
			}
			if a := p.account(); a.State != account.Deleted || !a.Due().IsZero() {
				t.Errorf("operation %d, side %d: the row is %s and due %v", k, when, a.State, a.Due())
			}
			if !fired {
				if k < 3 {
					t.Errorf("only %d operations failed", k-1)
				}
				break
			}
		}
	}
}
