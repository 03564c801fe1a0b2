package embedded

import (
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/event"
)

// Options configure a Bus. A nil *Options, and the zero value of each field,
// give what the field's comment says.
type Options struct {
	// MaxAttempts is how often an event is delivered before it is given up; 0 is
	// event.DefaultMaxAttempts.
	MaxAttempts int
	// Concurrency is how many handlers Run lets work at once; 0 is 8.
	Concurrency int
	// MinBackoff and MaxBackoff bound the wait before another attempt: it doubles
	// from MinBackoff (0 is 1 s) up to MaxBackoff (0 is 5 min), less a random
	// part of up to half.
	MinBackoff, MaxBackoff time.Duration
	// MaxBytes bounds the file; 0 is no bound but the disk's.
	MaxBytes int
	// Chaos makes deliveries worse than they would be, for tests.
	Chaos Chaos
	// Log takes what became of events that failed; nil is slog.Default.
	Log *slog.Logger
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// After is how Run waits; nil is time.After.
	After func(time.Duration) <-chan time.Time
	// Rand is the source of back-off and chaos; nil is a random one. The bus
	// guards it, and nothing else may use it meanwhile.
	Rand *mathrand.Rand
	// NewID makes the id of an event, unique for ever; nil is 130 random bits.
	NewID func() string
}

// Chaos says how deliveries go wrong. Each probability is 0 (never) to 1.
type Chaos struct {
	// Duplicate is the probability that an event is delivered twice, each copy
	// with attempts of its own. Both copies have the same ID.
	Duplicate float64
	// Delay is the probability that a copy comes late, by up to MaxDelay.
	Delay    float64
	MaxDelay time.Duration
	// Reorder is the probability that the next delivery is any of the due events
	// of its topic instead of the oldest.
	Reorder float64
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	setDefault(&c.MaxAttempts, event.DefaultMaxAttempts)
	setDefault(&c.Concurrency, 8)
	setDefault(&c.MinBackoff, time.Second)
	setDefault(&c.MaxBackoff, 5*time.Minute)
	setDefault(&c.Log, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Rand == nil {
		c.Rand = mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64()))
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// dice is a source of chance that several goroutines may use.
type dice struct {
	mu sync.Mutex
	r  *mathrand.Rand
}

// happens reports true with probability p.
func (d *dice) happens(p float64) bool {
	if p <= 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Float64() < p
}

// upTo returns a duration in [0, limit].
func (d *dice) upTo(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.r.Int64N(int64(limit) + 1))
}

// below returns an index in [0, n).
func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// backoff returns how long to wait after the failed attempt, at least 1.
func (b *Bus) backoff(attempt int) time.Duration {
	wait := b.opt.MinBackoff
	for i := 1; i < attempt && wait < b.opt.MaxBackoff; i++ {
		wait *= 2
	}
	wait = min(wait, b.opt.MaxBackoff)
	return wait - b.dice.upTo(wait/2)
}
