// Package mailtokens gets the access tokens with which mailboxes of an enterprise are
// read: those of its service account by domain-wide delegation, for one mailbox and one
// scope each. The function mailtoken hands them out; doctor and mail check use them
// too.
package mailtokens

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

const (
	// Parallel is how many tokens of one enterprise are fetched at once at most, in one
	// process.
	Parallel = tokens.Parallel
	// ratePerSecond and burst bound an enterprise's calls to the token endpoint, in one
	// process. Google documents no bound of its own and says 429 where it has one, so
	// these are what Parallel calls of 60 ms make, and bound what is faster.
	ratePerSecond, burst = 500, 1000
	// failures is how many calls in a row must fail before an enterprise's calls are
	// paused: more than are under way at once.
	failures = 2 * Parallel
	// patience bounds one fetch with its retries. It goes on when who asked has left, so
	// that the token is there when they come back.
	patience = 40 * time.Second
	// op is what metrics call a fetch.
	op = "oauth2.token"
)

// The reasons of this package.
const (
	// ReasonLater (Transient): the caller's time ended before the token was there.
	ReasonLater = "later"
	// ReasonCredential (Permanent): no Google credential is imported for the enterprise.
	ReasonCredential = "credential-missing"
)

// Options are what a Mint is made of. Source is required; the zero value of each other
// field means its default.
type Options struct {
	// Source returns an enterprise's source of tokens. It is called once for each
	// enterprise, and its tokens are asked for without a Caller of their own.
	Source func(enterprise string) *google.Tokens
	// Now is the clock by which failures are believed, default time.Now.
	Now func() time.Time
	// Caller adjusts limit, retries and breaker; what is zero is this package's.
	Caller google.Options
	// Observe, if set, is told of every attempt at a call, as setup.Process.Google.
	Observe func(op, outcome string, attempt int)
}

// Mint gets tokens, and keeps enterprises apart: each has its own limit, retries and
// pauses. It dials nothing before first use and may be used concurrently.
type Mint struct {
	opt    Options
	caller *google.Caller
	flight singleflight.Group

	mu sync.Mutex
	// By enterprise.
	tokens map[string]*google.Tokens
	bars   map[string]bar
}

// New returns a Mint.
func New(opt Options) *Mint {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Observe == nil {
		opt.Observe = func(string, string, int) {}
	}
	c := opt.Caller
	if c.Rate == 0 {
		c.Rate, c.Burst = ratePerSecond, burst
	}
	if c.BreakerFailures == 0 {
		c.BreakerFailures = failures
	}
	if c.Now == nil {
		c.Now = opt.Now
	}
	return &Mint{opt: opt, caller: google.NewCaller(c), tokens: map[string]*google.Tokens{}, bars: map[string]bar{}}
}

// Open returns the process's Mint, one for all functions in it. Its tokens are those of
// tokens.Sources, which the directory's clients use as well. Like them it goes by the
// machine's clock, whatever the process's is.
func Open(ctx context.Context, p *setup.Process) (*Mint, error) {
	sources, err := tokens.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, "mailtokens", func() (*Mint, error) {
		return New(Options{
			Source: sources.Enterprise,
			Observe: func(op, outcome string, attempt int) {
				if p.Google != nil {
					p.Google(op, outcome, attempt)
				}
			},
		}), nil
	})
}
