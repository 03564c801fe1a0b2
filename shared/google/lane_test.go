package google_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

func TestLimit_E1_OfOneEnterprise(t *testing.T) {
	t.Parallel()
	f, opt := newFake()
	opt.Rate, opt.Burst = 2, 3
	c := google.NewCaller(opt)
	fn, _ := script()
	for range 5 {
		if err := c.Do(t.Context(), "e", "op", true, fn); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]time.Duration{500 * time.Millisecond, 500 * time.Millisecond}, f.waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	if err := c.Do(t.Context(), "other", "op", true, fn); err != nil || len(f.waits) != 2 {
		t.Errorf("another enterprise waited too: %v, %v", f.waits, err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), f.Now().Add(100*time.Millisecond))
	defer cancel()
	err := c.Do(ctx, "e", "op", true, fn)
	if fault.KindOf(err) != fault.Exhausted || fault.ReasonOf(err) != google.ReasonLocalLimit || fault.As(err).RetryAfter <= 0 {
		t.Errorf("got %v, want the local limit with RetryAfter", err)
	}
}

func TestBreaker_E1_OfOneEnterprise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := google.NewCaller(google.Options{Attempts: 1, BreakerFailures: 3, BreakerPause: 30 * time.Second})
		calls := 0
		do := func(key string, err error) error {
			return c.Do(t.Context(), key, "op", true, func(context.Context) error { calls++; return err })
		}
		for range 3 {
			_ = do("e", down)
		}
		time.Sleep(10 * time.Second)
		err := do("e", nil)
		if f := fault.As(err); f == nil || f.Kind != fault.Transient || f.Reason != google.ReasonPaused || f.RetryAfter != 20*time.Second {
			t.Errorf("got %v, want paused for 20 s", err)
		}
		if calls != 3 {
			t.Errorf("%d calls, want 3: an open breaker calls nobody", calls)
		}
		if err := do("other", nil); err != nil {
			t.Errorf("another enterprise is stopped too: %v", err)
		}
		time.Sleep(20*time.Second + 1)
		_ = do("e", down) // half open: one trial, which fails
		if err := do("e", nil); fault.ReasonOf(err) != google.ReasonPaused {
			t.Errorf("got %v, want paused again", err)
		}
		time.Sleep(30*time.Second + 1)
		for range 2 {
			if err := do("e", nil); err != nil {
				t.Errorf("closed again: %v", err)
			}
		}
	})
}

func TestBreakerStopsARetryingCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := google.NewCaller(google.Options{BreakerFailures: 2})
		fn, calls := script(down, down, down)
		err := c.Do(t.Context(), "e", "op", true, fn)
		if fault.ReasonOf(err) != google.ReasonPaused || *calls != 2 {
			t.Errorf("%d calls, %v", *calls, err)
		}
	})
}

func TestWhatOpensTheBreaker(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		err   error
		opens bool
	}{
		{"backend", down, true},
		{"network", reset, true},
		{"broken key", fault.New(fault.Permanent, google.ReasonKey, "The key is broken."), true},
		{"one bad item", apiError(400, "invalid", ""), false},
		{"one missing item", apiError(404, "notFound", ""), false},
		{"one person", fault.New(fault.Permanent, google.ReasonSubject, "No such person."), false},
		{"quota", busy, false},
		{"a setting", apiError(403, "accessNotConfigured", ""), false},
		{"rejected token", apiError(401, "authError", ""), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, opt := newFake()
			opt.Attempts, opt.BreakerFailures = 1, 3
			c := google.NewCaller(opt)
			for range 10 {
				_ = c.Do(t.Context(), "e", "op", true, func(context.Context) error { return tc.err })
			}
			err := c.Do(t.Context(), "e", "op", true, func(context.Context) error { return nil })
			if opened := fault.ReasonOf(err) == google.ReasonPaused; opened != tc.opens {
				t.Errorf("opened: %v (%v), want %v", opened, err, tc.opens)
			}
		})
	}
}

// A caller without time proves nothing about Google; a call that hangs does.
func TestTheEndOfTheCallersTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		budget time.Duration
		opens  bool
	}{{100 * time.Millisecond, false}, {2 * time.Second, true}} {
		t.Run(tc.budget.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := google.NewCaller(google.Options{BreakerFailures: 3})
				for range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), tc.budget)
					err := c.Do(ctx, "e", "op", true, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
					cancel()
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				}
				err := c.Do(t.Context(), "e", "op", true, func(context.Context) error { return nil })
				if opened := fault.ReasonOf(err) == google.ReasonPaused; opened != tc.opens {
					t.Errorf("opened: %v, want %v", opened, tc.opens)
				}
			})
		})
	}
}

func TestOneAttemptIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := google.NewCaller(google.Options{AttemptTimeout: 5 * time.Second})
		calls := 0
		err := c.Do(t.Context(), "e", "op", true, func(ctx context.Context) error {
			if calls++; calls > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil || calls != 2 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}
