package embedded_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
	"github.com/rollcall-emm/rollcall/shared/event/eventtest"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

var quiet = slog.New(slog.DiscardHandler)

func TestBus(t *testing.T) {
	t.Parallel()
	eventtest.Run(t, func(t *testing.T) eventtest.Bus {
		return open(t, t.TempDir(), &embedded.Options{MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, Log: quiet})
	})
}

func open(t *testing.T, dir string, opt *embedded.Options) *embedded.Bus {
	t.Helper()
	b, err := embedded.Open(dir, opt)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// clock is a clock that stands until a test moves it.
type clock struct{ now time.Time }

func newClock() *clock          { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }
func (c *clock) Now() time.Time { return c.now }
func (c *clock) options() *embedded.Options {
	return &embedded.Options{Now: c.Now, Rand: rand.New(rand.NewPCG(1, 2)), Log: quiet}
}

func drain(t *testing.T, b *embedded.Bus) int {
	t.Helper()
	n, err := b.Drain(t.Context())
	if err != nil {
		t.Fatalf("Drain = %v", err)
	}
	return n
}

func publish(t *testing.T, b *embedded.Bus, data string) string {
	t.Helper()
	id, err := b.Publish(t.Context(), event.Provision, []byte(data))
	if err != nil {
		t.Fatalf("Publish = %v", err)
	}
	return id
}

// TestBackoff: waits double up to the bound, less at most half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	c := newClock()
	opt := c.options()
	opt.MaxAttempts, opt.MinBackoff, opt.MaxBackoff = 6, 10*time.Second, time.Minute
	b := open(t, t.TempDir(), opt)
	b.Subscribe(event.Provision, func(context.Context, event.Event) error { return errors.New("outage") })
	publish(t, b, "{}")
	for _, most := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		if n := drain(t, b); n != 1 {
			t.Fatalf("Drain = %d deliveries, want 1", n)
		}
		at, ok := b.NextDue()
		if wait := at.Sub(c.now); !ok || wait < most/2 || wait > most {
			t.Errorf("wait = %v, %v; want %v to %v", wait, ok, most/2, most)
		}
		c.now = at.Add(-1)
		if n := drain(t, b); n != 0 {
			t.Errorf("Drain before the moment = %d deliveries, want 0", n)
		}
		c.now = at
	}
	drain(t, b)
	if list, err := b.List(t.Context(), 10); err != nil || len(list) != 1 || list[0].Reason != "unknown" || !list[0].Died.Equal(c.now) {
		t.Errorf("List = %+v, %v; want one dead letter of kind unknown, dead now", list, err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := open(t, t.TempDir(), c.options())
	b.Subscribe(event.Provision, func(context.Context, event.Event) error {
		return fault.New(fault.Exhausted, "quota", "later").After(time.Hour)
	})
	publish(t, b, "{}")
	drain(t, b)
	if at, ok := b.NextDue(); !ok || at.Sub(c.now) != time.Hour {
		t.Errorf("NextDue = %v, %v; want in an hour", at, ok)
	}
}

// TestRestart: what was not acknowledged is delivered again, with its attempts
// counted, and dead letters stay.
func TestRestart(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	var ids []string
	for round := 1; round <= event.DefaultMaxAttempts+1; round++ {
		b := open(t, dir, c.options())
		if round == 1 {
			ids = append(ids, publish(t, b, "{}"))
		}
		var attempts []int
		b.Subscribe(event.Provision, func(_ context.Context, e event.Event) error {
			attempts = append(attempts, e.Attempt)
			return errors.New("outage")
		})
		drain(t, b)
		want := []int{round}
		if round > event.DefaultMaxAttempts {
			want = nil
		}
		if diff := cmp.Diff(want, attempts); diff != "" {
			t.Errorf("attempts of round %d (-want +got):\n%s", round, diff)
		}
		c.now = c.now.Add(time.Hour)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	list, err := open(t, dir, c.options()).List(t.Context(), 10)
	if err != nil || len(list) != 1 || list[0].ID != ids[0] {
		t.Errorf("List = %+v, %v; want %v", list, err, ids)
	}
}
