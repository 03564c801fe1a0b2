package provision_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestSettle_D10_ATokenUnderWay: a token that was asked for before the person left,
// and adds the account after Google signed every device out, is given up by the
// device at its next check-in, and by Google when the token has had its time even if
// the device never checks in.
func TestSettle_D10_ATokenUnderWay(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.Type{account.UserAccount, account.DeviceAccount} {
		for _, late := range []string{"at Google", "on its way to the device"} {
			t.Run(fmt.Sprintf("%s, %s", kind, late), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.person("jane", person.Active)
				p := b.phone("jane", kind)
				row, directive, err := p.ask()
				if err != nil {
					t.Fatal(err)
				}
				leave := func() { b.move("jane", person.Leaving) }
				if late == "at Google" {
					leave()
				}
				auth, err := p.mint(row)
				if err != nil {
					t.Fatal(err)
				}
				if late != "at Google" {
					leave()
				}
				p.take(auth, directive)
				if got := b.personRow("jane"); got.Settled == person.Withdrawn {
					t.Error("the person is settled although a token is under way")
				}
				if n := len(b.sim.Users(b.playID)[0].Devices); n != 1 {
					t.Fatalf("%d devices have access at Google; the test proves nothing", n)
				}
				if _, _, err := p.ask(); err != errNotToAdd {
					t.Errorf("asking for another token: %v", err)
				}
				started := b.now
				b.sweep()
				if took := b.now.Sub(started); took > 20*time.Minute {
					t.Errorf("settled after %v", took)
				}
				if n := len(b.sim.Users(b.playID)[0].Devices); n != 0 {
					t.Errorf("%d devices have access at Google", n)
				}
				if places := len(p.account().Bindings); places != 0 {
					t.Errorf("%d devices have a place on the account", places)
				}
				b.stays(p)
				b.move("jane", person.Active)
				b.agrees("back", "jane", "", p)
			})
		}
	}
}

// TestSettle_D10_ACreationThatIsLate: an account that an admin has created while its
// person goes for good does not outlive that.
func TestSettle_D10_ACreationThatIsLate(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		b := newBench(t)
		b.worker.Accounts.Google = steppedGoogle{b.worker.Accounts.Google, &b.cut}
		ps := b.holding("jane", 1, 0)
		b.reach(person.Leaving)
		b.demand(workflow.Delete, ps[0])
		reached := b.into(k, func() { b.demand(workflow.Create, ps[0]) }, func() {
			b.now = b.now.Add(grace)
			b.settleNow()
		})
		if !reached {
			if k < 5 {
				t.Errorf("only %d steps were interrupted", k-1)
			}
			return
		}
		b.agrees(fmt.Sprintf("step %d", k), "jane", "", ps...)
		if s := b.personRow("jane").State; s != person.Gone {
			t.Errorf("step %d: the person is %s", k, s)
		}
	}
}

// TestSettle_D10_ReorderedAndDoubled: people who leave, are disabled and return, with
// nudges that are late, doubled, lost and at once, end as their rows say.
func TestSettle_D10_ReorderedAndDoubled(t *testing.T) {
	t.Parallel()
	states := []person.State{person.Active, person.Leaving, person.Disabled, person.Missing}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 10))
			b := newBench(t)
			ps := b.holding("jane", 2, 1)
			key := person.KeyOf("acme", "jane")
			for range 6 {
				var wg sync.WaitGroup
				// The clock stands still while several work; rows change between them.
				b.person("jane", states[rnd.IntN(len(states))])
				next, at := states[rnd.IntN(len(states))], b.now
				for range 4 {
					wg.Go(func() {
						if _, err := b.worker.Settler.Settle(t.Context(), "acme", key, false); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Go(func() {
					err := b.db.Update(t.Context(), func(tx *record.Tx) error {
						p, err := tx.Person(key)
						if err != nil {
							return err
						}
						p.State, p.Since, p.DeleteAt = next, at.Add(time.Millisecond), at.Add(grace)
						return tx.PutPerson(p)
					})
					if err != nil {
						t.Error(err)
					}
				})
				wg.Wait()
				if rnd.IntN(2) == 0 {
					for _, p := range ps {
						p.try()
					}
				}
			}
			b.agrees("in the end", "jane", "", ps...)
		})
	}
}

// TestSettle_T4_NothingIsForgiven: being away gives a device whose answer is still
// due no count back.
func TestSettle_T4_NothingIsForgiven(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.holding("jane", 1, 0)[0]
	p.play.LoseSignIn(p.accounts()[0].Name)
	p.obey()
	if _, _, err := p.ask(); err != nil {
		t.Fatal(err)
	}
	tokens := len(p.account().Bindings[0].Tokens)
	b.move("jane", person.Disabled)
	b.move("jane", person.Active)
	if got := len(p.account().Bindings[0].Tokens); got != tokens {
		t.Errorf("%d tokens are counted, want %d", got, tokens)
	}
	if p.row().Desired.Hold != device.NoHold {
		t.Errorf("held for %q", p.row().Desired.Hold)
	}
}
