package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// signing is the algorithms that are taken: those with a public key. A provider that
// names none has RS256 (OpenID Connect Discovery 1.0, section 3).
var signing = []string{
	gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.ES256, gooidc.ES384, gooidc.ES512,
	gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.EdDSA,
}

// provider is what is known of an identity provider.
type provider struct {
	issuer string
	algs   []string
	keys   gooidc.KeySet
	read   time.Time

	mu    sync.Mutex
	retry time.Time
}

// refresh returns when to read the provider again.
func (p *provider) refresh() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.read.Add(refreshAfter); at.After(p.retry) {
		return at
	}
	return p.retry
}

func (p *provider) failed(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retry = now.Add(retryAfter)
}

// discover reads a provider's discovery document.
func discover(ctx context.Context, issuer string, opt Options) (*provider, error) {
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, client(opt, nil)), issuer)
	if err != nil {
		var mismatch *gooidc.IssuerMismatchError
		if errors.As(err, &mismatch) {
			return nil, fault.New(fault.Permanent, ReasonDiscovery,
				"The identity provider calls itself by another issuer. Configure the issuer exactly as its discovery document has it, a slash at the end included.")
		}
		return nil, unavailable(err)
	}
	var document struct {
		Keys string   `json:"jwks_uri"`
		Algs []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := found.Claims(&document); err != nil || checkURL(document.Keys) != nil {
		return nil, fault.New(fault.Permanent, ReasonDiscovery,
			"The identity provider's discovery document names no https address of its keys.")
	}
	p := &provider{issuer: issuer, read: opt.Now()}
	for _, a := range document.Algs {
		if slices.Contains(signing, a) {
			p.algs = append(p.algs, a)
		}
	}
	if len(p.algs) == 0 {
		p.algs = []string{gooidc.RS256}
	}
	// A key that is not known is fetched at once, five times in a row at most, and
	// then every ten seconds.
	limit := rate.NewLimiter(rate.Every(10*time.Second), 5)
	p.keys = gooidc.NewRemoteKeySet(gooidc.ClientContext(ctx, client(opt, limit)), document.Keys)
	return p, nil
}

func client(opt Options, limit *rate.Limiter) *http.Client {
	return &http.Client{
		Transport: fetcher{next: opt.Transport, limit: limit}, Timeout: opt.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// verify checks signature, issuer, audience and expiry, and returns the claims.
func (p *provider) verify(ctx context.Context, c directory.OIDC, token string, now time.Time) (claims, error) {
	noted := &noting{KeySet: p.keys}
	v := gooidc.NewVerifier(p.issuer, noted, &gooidc.Config{
		ClientID: c.Audience, SupportedSigningAlgs: p.algs, Now: func() time.Time { return now },
	})
	t, err := v.Verify(ctx, token)
	if err == nil {
		return newClaims(t)
	}
	// go-oidc's texts quote the token, so that what was wrong is told anew.
	var expired *gooidc.TokenExpiredError
	switch {
	case noted.err != nil && ctx.Err() != nil:
		return claims{}, fault.Wrap(ctx.Err(), fault.Transient, ReasonUnreachable, "The time for asking the identity provider ended.")
	case noted.err != nil:
		return claims{}, signature(noted.err)
	case !noted.asked:
		// It is no JWT, or one with an algorithm that is not taken.
		return claims{}, refusal(ReasonMalformed)
	case errors.As(err, &expired):
		return claims{}, refusal(ReasonExpired)
	}
	return claims{}, refusal(noted.reason(p.issuer, c.Audience))
}

// signature tells a signature that does not hold from keys that could not be had.
func signature(err error) error {
	var t *trouble
	if errors.As(err, &t) {
		return unavailable(err)
	}
	return refusal(ReasonSignature)
}

func unavailable(err error) error {
	var t *trouble
	if !errors.As(err, &t) {
		return fault.New(fault.Permanent, ReasonDiscovery, "The identity provider's discovery document is not what OpenID Connect Discovery 1.0 says.")
	}
	if t.busy {
		return fault.New(fault.Transient, ReasonBusy, "The identity provider's keys were fetched often of late; try again.").After(10 * time.Second)
	}
	return fault.Wrap(t, fault.Transient, ReasonUnreachable, "The identity provider cannot be asked now.")
}

func refusal(reason string) error { return fault.New(fault.Unauthorized, reason, "") }

// noting is a key set that remembers what became of one verification.
type noting struct {
	gooidc.KeySet
	asked   bool
	payload []byte
	err     error
}

// VerifySignature implements gooidc.KeySet.
func (n *noting) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	n.asked = true
	n.payload, n.err = n.KeySet.VerifySignature(ctx, token)
	return n.payload, n.err
}
