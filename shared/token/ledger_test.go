package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/token"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// states lists what became of each mint, oldest first.
func states(l token.Ledger) []token.State {
	var out []token.State
	for _, m := range l {
		out = append(out, m.State)
	}
	return out
}

func begin(t *testing.T, l token.Ledger, at time.Duration, id string) token.Ledger {
	t.Helper()
	l, err := l.Begin(noon.Add(at), id, token.Limits{})
	if err != nil {
		t.Fatalf("Begin(%s) at %v: %v", id, at, err)
	}
	return l
}

func TestLedger_T3_OneOutstanding(t *testing.T) {
	t.Parallel()
	l := begin(t, nil, 0, "d1")
	l = begin(t, l, time.Minute, "d1")
	l = begin(t, l, 10*time.Minute, "d1")
	want := []token.State{token.Superseded, token.Expired, token.Outstanding}
	if diff := cmp.Diff(want, states(l)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestLedger_T4_Limits(t *testing.T) {
	t.Parallel()
	l := begin(t, nil, 0, "d1")
	l = begin(t, l, time.Minute, "d2")
	l = begin(t, l, 2*time.Minute, "d3")
	_, err := l.Begin(noon.Add(3*time.Minute), "d4", token.Limits{})
	e := fault.As(err)
	if e == nil || e.Kind != fault.Exhausted || e.Reason != token.ReasonBurst || e.RetryAfter != 12*time.Minute {
		t.Fatalf("the 4th within 15 minutes: %#v, want exhausted for 12m", e)
	}
	l = begin(t, l, 15*time.Minute, "d4") // the first has left the window
	for i := range 6 {
		l = begin(t, l, time.Duration(i+1)*time.Hour, "d5")
	}
	_, err = l.Begin(noon.Add(8*time.Hour), "d6", token.Limits{})
	if fault.KindOf(err) != fault.Denied || fault.ReasonOf(err) != token.ReasonNeedsOperator {
		t.Fatalf("the 11th within a day: %v, want needs-operator", err)
	}
	begin(t, l.Forgive(), 8*time.Hour, "d7")
	begin(t, l, 25*time.Hour, "d8")
}

// TestLedger_T4_AnOutageOfGoogleNeedsNoOperator: a device that asks all day long
// while Google gives nothing is slowed down, not held.
func TestLedger_T4_AnOutageOfGoogleNeedsNoOperator(t *testing.T) {
	t.Parallel()
	var l token.Ledger
	for at := time.Duration(0); at < 24*time.Hour; at += time.Minute {
		next, err := l.Begin(noon.Add(at), "d1", token.Limits{})
		if err != nil && fault.ReasonOf(err) != token.ReasonBurst {
			t.Fatalf("after %v: %v", at, err)
		}
		if err == nil {
			l = next.Abandon(noon.Add(at), "google-backend")
		}
		if len(l) > 3 {
			t.Fatalf("after %v the row remembers %d tokens", at, len(l))
		}
	}
}

func TestLedger_T4_Acknowledge(t *testing.T) {
	t.Parallel()
	open := begin(t, nil, 0, "d1")
	expired := open.Expire(noon.Add(5 * time.Minute))
	for _, tc := range []struct {
		name    string
		ledger  token.Ledger
		id      string
		added   bool
		want    token.State
		changed bool
	}{
		{"added in time", open, "d1", true, token.Added, true},
		{"failed in time", open, "d1", false, token.Failed, true},
		{"added late still counts", expired, "d1", true, token.Added, true},
		{"failed late stays expired", expired, "d1", false, token.Expired, false},
		{"another directive", open, "d2", true, token.Outstanding, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l, changed := tc.ledger.Acknowledge(noon.Add(time.Minute), tc.id, tc.added, "WHY")
			if l[0].State != tc.want || changed != tc.changed {
				t.Errorf("state %s, changed %v; want %s, %v", l[0].State, changed, tc.want, tc.changed)
			}
			if l2, again := l.Acknowledge(noon.Add(2*time.Minute), tc.id, tc.added, "WHY"); again {
				t.Errorf("the same answer once more changed it to %v", states(l2))
			}
		})
	}
}

func TestLedger_ExpireAtTheDeadline(t *testing.T) {
	t.Parallel()
	l := begin(t, nil, 0, "d1")
	if got := l.Expire(noon.Add(5*time.Minute - 1))[0].State; got != token.Outstanding {
		t.Errorf("just before the deadline: %s", got)
	}
	if got := l.Due(); !got.Equal(noon.Add(5 * time.Minute)) {
		t.Errorf("Due = %v", got)
	}
	l = l.Expire(noon.Add(5 * time.Minute))
	if _, ok := l.Current(noon); ok || l[0].State != token.Expired || !l.Due().IsZero() {
		t.Errorf("at the deadline: %+v", l[0])
	}
}

// TestLedger_T3T4_Property: whatever happens in whatever order, at most one token
// is outstanding, the limits hold, and no operation changes the ledger it was
// called on.
func TestLedger_T3T4_Property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l token.Ledger
		now, lim := noon, token.Limits{}.WithDefaults()
		var asked []time.Time
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "minutes")) * time.Minute)
			},
			"begin": func(t *rapid.T) {
				before := states(l)
				next, err := l.Begin(now, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), lim)
				if diff := cmp.Diff(before, states(l)); diff != "" {
					t.Fatalf("Begin changed its receiver: %s", diff)
				}
				if err == nil {
					asked = append(asked, now)
				}
				l = next
			},
			"answer": func(t *rapid.T) {
				l, _ = l.Acknowledge(now, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), rapid.Bool().Draw(t, "added"), "X")
			},
			"abandon": func(*rapid.T) { l = l.Abandon(now, "x") },
			"expire":  func(*rapid.T) { l = l.Expire(now) },
			"": func(t *rapid.T) {
				open, burst, daily := 0, 0, 0
				for _, s := range states(l) {
					if s == token.Outstanding {
						open++
					}
				}
				for _, at := range asked {
					if now.Sub(at) < lim.BurstWindow {
						burst++
					}
				}
				for _, m := range l {
					if now.Sub(m.At) < 24*time.Hour && m.State != token.Withheld {
						daily++
					}
				}
				if open > 1 || burst > lim.Burst || daily > lim.Daily || len(l) > lim.Daily+lim.Burst {
					t.Fatalf("%d outstanding, %d in the window, %d in the day, %d rows", open, burst, daily, len(l))
				}
			},
		})
	})
}
