package password_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// of returns the active row of the n-th person, accepted at noon under the policy.
func of(t *testing.T, n int, p password.Policy) password.Ledger {
	t.Helper()
	l := password.New("acme", person.KeyOf("acme", fmt.Sprint(n)))
	l = l.Want(noon, fresh(l))
	l, ticket := take(t, l, noon)
	return l.Succeed(ticket, noon, p, "g")
}

// TestSucceed_W5_RotationIsSpreadByATenth: people who were accepted together come
// back over a fifth of the period, evenly, and another time at another place.
func TestSucceed_W5_RotationIsSpreadByATenth(t *testing.T) {
	t.Parallel()
	const day, people = 24 * time.Hour, 2000
	byDay := map[int]int{}
	for n := range people {
		l := of(t, n, policy)
		after := l.RotateAt.Sub(noon)
		if after < 81*day || after >= 99*day {
			t.Fatalf("person %d rotates after %v, want 81 to 99 days", n, after)
		}
		byDay[int(after/day)]++
		next := l.Rotate(l.RotateAt, fresh(l))
		next, ticket := take(t, next, next.Due())
		if n < 10 && next.Succeed(ticket, noon, policy, "g").RotateAt.Equal(l.RotateAt) {
			t.Errorf("person %d has the same place with each version", n)
		}
	}
	for d, n := range byDay {
		if n < people/18/2 || n > people/18*2 {
			t.Errorf("%d of %d rotate on day %d", n, people, d)
		}
	}
	for n := range 10 {
		l := of(t, n, password.Policy{Length: 20})
		if got := l.RotateAt.Sub(noon); got < 0 || got >= day {
			t.Errorf("a password that became too short on its way is replaced after %v, want within a day", got)
		}
		if got := of(t, n, password.Policy{}).RotateAt; !got.IsZero() {
			t.Errorf("without rotation a password is replaced at %v", got)
		}
	}
}

func TestReplan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := at(60 * day)
	set := func(rotate time.Duration) password.Ledger {
		l := active(t)
		l.SetAt, l.RotateAt = noon, time.Time{}
		if rotate != 0 {
			l.RotateAt = at(rotate)
		}
		return l
	}
	tried, ticket := take(t, pending(), noon)
	tried = tried.Fail(ticket, noon, policy, counted, 0)
	never := [2]time.Duration{}
	same := func(d time.Duration) [2]time.Duration { return [2]time.Duration{d, d} }
	days := func(n time.Duration) [2]time.Duration { return [2]time.Duration{n * day * 9 / 10, n * day * 11 / 10} }
	soon := [2]time.Duration{60 * day, 61 * day}
	planned := func(days int) password.Ledger {
		l, _ := set(0).Replan(now, password.Policy{RotateDays: days})
		return l
	}
	older := func(l password.Ledger, by time.Duration) password.Ledger {
		l.SetAt = l.SetAt.Add(-by)
		return l
	}
	for _, tc := range []struct {
		name   string
		row    password.Ledger
		to     password.Policy
		effect password.Effect
		state  password.State
		rotate [2]time.Duration // since noon, from and to; 0 is never
	}{
		{"nothing changed", planned(90), password.Policy{RotateDays: 90}, password.Unaffected, password.Active, days(90)},
		{"other fields changed", planned(90), password.Policy{RotateDays: 90, MaxAttempts: 1}, password.Unaffected, password.Active, days(90)},
		{"rotation begins", set(0), password.Policy{RotateDays: 100}, password.Moved, password.Active, days(100)},
		{"rotation begins, too old already", set(0), password.Policy{RotateDays: 30}, password.TooOld, password.Active, [2]time.Duration{60 * day, 63 * day}},
		{"too old, over a tenth of the period", older(set(0), 300*day), password.Policy{RotateDays: 300}, password.TooOld, password.Active, [2]time.Duration{60 * day, 90 * day}},
		{"too old, and planned within a day", set(60*day + time.Hour), password.Policy{RotateDays: 30}, password.Unaffected, password.Active, same(60*day + time.Hour)},
		{"too old, and due", set(59 * day), password.Policy{RotateDays: 30}, password.Unaffected, password.Active, same(59 * day)},
		{"rotation ends", planned(90), password.Policy{}, password.Moved, password.Active, never},
		{"rotation later", planned(90), password.Policy{RotateDays: 200}, password.Moved, password.Active, days(200)},
		{"too old no longer", set(60*day + time.Hour), password.Policy{RotateDays: 200}, password.Moved, password.Active, days(200)},
		{"longer", set(0), password.Policy{Length: 20}, password.TooShort, password.Active, soon},
		{"longer, due within a day anyway", set(60*day + time.Hour), password.Policy{RotateDays: 80, Length: 20}, password.Unaffected, password.Active, same(60*day + time.Hour)},
		{"longer, but long enough", set(0), password.Policy{Length: 16}, password.Unaffected, password.Active, never},
		{"shorter", set(0), password.Policy{Length: 8}, password.Unaffected, password.Active, never},
		{"longer once more", set(61 * day), password.Policy{Length: 20, RotateDays: 300}, password.Unaffected, password.Active, same(61 * day)},
		{"fewer attempts than were made", tried, password.Policy{MaxAttempts: 1}, password.UsedUp, password.Failed, never},
		{"fewer attempts", tried, password.Policy{MaxAttempts: 2}, password.Unaffected, password.Retry, never},
		{"nothing tried", pending(), password.Policy{MaxAttempts: 1, Length: 100}, password.Unaffected, password.Pending, never},
		{"none", none(), password.Policy{Length: 100}, password.Unaffected, password.None, never},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, effect := tc.row.Replan(now, tc.to)
			from, until := noon.Add(tc.rotate[0]), noon.Add(tc.rotate[1])
			if tc.rotate == never {
				from, until = time.Time{}, time.Time{}
			}
			if effect != tc.effect || got.State != tc.state || got.RotateAt.Before(from) || got.RotateAt.After(until) {
				t.Errorf("effect %s, state %s, rotates at %v; want %s, %s, %v to %v", effect, got.State, got.RotateAt, tc.effect, tc.state, from, until)
			}
			if (effect == password.Unaffected) != (got == tc.row) {
				t.Errorf("effect is %s, and the row changed: %v", effect, got != tc.row)
			}
			for _, later := range []time.Duration{0, time.Hour, 9 * time.Hour} {
				if again, effect := got.Replan(now.Add(later), tc.to); again != got || effect != password.Unaffected {
					t.Errorf("the same policy %v later changed the row: %s", later, effect)
				}
			}
		})
	}
}

