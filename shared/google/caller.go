package google

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Options adjusts a Caller; the zero value of each field means its default.
type Options struct {
	// Rate is how many calls a second one key may make on average, default 50.
	// Google's own bound for Play is 60,000 a minute for all enterprises of an
	// EMM together.
	Rate float64
	// Burst is how many calls one key may make at once, default 100.
	Burst int
	// Attempts is how often one call is tried at most, the first included,
	// default 4.
	Attempts int
	// BaseDelay is the wait before the second attempt, default 1 s; each further
	// wait doubles it, and half of every wait is random.
	BaseDelay time.Duration
	// MaxDelay is the longest wait between attempts, default 30 s. Where Google
	// asks for a longer one, the call fails at once with that RetryAfter.
	MaxDelay time.Duration
	// AttemptTimeout bounds one attempt, default 30 s.
	AttemptTimeout time.Duration
	// BreakerFailures is how many backend failures in a row open the breaker of
	// a key, default 5.
	BreakerFailures int
	// BreakerPause is how long it stays open before one call may try again,
	// default 30 s. The breaker library reads the machine's clock.
	BreakerPause time.Duration
	// Now is the clock of limiter, deadline and Retry-After, default time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends and then returns ctx's error. The
	// default uses a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Jitter returns a random duration in [0, d), d > 0. It is called
	// concurrently. The default uses math/rand/v2.
	Jitter func(d time.Duration) time.Duration
	// Observe is told of every attempt, concurrently; it must be quick. The
	// default does nothing.
	Observe func(context.Context, Event)
}

// Event is one attempt, for counters. It names no enterprise: the number of
// metric series must not grow with the number of customers.
type Event struct {
	// Op is what Do was told, such as "users.insert".
	Op string
	// Outcome is "ok" or the fault's reason.
	Outcome string
	// Attempt counts from 1; every attempt above 1 is a retry.
	Attempt int
	// Elapsed is how long Google took; zero where it was not asked, because the
	// breaker or the limiter refused.
	Elapsed time.Duration
}

// Caller is the wrapper that every call to Google passes. It keeps some hundred
// bytes for each key for as long as it lives. It may be used concurrently.
type Caller struct {
	opt   Options
	mu    sync.Mutex
	lanes map[string]*lane
}

// NewCaller returns a Caller.
func NewCaller(opt Options) *Caller {
	setDefault(&opt.Rate, 50)
	setDefault(&opt.Burst, 100)
	setDefault(&opt.Attempts, 4)
	setDefault(&opt.BaseDelay, time.Second)
	setDefault(&opt.MaxDelay, 30*time.Second)
	setDefault(&opt.AttemptTimeout, 30*time.Second)
	setDefault(&opt.BreakerFailures, 5)
	setDefault(&opt.BreakerPause, 30*time.Second)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	if opt.Jitter == nil {
		opt.Jitter = rand.N[time.Duration]
	}
	if opt.Observe == nil {
		opt.Observe = func(context.Context, Event) {}
	}
	return &Caller{opt: opt, lanes: map[string]*lane{}}
}

func setDefault[T int | float64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Do runs fn, which makes one call to Google, under the limit and the breaker of
// key (the enterprise's id), and again where that is worth it. The error is what
// Classify makes of fn's last error, or a fault with ReasonLocalLimit or
// ReasonPaused; it carries the RetryAfter that is known.
//
// An idempotent call is tried again after any Transient or Exhausted failure. A
// call that is not is tried again only where NothingDone proves that Google did
// nothing; after a lost answer or a 5xx it is not. A rejected access token is
// worth one more attempt, not several.
//
// No wait is begun that would end after ctx's deadline or take longer than
// MaxDelay: Do returns at once instead.
func (c *Caller) Do(ctx context.Context, key, op string, idempotent bool, fn func(context.Context) error) error {
	l := c.lane(key)
	policy := c.policy()
	rejected := 0
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, l, op, attempt, fn)
		if err == nil {
			return nil
		}
		if err.Reason == ReasonTokenRejected {
			rejected++
		}
		if !worthRetrying(err, idempotent) || rejected > 1 || ctx.Err() != nil {
			return err
		}
		wait, stop := policy.Next()
		if stop {
			return err
		}
		if err.RetryAfter > 0 {
			// Everyone was told the same time; do not come back as one crowd.
			wait = max(wait, err.RetryAfter+c.opt.Jitter(c.opt.BaseDelay))
		}
		if err.RetryAfter > c.opt.MaxDelay || !c.fits(ctx, wait) {
			return err.After(max(err.RetryAfter, wait))
		}
		if serr := c.opt.Sleep(ctx, wait); serr != nil {
			return err
		}
	}
}

// policy yields the waits between attempts: go-retry's exponential, capped and
// bounded in number, with half of each wait made random by our own source.
func (c *Caller) policy() retry.Backoff {
	b := retry.WithCappedDuration(c.opt.MaxDelay, retry.NewExponential(c.opt.BaseDelay))
	b = retry.WithMaxRetries(uint64(c.opt.Attempts-1), b)
	return retry.BackoffFunc(func() (time.Duration, bool) {
		d, stop := b.Next()
		if stop || d < 2 {
			return d, stop
		}
		return d/2 + c.opt.Jitter(d/2), false
	})
}

func worthRetrying(err *fault.Error, idempotent bool) bool {
	switch {
	case err.Reason == ReasonPaused, err.Reason == ReasonLocalLimit, err.Reason == ReasonDailyQuota:
		return false
	case err.Kind != fault.Transient && err.Kind != fault.Exhausted:
		return false
	default:
		return idempotent || NothingDone(err)
	}
}

// fits reports whether a wait of d ends before ctx does.
func (c *Caller) fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || c.opt.Now().Add(d).Before(deadline)
}
