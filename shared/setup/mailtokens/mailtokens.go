// Package mailtokens gets the access tokens with which mailboxes of an enterprise are
// read: those of its service account by domain-wide delegation, for one mailbox and one
// scope each. The function mailtoken hands them out; doctor and mail check use them
// too.
package mailtokens

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

const (
	// Parallel is how many tokens of one enterprise are fetched at once at most, in one
	// process.
	Parallel = 32
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

// Options are what a Mint is made of. Credential and Log are required; the zero value
// of each other field means its default.
type Options struct {
	// Credential returns an enterprise's credential, as package credential stores it.
	Credential func(ctx context.Context, enterprise string) (secret.Value, error)
	// AnyTokenURI accepts a token endpoint that is not Google's, for development alone.
	AnyTokenURI bool
	Log         *slog.Logger
	// Now is the clock, default time.Now.
	Now func() time.Time
	// Base makes the requests; the default keeps as many connections as it uses.
	Base http.RoundTripper
	// Observe, if set, is told of every attempt at a call, as setup.Process.Google.
	Observe func(op, outcome string, attempt int)
	// Caller adjusts limit, retries and breaker; what is zero is this package's.
	Caller google.Options
	// CacheBytes bounds what is kept of all enterprises; default 128 MiB, which is
	// 100,000 mailboxes.
	CacheBytes int64
}

// Mint gets tokens. It keeps each until shortly before its end, and keeps enterprises
// apart: each has its own limit, retries and pauses. It dials nothing before first use
// and may be used concurrently.
type Mint struct {
	opt    Options
	caller *google.Caller
	cache  *google.TokenCache
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
	if opt.Base == nil {
		opt.Base = transport()
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
	return &Mint{
		opt: opt, caller: google.NewCaller(c), cache: google.NewTokenCache(opt.CacheBytes),
		tokens: map[string]*google.Tokens{}, bars: map[string]bar{},
	}
}

// transport keeps connections for all fetches that may run at once, where the default
// would close all but two; with HTTP/2, as at Google, one is enough.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := t.Clone()
	own.MaxIdleConnsPerHost = Parallel
	return own
}

// Open returns the process's Mint, one for all functions in it, so that they share
// tokens and limits.
func Open(ctx context.Context, p *setup.Process) (*Mint, error) {
	store, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, "mailtokens", func() (*Mint, error) {
		return New(Options{
			Credential: func(ctx context.Context, ent string) (secret.Value, error) {
				return store.Access(ctx, directory.KeySecret(ent))
			},
			AnyTokenURI: p.Config.DirectoryEndpoint != "", Log: p.Log, Now: p.Now,
			Observe: func(op, outcome string, attempt int) {
				if p.Google != nil {
					p.Google(op, outcome, attempt)
				}
			},
		}), nil
	})
}