// TestReplan_TheLastPolicyCounts: whatever policies came before, and however often,
// the rotation is as the last one has it, but for what had to be replaced soon.
func TestReplan_TheLastPolicyCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		policies := rapid.Custom(func(t *rapid.T) password.Policy {
			return password.Policy{
				RotateDays: rapid.SampledFrom([]int{0, 1, 30, 90, 365}).Draw(t, "days"),
				Length:     rapid.SampledFrom([]int{8, 16, 20}).Draw(t, "length"),
			}
		})
		l := of(t, rapid.IntRange(0, 50).Draw(rt, "person"), policies.Draw(rt, "first"))
		now := noon
		for range rapid.IntRange(0, 8).Draw(rt, "changes") {
			now = now.Add(time.Duration(rapid.IntRange(0, 72).Draw(rt, "hours")) * time.Hour)
			l, _ = l.Replan(now, policies.Draw(rt, "policy"))
		}
		last := policies.Draw(rt, "last")
		got, _ := l.Replan(now, last)
		plain := l
		plain.RotateAt = time.Time{}
		want, effect := plain.Replan(now, last)
		window := max(24*time.Hour, last.Rotation()/10)
		switch soon := now.Add(window); {
		case effect == password.TooOld || effect == password.TooShort:
			if got.RotateAt.IsZero() || got.RotateAt.After(soon) {
				rt.Fatalf("%s, and it is replaced at %v, want until %v", effect, got.RotateAt, soon)
			}
		case !got.RotateAt.Equal(want.RotateAt):
			rt.Fatalf("it is replaced at %v, and without the policies before at %v", got.RotateAt, want.RotateAt)
		}
		if again, effect := got.Replan(now, last); again != got || effect != password.Unaffected {
			rt.Fatalf("the same policy once more: %s", effect)
		}
	})
}

func TestUnplan(t *testing.T) {
	t.Parallel()
	got, effect := active(t).Unplan(at(time.Hour))
	if effect != password.Moved || !got.RotateAt.IsZero() || got.State != password.Active || !got.Due().IsZero() {
		t.Errorf("%s, and it is replaced at %v", effect, got.RotateAt)
	}
	for _, l := range []password.Ledger{got, none(), pending()} {
		if again, effect := l.Unplan(at(2 * time.Hour)); again != l || effect != password.Unaffected {
			t.Errorf("%q changed: %s", short(l), effect)
		}
	}
	if back, effect := got.Replan(at(time.Hour), policy); effect != password.Moved || !back.RotateAt.Equal(active(t).RotateAt) {
		t.Errorf("with the policy back: %s, replaced at %v, want %v", effect, back.RotateAt, active(t).RotateAt)
	}
}
