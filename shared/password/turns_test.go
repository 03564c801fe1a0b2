package password_test

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	now := noon
	for _, tc := range []struct {
		name        string
		next        time.Time
		n           int
		first, then time.Time
	}{
		{"nobody before", time.Time{}, 20, now, now.Add(2 * time.Second)},
		{"idle since yesterday", now.Add(-24 * time.Hour), 1, now, now.Add(100 * time.Millisecond)},
		{"behind others", now.Add(time.Minute), 10, now.Add(time.Minute), now.Add(time.Minute + time.Second)},
		{"none", now.Add(time.Minute), 0, now.Add(time.Minute), now.Add(time.Minute)},
		{"behind a wrong clock", now.Add(25 * time.Hour), 10, now, now.Add(time.Second)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, first := password.Turns{Enterprise: "acme", Next: tc.next}.Take(now, tc.n, 10)
			if !first.Equal(tc.first) || !got.Next.Equal(tc.then) || got.Enterprise != "acme" {
				t.Errorf("first %v, next %v; want %v, %v", first, got.Next, tc.first, tc.then)
			}
		})
	}
}

// TestTurn: whom the sweep told keeps the row to themselves, and anybody may still
// come before; a place that was kept is one as long as it is not missed.
func TestTurn(t *testing.T) {
	t.Parallel()
	const late = 2 * time.Minute
	told := pending().HandOut(noon, at(5*time.Minute))
	if due := told.Due(); !due.Equal(at(5 * time.Minute)) {
		t.Errorf("the sweep looks again at %v, want 12:05", due)
	}
	if again := told.HandOut(at(time.Minute), at(9*time.Minute)); again != told {
		t.Error("a second sweep tells another worker")
	}
	if again := told.Postpone(at(time.Minute), at(9*time.Minute)); again != told {
		t.Error("a second sweep takes the row from the worker")
	}
	if told.HasTurn(at(5*time.Minute), late) {
		t.Error("a nudge that was lost counts as a place that was kept")
	}
	leased, ticket := take(t, told, at(time.Minute))
	if due := leased.Due(); !due.Equal(at(3 * time.Minute)) {
		t.Errorf("a dead worker's lease is seen at %v, want at its end, 12:03", due)
	}
	if back := leased.Fail(ticket, at(time.Minute), policy, deferred, 0); !back.Due().Before(at(5 * time.Minute)) {
		t.Errorf("after an attempt the row still waits until %v", back.Due())
	}
	kept := pending().Postpone(noon, at(10*time.Minute))
	for now, want := range map[time.Duration]bool{9 * time.Minute: false, 10 * time.Minute: true, 12 * time.Minute: true, 13 * time.Minute: false} {
		if kept.HasTurn(at(now), late) != want {
			t.Errorf("%v after noon the place of 12:10 is one: %v, want %v", now, !want, want)
		}
	}
	if wanted := kept.Want(at(time.Minute), password.Fresh{}); !wanted.Due().Equal(at(time.Minute)) {
		t.Errorf("a device asks, and the row is due at %v", wanted.Due())
	}
}
