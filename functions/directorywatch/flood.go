package directorywatch

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// Each hint costs a call to Google, and a full walk one for 500 people. So an
// enterprise has directory.MaxUsers hints at once and as many again each five
// minutes: between two schedules that is 200 calls, a walk over 100,000 people.
// What comes beyond is left to a walk, for window at a time.
const (
	refill = 5 * time.Minute / directory.MaxUsers
	window = time.Minute
)

// flood is how many hints of one enterprise this process has let through.
type flood struct {
	hints *rate.Limiter

	mu sync.Mutex
	// until is up to when a published command already has Google listed.
	until time.Time
}

// flood returns that of an enterprise, which a token has proven to be one.
func (l *Listener) flood(enterprise string) *flood {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.floods[enterprise]
	if f == nil {
		if l.floods == nil {
			l.floods = map[string]*flood{}
		}
		f = &flood{hints: rate.NewLimiter(rate.Every(refill), directory.MaxUsers)}
		l.floods[enterprise] = f
	}
	return f
}

func (f *flood) allows(now time.Time) bool { return f.hints.AllowN(now, 1) }

// pass lets a hint go by: tell, which makes the next walk begin after until, is
// called once a window, and all others wait for it.
func (f *flood) pass(now time.Time, tell func(until time.Time) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.until) {
		return nil
	}
	until := now.Add(window)
	if err := tell(until); err != nil {
		return err
	}
	f.until = until
	return nil
}
