package embedded_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
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

func TestFull(t *testing.T) {
	t.Parallel()
	opt := newClock().options()
	opt.MaxBytes = 1 << 20
	b := open(t, t.TempDir(), opt)
	var accepted int
	for range 100 {
		_, err := b.Publish(t.Context(), event.Provision, make([]byte, 100<<10))
		if err == nil {
			accepted++
			continue
		}
		if fault.KindOf(err) != fault.Exhausted || fault.ReasonOf(err) != "bus-full" {
			t.Fatalf("Publish = %v, want exhausted with bus-full", err)
		}
	}
	if accepted == 0 || accepted == 100 {
		t.Fatalf("accepted %d, want some", accepted)
	}
	got := 0
	b.Subscribe(event.Provision, func(context.Context, event.Event) error { got++; return nil })
	if drain(t, b); got != accepted {
		t.Errorf("%d of %d accepted events came", got, accepted)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		kind    fault.Kind
		reason  string
	}{
		{"held by another", func(t *testing.T, dir string) { open(t, dir, nil) }, fault.Conflict, "bus-locked"},
		{"not a bus", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, embedded.FileName), make([]byte, 100_000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, fault.Permanent, "bus-corrupt"},
		{"no permission", func(t *testing.T, dir string) {
			if os.Geteuid() == 0 {
				t.Skip("root may do everything")
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
		}, fault.Permanent, "bus-permission"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.prepare(t, dir)
			_, err := embedded.Open(dir, nil)
			if fault.KindOf(err) != tt.kind || fault.ReasonOf(err) != tt.reason {
				t.Errorf("Open = %v, want %v %s", err, tt.kind, tt.reason)
			}
		})
	}
}

func TestFileMode(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "bus")
	open(t, dir, nil)
	info, err := os.Stat(filepath.Join(dir, embedded.FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", info.Mode(), err)
	}
}
