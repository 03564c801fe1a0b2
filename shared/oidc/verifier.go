package oidc

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options are what a Verifier needs from its surroundings. A zero field means its
// default.
type Options struct {
	// Transport reaches identity providers; default http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Timeout bounds one request to a provider; default 10 s.
	Timeout time.Duration
}

const (
	// refreshAfter is how old what is known of a provider may be before it is read
	// again, retryAfter how long to wait once that failed, and deadAfter from when on
	// it is no longer believed.
	refreshAfter = time.Hour
	retryAfter   = time.Minute
	deadAfter    = 24 * time.Hour
	// maxProviders bounds what is remembered; there is one for each enterprise.
	maxProviders = 1000
)

// Verifier verifies ID tokens of any number of issuers. It may be used concurrently.
type Verifier struct {
	opt    Options
	flight singleflight.Group

	mu        sync.Mutex
	providers map[string]*provider
}

// New returns a Verifier. It dials nothing.
func New(opt Options) *Verifier {
	if opt.Transport == nil {
		opt.Transport = http.DefaultTransport
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	return &Verifier{opt: opt, providers: map[string]*provider{}}
}

// Verify returns the value of the claim that names the person. A token that is not
// good is fault.Unauthorized with one of the Reason constants; a provider that cannot
// be asked is fault.Transient, and one that is not what it should be is
// fault.Permanent, for an operator. nonce is what the token's nonce must be.
func (v *Verifier) Verify(ctx context.Context, c directory.OIDC, token secret.Value, nonce string) (string, error) {
	p, err := v.provider(ctx, c.Issuer)
	if err != nil {
		return "", err
	}
	claims, err := p.verify(ctx, c, token.Reveal(), v.opt.Now())
	if err != nil {
		return "", err
	}
	if err := claims.check(c, nonce, v.opt.Now()); err != nil {
		return "", err
	}
	return claims.person(c)
}

// provider returns what is known of an issuer, reading it anew where that is old.
func (v *Verifier) provider(ctx context.Context, issuer string) (*provider, error) {
	if err := checkURL(issuer); err != nil {
		return nil, fault.Wrap(err, fault.Permanent, ReasonIssuerURL,
			"The identity provider's issuer must be an https URL without user, query and fragment.")
	}
	now := v.opt.Now()
	known := v.known(issuer)
	if known != nil && now.Sub(known.read) >= deadAfter {
		known = nil
	}
	if known != nil && now.Before(known.refresh()) {
		return known, nil
	}
	// Who waits shares one reading, which does not end with the first one's request.
	reading := v.flight.DoChan(issuer, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.opt.Timeout)
		defer cancel()
		p, err := discover(ctx, issuer, v.opt)
		if err != nil {
			if known != nil {
				known.failed(v.opt.Now())
			}
			return nil, err
		}
		v.remember(issuer, p)
		return p, nil
	})
	select {
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.Transient, ReasonUnreachable, "The time for asking the identity provider ended.")
	case r := <-reading:
		if r.Err == nil {
			return r.Val.(*provider), nil
		}
		if known != nil {
			return known, nil
		}
		return nil, r.Err
	}
}

func (v *Verifier) known(issuer string) *provider {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.providers[issuer]
}

func (v *Verifier) remember(issuer string, p *provider) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.providers) >= maxProviders {
		clear(v.providers)
	}
	v.providers[issuer] = p
}
