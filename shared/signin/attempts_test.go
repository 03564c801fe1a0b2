package signin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/signin"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	rule = signin.Rule{Tries: 3, Window: 10 * time.Minute, Lockout: 15 * time.Minute, MaxLockout: 2 * time.Hour}
)

// after returns what is counted once an attempt went wrong at each of the moments.
func after(moments ...time.Duration) signin.Attempts {
	a := signin.Attempts{ID: "a"}
	for _, m := range moments {
		a = a.Add(rule, noon.Add(m))
	}
	return a
}

func TestAttempts_LockOutAtTheLastTry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		moments []time.Duration
		at      time.Duration
		want    time.Duration
	}{
		{"none", nil, 0, 0},
		{"one less", []time.Duration{0, 1}, 1, 0},
		{"as many", []time.Duration{0, 0, 0}, 0, 15 * time.Minute},
		{"as many in the window", []time.Duration{0, 5 * time.Minute, 10*time.Minute - 1}, 10*time.Minute - 1, 15 * time.Minute},
		{"as many in more than the window", []time.Duration{0, 5 * time.Minute, 10 * time.Minute}, 10 * time.Minute, 0},
		{"a part of the lock-out later", []time.Duration{0, 0, 0}, 10 * time.Minute, 5 * time.Minute},
		{"the lock-out later", []time.Duration{0, 0, 0}, 15 * time.Minute, 0},
		{"tries after the lock-out", []time.Duration{0, 0, 0, 15 * time.Minute, 15 * time.Minute}, 15 * time.Minute, 0},
	} {
		if got := after(tc.moments...).Wait(noon.Add(tc.at)); got != tc.want {
			t.Errorf("%s: wait %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestAttempts_LockOutsGrow: each is twice the one before, up to the most, and the
// first again after as long in peace.
func TestAttempts_LockOutsGrow(t *testing.T) {
	t.Parallel()
	a, now := signin.Attempts{}, noon
	lock := func() time.Duration {
		for range rule.Tries {
			a = a.Add(rule, now)
		}
		return a.Wait(now)
	}
	var got []time.Duration
	for range 6 {
		d := lock()
		got = append(got, d)
		now = now.Add(d)
	}
	now = now.Add(rule.MaxLockout - 1)
	got = append(got, lock())
	now = now.Add(a.Wait(now) + rule.MaxLockout)
	got = append(got, lock())
	const m = time.Minute
	if diff := cmp.Diff([]time.Duration{15 * m, 30 * m, 60 * m, 120 * m, 120 * m, 120 * m, 120 * m, 15 * m}, got); diff != "" {
		t.Errorf("lock-outs (-want +got):\n%s", diff)
	}
}

// TestAttempts_UndoTakesBackTheLockOut: an attempt that nobody judged costs nothing.
func TestAttempts_UndoTakesBackTheLockOut(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(after(0, 0), after(0, 0, 0).Undo(rule), cmp.FilterPath(func(p cmp.Path) bool {
		return p.String() == "LockedUntil"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("after taking one back (-want +got):\n%s", diff)
	}
	if w := after(0, 0, 0).Undo(rule).Wait(noon); w != 0 {
		t.Errorf("still locked out for %v", w)
	}
	if a := (signin.Attempts{ID: "a"}).Undo(rule); a != (signin.Attempts{ID: "a"}) {
		t.Errorf("nothing to take back, but %+v", a)
	}
	// Earlier lock-outs are not forgotten with it.
	a := after(0, 0, 0, 15*time.Minute, 15*time.Minute, 15*time.Minute).Undo(rule).Add(rule, noon.Add(15*time.Minute))
	if w := a.Wait(noon.Add(15 * time.Minute)); w != 30*time.Minute {
		t.Errorf("lock-out of %v, want 30m", w)
	}
}

// TestAttempts_NeverMoreThanTheRule: however attempts are spread, no window has more
// than its tries, and a row that has expired says what a new one says.
func TestAttempts_NeverMoreThanTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, now := signin.Attempts{}, noon
		var taken []time.Time
		for range rapid.IntRange(1, 60).Draw(rt, "attempts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(rt, "pause")))
			if a.Wait(now) > 0 {
				continue
			}
			if !a.Since.IsZero() && !now.Before(a.Expires(rule)) {
				if fresh := (signin.Attempts{}).Add(rule, now); fresh.Wait(now) != a.Add(rule, now).Wait(now) || fresh.Locks != a.Add(rule, now).Locks {
					rt.Fatalf("an expired row %+v still counts at %v", a, now)
				}
			}
			a = a.Add(rule, now)
			taken = append(taken, now)
		}
		for i := range taken {
			// At a window's edge two windows meet, so twice the tries lie within one length.
			if j := i + 2*rule.Tries; j < len(taken) && taken[j].Sub(taken[i]) < rule.Window {
				rt.Fatalf("%d attempts within %v", 2*rule.Tries+1, taken[j].Sub(taken[i]))
			}
		}
	})
}

func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	l := signin.DefaultLimits()
	if l.Person.Tries != 5 || l.Address.Tries != 50 || l.Person.Window != 15*time.Minute || l.Address.Window != 15*time.Minute {
		t.Errorf("limits %+v", l)
	}
}
