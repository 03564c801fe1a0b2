package agent

import (
	"context"
	"time"

	"github.com/sethvargo/go-retry"
)

const (
	// firstFailureRest and longestFailureRest bound what Run waits after check-ins that failed:
	// a random part of 30 s, 1 min, 2 min and so on.
	firstFailureRest   = 30 * time.Second
	longestFailureRest = time.Hour
	// lateness is the largest part by which Run waits longer than it was told, so
	// that devices that were told the same do not come back together. It never
	// waits less: the server has its reasons.
	lateness = 0.1
)

// Run checks in again and again, each time after what the server said, until ctx
// is done, and returns ctx's error. The first check-in is at once, or after what
// Enroll was told. A check-in that fails is tried again with exponential back-off
// and full jitter, and no sooner than Retry-After says. A device that the server
// does not know (401) goes on as well, once an interval: only a new enrollment
// helps it, but an operator's mistake must not end a whole fleet.
func (a *Agent) Run(ctx context.Context) error {
	enrolled := a.State().DeviceID != ""
	if !enrolled {
		return ErrNotEnrolled
	}
	failures := a.failures()
	if rest := a.told(); rest > 0 {
		if err := a.pause(ctx, rest); err != nil {
			return err
		}
	}
	for {
		r, err := a.CheckIn(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rest := r.Next
		if err != nil {
			rest, _ = failures.Next()
			rest = max(rest, a.least(err))
		} else {
			failures = a.failures()
		}
		if err := a.pause(ctx, rest); err != nil {
			return err
		}
	}
}

// Wake has Run check in at once: it ends the wait, or forgoes the next one. Call it
// when the device's accounts change, such as at the broadcast
// com.google.android.gms.auth.ACCOUNT_REAUTH_REQUIRED.
func (a *Agent) Wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.woken = true
	if a.wake != nil {
		a.wake()
	}
}

func (a *Agent) failures() retry.Backoff {
	return a.client.backoff(firstFailureRest, longestFailureRest)
}

func (a *Agent) told() time.Duration {
	a.busy <- struct{}{}
	defer a.unlock()
	return a.rest
}

// least is the shortest rest after an error: what the server asks for, or the
// normal interval where it refused in a way that trying again does not change.
func (a *Agent) least(err error) time.Duration {
	p := problemOf(err)
	if p == nil {
		return 0
	}
	if _, again := retryable(err); !again {
		return max(p.RetryAfter, a.told())
	}
	return p.RetryAfter
}

// pause waits for d and up to a tenth more. It returns an error once ctx is done,
// and nil when woken.
func (a *Agent) pause(ctx context.Context, d time.Duration) error {
	d += time.Duration(float64(d) * lateness * fraction(a.client.opts.Random))
	waking, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.startWait(cancel) {
		return ctx.Err()
	}
	err := a.client.opts.Wait(waking, d)
	woken := a.endWait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if woken {
		return nil
	}
	return err
}

// startWait reports whether there was a Wake already, and takes it.
func (a *Agent) startWait(cancel context.CancelFunc) (woken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	woken, a.woken = a.woken, false
	if !woken {
		a.wake = cancel
	}
	return woken
}

func (a *Agent) endWait() (woken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	woken, a.woken, a.wake = a.woken, false, nil
	return woken
}
