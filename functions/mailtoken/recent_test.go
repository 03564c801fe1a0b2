package mailtoken

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// TestRecent_RemembersForTheSpan and at most twice as long, within its bound.
func TestRecent_RemembersForTheSpan(t *testing.T) {
	t.Parallel()
	r := newRecent[int, string](time.Minute, 3)
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	r.put(1, "a", at(0))
	r.put(2, "b", at(59))
	for _, tc := range []struct {
		after, key int
		want       bool
	}{{59, 1, true}, {60, 1, true}, {119, 2, true}, {119, 1, true}, {120, 1, false}, {120, 2, false}} {
		if _, ok := r.get(tc.key, at(tc.after)); ok != tc.want {
			t.Errorf("%d after %d s: %v", tc.key, tc.after, ok)
		}
	}
	for i := range 100 {
		r.put(i, "x", at(300))
		if n := len(r.late) + len(r.earlier); n > 6 {
			t.Fatalf("%d entries are kept", n)
		}
		if v, ok := r.get(i, at(300)); !ok || v != "x" {
			t.Fatalf("%d is forgotten at once", i)
		}
	}
	r.put(7, "again", at(301))
	if v, _ := r.get(7, at(301)); v != "again" {
		t.Errorf("the newer one does not hold: %q", v)
	}
}

// TestProofs_C1_AreRememberedForAsLongAsTheyAreGood, and a client that makes too many is
// slowed down, alone, rather than any of them forgotten.
func TestProofs_C1_AreRememberedForAsLongAsTheyAreGood(t *testing.T) {
	t.Parallel()
	var p proofs
	for i := range maxProofs {
		if err := p.admit("m1", fmt.Sprint(i), noon); err != nil {
			t.Fatal(err)
		}
	}
	err := p.admit("m1", "one more", noon)
	if f := fault.As(err); f == nil || f.Kind != fault.Exhausted || f.RetryAfter != window {
		t.Errorf("one more: %v", err)
	}
	if err := p.admit("m2", "0", noon); err != nil {
		t.Errorf("another client: %v", err)
	}
	// Made ahead of our clock by the window, it is good until the window is over after.
	for _, after := range []time.Duration{0, window, 2 * window} {
		for _, id := range []string{"0", fmt.Sprint(maxProofs - 1)} {
			if err := p.admit("m1", id, noon.Add(after)); fault.ReasonOf(err) != "proof-reused" {
				t.Errorf("%s again after %v: %v", id, after, err)
			}
		}
	}
	later := noon.Add(5 * window)
	if err := p.admit("m1", "one more", later); err != nil {
		t.Errorf("later: %v", err)
	}
}
