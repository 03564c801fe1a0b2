package access_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestReturned_D10_OffersThePasswordAgain when access is granted again, and at no
// other time, and no password that was given up for anything else.
func TestReturned_D10_OffersThePasswordAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		reason string
		states []person.State
		want   bool
	}{
		{"back after being locked", password.ReasonPersonAway, []person.State{person.Disabled, person.Active}, true},
		{"back within the grace", password.ReasonPersonAway, []person.State{person.Leaving, person.Active}, true},
		{"back after the grace", password.ReasonPersonAway, []person.State{person.Gone, person.Active}, true},
		{"still locked", password.ReasonPersonAway, []person.State{person.Disabled}, false},
		{"left, then locked", password.ReasonPersonAway, []person.State{person.Leaving, person.Disabled}, false},
		{"gone", password.ReasonPersonAway, []person.State{person.Leaving, person.Gone}, false},
		{"refused before", "workspace-password", []person.State{person.Disabled, person.Active}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.givesUp(tc.reason)
			for _, to := range tc.states {
				h.becomes(to)
				h.settle()
			}
			want := givenUp(tc.reason)
			if tc.want {
				want = want.Returned(h.now)
			}
			if got := h.password(); got != want || tc.want != (got.State == password.Pending && got.Version == 3 && got.Sealed == sealed) {
				t.Errorf("the password is %+v, want %+v", got, want)
			}
		})
	}
}

// TestReturned_E2_AtEveryOperation: wherever the process dies, who has access again
// has no password that was given up for being away, and nobody else is offered one.
func TestReturned_E2_AtEveryOperation(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		fired := false
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			h := newHome(t)
			h.becomes(person.Disabled)
			h.settle()
			h.givesUp(password.ReasonPersonAway)
			h.becomes(person.Active)
			h.faulty.Crash(k, when)
			_, err := h.settler.Settle(t.Context(), acme, janeKey, false)
			fired = h.faulty.Fired()
			h.faulty.Fail(0, when)
			where := fmt.Sprintf("operation %d, side %d", k, when)
			settled := h.person().Settled == person.Granted
			if offered := h.password().State == password.Pending; offered != settled {
				t.Errorf("%s: settled is %v, and the password is offered %v", where, settled, offered)
			}
			if fired && !fault.Redeliver(err) {
				t.Errorf("%s: %v, want an error that brings the event back", where, err)
			}
			h.settle()
			if got := h.password(); got != givenUp(password.ReasonPersonAway).Returned(h.now) || h.person().Settled != person.Granted {
				t.Errorf("%s: in the end the password is %+v", where, got)
			}
		}
		if !fired {
			if k < 4 {
				t.Errorf("%d operations were broken", k-1)
			}
			return
		}
	}
}

// TestReturned_CostsOneRead for who is back, and nothing for who is settled or leaves.
func TestReturned_CostsOneRead(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	reads := func(to person.State) int64 {
		h.becomes(to)
		ctx, ops := store.WithOps(context.Background())
		if res, err := h.settler.Settle(ctx, acme, janeKey, false); err != nil || !res.Settled {
			t.Fatalf("%+v, %v", res, err)
		}
		return ops.Reads.Load()
	}
	// Person; devices; person and device; accounts; person.
	if n := reads(person.Disabled); n != 6 {
		t.Errorf("%d reads for who is away, want 6", n)
	}
	if n := reads(person.Active); n != 6 { // no accounts, but the password
		t.Errorf("%d reads for who is back, want 6", n)
	}
	if n := reads(person.Active); n != 1 {
		t.Errorf("%d reads for who is settled, want 1", n)
	}
}

// TestReturned_D8_DespiteADamagedRow: the person has access again all the same.
func TestReturned_D8_DespiteADamagedRow(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.becomes(person.Disabled)
	h.settle()
	doc := store.Document{Key: store.Key{Kind: record.Passwords, ID: janeKey}, Body: []byte(`{"version":"3"}`)}
	if err := h.driver.Update(t.Context(), func(tx store.Txn) error { return tx.Put(doc) }); err != nil {
		t.Fatal(err)
	}
	h.becomes(person.Active)
	h.settle()
	if p := h.person(); p.Settled != person.Granted {
		t.Errorf("settled as %q", p.Settled)
	}
}
