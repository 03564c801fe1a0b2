package workspace

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// CreationOptions adjusts a CreationLimit; the zero value of each field means
// its default.
type CreationOptions struct {
	// Rate is how many users a second one domain gets on average, default 9, and
	// Burst how many at once, default 1. Google's bound is 10 users for a domain
	// in a second ("Directory API: Limits and Quotas"), and a second holds at
	// most Rate plus Burst.
	Rate  float64
	Burst int
	// MaxWait is the longest wait for a place, default 10 s; above it Insert
	// fails at once with google.ReasonLocalLimit.
	MaxWait time.Duration
	// Now is the clock, default time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends and then returns ctx's error. The
	// default uses a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// CreationLimit spaces the creation of users in each domain. It bounds one
// process: processes that create in the same domain must share the rate among
// them. It may be used concurrently.
type CreationLimit struct {
	opt CreationOptions

	mu      sync.Mutex
	domains map[string]*rate.Limiter
}

// NewCreationLimit returns a CreationLimit.
func NewCreationLimit(opt CreationOptions) *CreationLimit {
	if opt.Rate <= 0 {
		opt.Rate = 9
	}
	if opt.Burst <= 0 {
		opt.Burst = 1
	}
	if opt.MaxWait <= 0 {
		opt.MaxWait = 10 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	return &CreationLimit{opt: opt, domains: map[string]*rate.Limiter{}}
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

// admit takes one creation from the share of the address's domain.
func (l *CreationLimit) admit(ctx context.Context, address string) error {
	limiter := l.of(strings.ToLower(address[strings.LastIndexByte(address, '@')+1:]))
	now := l.opt.Now()
	r := limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	// A context's deadline is by the machine's clock, whatever Now says.
	deadline, bounded := ctx.Deadline()
	if wait > l.opt.MaxWait || (bounded && wait >= time.Until(deadline)) {
		r.CancelAt(now)
		return fault.New(fault.Exhausted, google.ReasonLocalLimit, "Too many users are being created in this domain.").After(wait)
	}
	if err := l.opt.Sleep(ctx, wait); err != nil {
		r.CancelAt(l.opt.Now())
		return err
	}
	return nil
}

func (l *CreationLimit) of(domain string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.domains[domain]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(l.opt.Rate), l.opt.Burst)
		l.domains[domain] = limiter
	}
	return limiter
}
