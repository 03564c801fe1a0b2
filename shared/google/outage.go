package google

import (
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// outage keeps everybody from asking Google with a credential that it has refused:
// after each pause one asker tries, and the others are told what that one was.
// That Google gives a token, or refuses one person or one grant, proves that the
// outage is over; a fault on the way to Google proves nothing.
type outage struct {
	pause   time.Duration
	breaker *gobreaker.CircuitBreaker[AccessToken]

	mu     sync.Mutex
	cause  *fault.Error // the last refusal
	paused time.Time
}

// newOutage returns one that has not begun. began and ended are called once for
// each outage and must be quick.
func newOutage(pause time.Duration, began func(*fault.Error), ended func()) *outage {
	o := &outage{pause: pause}
	o.breaker = gobreaker.NewCircuitBreaker[AccessToken](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      pause,
		ReadyToTrip:  func(gobreaker.Counts) bool { return true },
		IsSuccessful: func(err error) bool { return fault.ReasonOf(err) != ReasonKey },
		IsExcluded: func(err error) bool {
			switch fault.ReasonOf(err) {
			case ReasonKey, ReasonSubject, ReasonConfig:
				return false
			default:
				return err != nil
			}
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			o.mu.Lock()
			cause := o.cause
			if to == gobreaker.StateOpen {
				o.paused = time.Now()
			}
			o.mu.Unlock()
			switch {
			case from == gobreaker.StateClosed:
				began(cause)
			case to == gobreaker.StateClosed:
				ended()
			}
		},
	})
	return o
}

// do fetches, or says at once why that is in vain.
func (o *outage) do(fetch func() (AccessToken, error)) (AccessToken, error) {
	tok, err := o.breaker.Execute(func() (AccessToken, error) {
		tok, err := fetch()
		if f := fault.As(err); f != nil && f.Reason == ReasonKey {
			o.mu.Lock()
			o.cause = f
			o.mu.Unlock()
		}
		return tok, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		o.mu.Lock()
		defer o.mu.Unlock()
		// With the pause over, somebody is trying just now.
		return AccessToken{}, told(o.cause).After(max(o.pause-time.Since(o.paused), time.Second))
	}
	return tok, err
}

// told marks a failure as one that another caller has met and reported: a Caller
// does not count it again.
func told(f *fault.Error) *fault.Error {
	again := *f
	again.Err = &sharedError{f.Err}
	return &again
}

// sharedError marks a failure that another caller has met and told already: one
// fetch that fails must not count as often as there were callers waiting for it.
type sharedError struct{ err error }

func (e *sharedError) Error() string { return e.err.Error() }

func (e *sharedError) Unwrap() error { return e.err }
