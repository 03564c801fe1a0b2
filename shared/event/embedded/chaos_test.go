package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
)

// TestChaos: duplicates, delays and another order, and still every event comes.
func TestChaos(t *testing.T) {
	t.Parallel()
	c := newClock()
	opt := c.options()
	opt.Chaos = embedded.Chaos{Duplicate: 0.3, Delay: 0.3, MaxDelay: time.Minute, Reorder: 0.5}
	b := open(t, t.TempDir(), opt)
	count := map[string]int{}
	var order []string
	b.Subscribe(event.Provision, func(_ context.Context, e event.Event) error {
		count[e.ID]++
		order = append(order, e.ID)
		return nil
	})
	var ids []string
	for range 60 {
		ids = append(ids, publish(t, b, "{}"))
		c.now = c.now.Add(time.Millisecond)
	}
	early := drain(t, b)
	c.now = c.now.Add(time.Minute)
	late := drain(t, b)
	twice := 0
	for _, id := range ids {
		switch count[id] {
		case 1:
		case 2:
			twice++
		default:
			t.Errorf("event came %d times, want once or twice", count[id])
		}
	}
	if early == 0 || late == 0 || twice == 0 || twice == len(ids) {
		t.Errorf("early %d, late %d, twice %d: want some of each", early, late, twice)
	}
	if cmp.Equal(ids, order[:len(ids)]) {
		t.Error("events came in order, want another")
	}
}

func TestOrderWithoutChaos(t *testing.T) {
	t.Parallel()
	b := open(t, t.TempDir(), newClock().options())
	var want, got []string
	b.Subscribe(event.Provision, func(_ context.Context, e event.Event) error {
		got = append(got, e.ID)
		return nil
	})
	for range 20 {
		want = append(want, publish(t, b, "{}"))
	}
	drain(t, b)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
