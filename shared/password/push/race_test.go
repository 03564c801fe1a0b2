package push_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestPush_W2_W4_ManyAtOnce: two workers, and two hundred, with one person.
func TestPush_W2_W4_ManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.hire("anna")
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if _, err := b.Want(context.Background(), ent, key); err != nil {
						t.Error(err)
					}
					l, err := b.Push(context.Background(), ent, key)
					if err != nil || l.State != password.Active && l.State != password.Leased {
						t.Errorf("the row is %+v: %v", l, err)
					}
				})
			}
			wg.Wait()
			if l := b.row(key); l.Version != 1 || l.Leases != 1 || b.calls != 1 {
				t.Errorf("%d calls, and the row is %+v", b.calls, l)
			}
			b.agree(key)
		})
	}
}

// TestRenew_W7_ManyAtOnce: an event that comes twice, at once, renews once.
func TestRenew_W7_ManyAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.wanting("anna")
	b.push(key)
	b.advance(time.Minute)
	asked := b.clock()
	var wg sync.WaitGroup
	var mu sync.Mutex
	changes := 0
	for range 50 {
		wg.Go(func() {
			changed, err := b.Renew(context.Background(), push.Renewal{Enterprise: ent, Person: key, Asked: asked, When: password.AtOnce, Actor: "admin:a"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if changed {
				changes++
			}
		})
	}
	wg.Wait()
	if l := b.row(key); l.Version != 2 || changes != 1 || len(b.trail(key)) != 2 {
		t.Errorf("%d renewals of fifty changed the row, which is %+v, with the trail %q", changes, l, b.trail(key))
	}
	b.drive(key)
	b.agree(key)
}

// between is a generator during whose first work something else happens.
type between struct {
	password.Generator
	once func()
}

func (g *between) Generate(n int) (secret.Value, error) {
	if do := g.once; do != nil {
		g.once = nil
		do()
	}
	return g.Generator.Generate(n)
}

// TestRenew_W7_AnotherComesBetween: while the new password is being made. The same
// event leaves nothing to do; an older one leaves a password that is too old.
func TestRenew_W7_AnotherComesBetween(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		asked   time.Duration // of the other, before this
		changed bool
		version int
	}{{"the same", 0, false, 2}, {"an older", time.Minute, true, 3}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.wanting("anna")
			b.push(key)
			b.advance(time.Hour)
			r := push.Renewal{Enterprise: ent, Person: key, Asked: b.clock().Add(time.Minute), When: password.AtOnce, Actor: "admin:a"}
			b.Pusher.Generator = &between{b.Generator, func() {
				other := r
				other.Asked = r.Asked.Add(-tc.asked)
				if changed, err := b.Renew(t.Context(), other); err != nil || !changed {
					t.Error(changed, err)
				}
			}}
			changed, err := b.Renew(t.Context(), r)
			if l := b.row(key); err != nil || changed != tc.changed || l.Version != tc.version {
				t.Errorf("changed: %v, %v, and the row is %+v", changed, err, l)
			}
			b.drive(key)
			b.agree(key)
		})
	}
}

// TestCrowd_W2_W3_W4_WhateverHappens: two dozen people, with nudges that are lost,
// doubled and reordered, a store and a Google that fail now and then at any place,
// and renewals in between: nobody is stuck, and Google and the devices agree.
func TestCrowd_W2_W3_W4_WhateverHappens(t *testing.T) {
	t.Parallel()
	const people, rounds = 24, 10
	b := newBench(t)
	random := rand.New(rand.NewPCG(3, 4))
	b.policy(password.Policy{Enterprise: ent, Revision: 2, MaxAttempts: 3})
	var keys []string
	for n := range people {
		keys = append(keys, b.hire(fmt.Sprintf("p%02d", n)))
	}
	for _, mode := range []googletest.Script{
		{Mode: googletest.DropAfter}, {Mode: googletest.DropBefore}, {Mode: googletest.Refuse, Status: 503}, {Mode: googletest.Refuse, Status: 429},
		{Mode: googletest.RefuseAfter, Status: 409, Reason: "duplicate"}, {Mode: googletest.RefuseAfter, Status: 503}, {Mode: googletest.Malformed},
	} {
		mode.Method, mode.Times = updateMethod, 5
		b.sim.Faults.Add(mode)
	}
	for round := range rounds {
		for _, key := range keys {
			_, _ = b.Want(t.Context(), ent, key)
		}
		nudges := append(keys[:0:0], keys...)
		for _, key := range keys {
			if random.IntN(2) == 0 {
				nudges = append(nudges, key)
			}
		}
		random.Shuffle(len(nudges), func(i, j int) { nudges[i], nudges[j] = nudges[j], nudges[i] })
		nudges = nudges[:len(nudges)*3/4]
		b.driver.Fail(1+random.IntN(20), storetest.When(random.IntN(2)))
		var wg sync.WaitGroup
		for half := range 2 {
			wg.Go(func() {
				for i, key := range nudges {
					if i%2 == half {
						if _, err := b.Push(context.Background(), ent, key); err != nil && fault.ReasonOf(err) != "injected" {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		b.driver.Fail(0, storetest.Before)
		b.advance(time.Duration(random.IntN(200)) * time.Second)
		if round%4 == 3 {
			key := keys[random.IntN(people)]
			_, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: key, Asked: b.clock(), When: password.AtOnce, Actor: "admin:a"})
			b.must(err)
		}
	}
	b.sim.Faults.Clear()
	for _, key := range keys {
		if l := b.drive(key); l.State == password.Failed {
			// By the maximum, which counts answers that nobody can read.
			if l.Reason != password.ReasonAttempts {
				t.Errorf("given up for %s, last %s", l.Reason, l.Last)
			}
			_, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: key, Asked: b.clock().Add(time.Second), When: password.AtOnce, Actor: "admin:a"})
			b.must(err)
			b.drive(key)
		}
		b.agree(key)
	}
}
