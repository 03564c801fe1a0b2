package google

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// hangs is how long an attempt must have run for the end of the caller's time to
// be Google's fault. A caller that comes with no time left proves nothing.
const hangs = time.Second

// lane is what one key has to itself: its share and its breaker.
type lane struct {
	limit   *rate.Limiter
	breaker *gobreaker.CircuitBreaker[struct{}]

	mu       sync.Mutex
	openedAt time.Time
}

func (c *Caller) lane(key string) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[key]
	if l != nil {
		return l
	}
	l = &lane{limit: rate.NewLimiter(rate.Limit(c.opt.Rate), c.opt.Burst)}
	l.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      c.opt.BreakerPause,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return int(n.ConsecutiveFailures) >= c.opt.BreakerFailures },
		IsSuccessful: func(err error) bool { return !backendFailed(err) },
		IsExcluded:   uncounted,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.openedAt = time.Now()
			}
		},
	})
	c.lanes[key] = l
	return l
}

// backendFailed reports whether err says that a next call will probably fail as
// well: Google or the network is down, or the key is broken for everyone. An
// answer about one item, a quota or a setting is no such thing.
func backendFailed(err error) bool {
	switch fault.ReasonOf(err) {
	case ReasonBackend, ReasonNetwork, ReasonDeadline, ReasonKey:
		return true
	default:
		return false
	}
}

// errLeft marks an attempt that the caller gave up before Google had its chance.
var errLeft = errors.New("caller left")

// uncounted reports whether err says nothing of Google's health that was not said
// already.
func uncounted(err error) bool {
	var shared *sharedError
	return errors.Is(err, errLeft) || errors.As(err, &shared)
}

// attempt makes one attempt and tells the observer.
func (c *Caller) attempt(ctx context.Context, l *lane, op string, n int, fn func(context.Context) error) *fault.Error {
	elapsed, err := c.guarded(ctx, l, fn)
	ev := Event{Op: op, Outcome: "ok", Attempt: n, Elapsed: elapsed}
	if err != nil {
		ev.Outcome = err.Reason
	}
	c.opt.Observe(ctx, ev)
	return err
}

func (c *Caller) guarded(ctx context.Context, l *lane, fn func(context.Context) error) (time.Duration, *fault.Error) {
	if err := c.admit(ctx, l); err != nil {
		return 0, err
	}
	var elapsed time.Duration
	var failure *fault.Error
	_, err := l.breaker.Execute(func() (struct{}, error) {
		actx, cancel := context.WithTimeout(ctx, c.opt.AttemptTimeout)
		defer cancel()
		start := c.opt.Now()
		failure = fault.As(classify(fn(actx), c.opt.Now))
		elapsed = c.opt.Now().Sub(start)
		switch {
		case failure == nil:
			return struct{}{}, nil
		case ctx.Err() != nil && (elapsed < hangs || errors.Is(ctx.Err(), context.Canceled)):
			return struct{}{}, errLeft
		default:
			return struct{}{}, failure
		}
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return 0, fault.Wrap(err, fault.Transient, ReasonPaused,
			"Calls to Google for this enterprise are paused after repeated failures.").After(c.pauseLeft(l))
	}
	return elapsed, failure
}

// admit takes one call from the key's share, waiting for it where ctx allows.
func (c *Caller) admit(ctx context.Context, l *lane) *fault.Error {
	if err := ctx.Err(); err != nil {
		return fault.As(Classify(err))
	}
	now := c.opt.Now()
	r := l.limit.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	if wait > c.opt.MaxDelay || !c.fits(ctx, wait) {
		r.CancelAt(now)
		return fault.New(fault.Exhausted, ReasonLocalLimit, "This enterprise makes too many calls to Google.").After(wait)
	}
	if err := c.opt.Sleep(ctx, wait); err != nil {
		r.CancelAt(c.opt.Now())
		return fault.As(Classify(err))
	}
	return nil
}

// pauseLeft is when the breaker lets the next call through: at least BaseDelay,
// for with the pause over another call is trying just now.
func (c *Caller) pauseLeft(l *lane) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(c.opt.BreakerPause-time.Since(l.openedAt), c.opt.BaseDelay)
}
