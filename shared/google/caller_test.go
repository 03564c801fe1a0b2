package google_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// script returns a call that fails with each of errs in turn and then works.
func script(errs ...error) (fn func(context.Context) error, calls *int) {
	n := 0
	return func(context.Context) error {
		n++
		if n <= len(errs) {
			return errs[n-1]
		}
		return nil
	}, &n
}

// fakeTime is a clock that moves when somebody waits.
type fakeTime struct {
	mu    sync.Mutex
	t     time.Time
	waits []time.Duration
}

func (f *fakeTime) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.t
}

func (f *fakeTime) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = append(f.waits, d)
	f.t = f.t.Add(d)
	return ctx.Err()
}

func newFake() (*fakeTime, google.Options) {
	f := &fakeTime{t: time.Now()}
	return f, google.Options{
		Now: f.Now, Sleep: f.Sleep,
		Jitter: func(d time.Duration) time.Duration { return d - 1 },
	}
}

var (
	down    = apiError(503, "backendError", "")
	busy    = apiError(429, "rateLimitExceeded", "")
	refused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	reset   = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
)

func TestRetries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		errs       []error
		idempotent bool
		calls      int
		reason     string // "" for success
	}{
		{"works", nil, true, 1, ""},
		{"backend", []error{down, down, down}, true, 4, ""},
		{"gives up", []error{down, down, down, down, nil}, true, 4, google.ReasonBackend},
		{"lost answer", []error{reset}, true, 2, ""},
		{"quota", []error{busy}, true, 2, ""},
		{"permanent", []error{apiError(400, "invalid", "")}, true, 1, google.ReasonInvalid},
		{"not found", []error{apiError(404, "notFound", "")}, true, 1, google.ReasonNotFound},
		{"config", []error{apiError(403, "accessNotConfigured", "")}, true, 1, google.ReasonConfig},
		{"daily quota", []error{apiError(403, "dailyLimitExceeded", "")}, true, 1, google.ReasonDailyQuota},
		{"token rejected once", []error{apiError(401, "authError", "")}, true, 2, ""},
		{"token rejected twice", []error{apiError(401, "authError", ""), apiError(401, "authError", "")}, true, 2, google.ReasonTokenRejected},
		{"once: quota", []error{busy, busy}, false, 3, ""},
		{"once: refused connection", []error{refused}, false, 2, ""},
		{"once: token rejected", []error{apiError(401, "", "")}, false, 2, ""},
		{"once: backend", []error{down}, false, 1, google.ReasonBackend},
		{"once: lost answer", []error{reset}, false, 1, google.ReasonNetwork},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, opt := newFake()
			fn, calls := script(tc.errs...)
			err := google.NewCaller(opt).Do(t.Context(), "e", "op", tc.idempotent, fn)
			if *calls != tc.calls || fault.ReasonOf(err) != tc.reason {
				t.Errorf("%d calls, %v; want %d, %q", *calls, err, tc.calls, tc.reason)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, tc := range []struct {
		name string
		errs []error
		want []time.Duration
	}{
		{"doubling, half of it random", []error{down, down, down}, []time.Duration{s - 1, 2*s - 1, 4*s - 1}},
		{"Retry-After and some", []error{wait(apiError(503, "", ""), "10")}, []time.Duration{11*s - 1}},
		{"a short Retry-After does not shorten", []error{down, down, wait(apiError(429, "", ""), "1")}, []time.Duration{s - 1, 2*s - 1, 4*s - 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, opt := newFake()
			fn, _ := script(tc.errs...)
			if err := google.NewCaller(opt).Do(t.Context(), "e", "op", true, fn); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, f.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryAfterAsDateUsesTheInjectedClock(t *testing.T) {
	t.Parallel()
	f, opt := newFake()
	f.t = epoch
	fn, _ := script(wait(apiError(429, "", ""), "Wed, 02 Jan 2030 03:04:25 GMT"))
	if err := google.NewCaller(opt).Do(t.Context(), "e", "op", true, fn); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{21*time.Second - 1}; !cmp.Equal(want, f.waits) {
		t.Errorf("waits %v, want %v", f.waits, want)
	}
}

func TestNoWaitThatCannotEndInTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		err    error
		budget time.Duration
		after  time.Duration
	}{
		{"back-off", down, 500 * time.Millisecond, time.Second - 1},
		{"Retry-After", wait(apiError(503, "", ""), "20"), 20 * time.Second, 21*time.Second - 1},
		{"longer than MaxDelay", wait(apiError(429, "", ""), "31"), time.Hour, 32*time.Second - 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, opt := newFake()
			ctx, cancel := context.WithDeadline(t.Context(), f.t.Add(tc.budget))
			defer cancel()
			fn, calls := script(tc.err)
			err := google.NewCaller(opt).Do(ctx, "e", "op", true, fn)
			if *calls != 1 || len(f.waits) != 0 {
				t.Errorf("%d calls, waits %v; want one call and no wait", *calls, f.waits)
			}
			if got := fault.As(err); got == nil || got.RetryAfter != tc.after {
				t.Errorf("got %v, want RetryAfter %v", err, tc.after)
			}
		})
	}
}

func TestCancelledContextStopsRetries(t *testing.T) {
	t.Parallel()
	_, opt := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	c := google.NewCaller(opt)
	err := c.Do(ctx, "e", "op", true, func(ctx context.Context) error {
		calls++
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	err = c.Do(ctx, "e", "op", true, func(context.Context) error { calls++; return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestObserver(t *testing.T) {
	t.Parallel()
	_, opt := newFake()
	var got []google.Event
	opt.Observe = func(_ context.Context, e google.Event) { got = append(got, e) }
	fn, _ := script(down, busy)
	if err := google.NewCaller(opt).Do(t.Context(), "e", "users.get", true, fn); err != nil {
		t.Fatal(err)
	}
	want := []google.Event{
		{Op: "users.get", Outcome: google.ReasonBackend, Attempt: 1},
		{Op: "users.get", Outcome: google.ReasonQuota, Attempt: 2},
		{Op: "users.get", Outcome: "ok", Attempt: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The default wait uses a timer; in a bubble it costs nothing.
func TestDefaultSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fn, _ := script(down)
		if err := google.NewCaller(google.Options{}).Do(t.Context(), "e", "op", true, fn); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 500*time.Millisecond || d >= time.Second {
			t.Errorf("waited %v, want half a second to a second", d)
		}
	})
}
