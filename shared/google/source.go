package google

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"
	oauthgoogle "golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"
	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// tokenURIs are the token endpoints of Google. A key file that names another one
// would send signed assertions to a stranger.
var tokenURIs = []string{
	"https://oauth2.googleapis.com/token",
	"https://www.googleapis.com/oauth2/v4/token",
	"https://accounts.google.com/o/oauth2/token",
}

// CheckTokenURI returns nil for a token endpoint of Google and otherwise a
// fault.Permanent that names the foreign host.
func CheckTokenURI(uri string) error {
	if slices.Contains(tokenURIs, uri) {
		return nil
	}
	host := "an unreadable address"
	if u, err := url.Parse(uri); err == nil && u.Host != "" {
		host = u.Host
	}
	return fault.New(fault.Permanent, ReasonKey,
		"The service account's key file has a token_uri at %s, which is not Google's token endpoint.", host)
}

// SourceOptions says whose access tokens a TokenSource fetches.
type SourceOptions struct {
	// Credential returns a service account's JSON key file. It is called at
	// first use, and again after a failure that a new key could mend. Required.
	Credential func(context.Context) (secret.Value, error)
	// Scopes are the OAuth scopes to ask for. Required.
	Scopes []string
	// Subject is the person to impersonate by domain-wide delegation; empty for
	// the service account itself.
	Subject string
	// AnyTokenURI accepts a token endpoint that is not Google's: for development
	// against a simulator, never in production.
	AnyTokenURI bool
	// EarlyExpiry is how long before its end a token is given up, default 1 min.
	EarlyExpiry time.Duration
	// Timeout bounds one fetch, default 20 s. A fetch belongs to all who wait
	// for it, so it has its own time instead of the first waiter's.
	Timeout time.Duration
	// Base makes the requests, default http.DefaultTransport.
	Base http.RoundTripper
	// Now is the clock, default time.Now. The assertion's own times come from
	// the machine's clock (golang.org/x/oauth2/jwt).
	Now func() time.Time
}

// TokenSource keeps one access token until shortly before its end and fetches
// the next once for however many wait for it (invariant K3). It dials nothing
// before first use. It does not retry: a Caller does. It may be used
// concurrently.
type TokenSource struct {
	opt    SourceOptions
	flight singleflight.Group

	mu    sync.Mutex
	conf  *jwt.Config
	token *oauth2.Token
}

// NewTokenSource returns a TokenSource.
func NewTokenSource(opt SourceOptions) *TokenSource {
	setDefault(&opt.EarlyExpiry, time.Minute)
	setDefault(&opt.Timeout, 20*time.Second)
	if opt.Base == nil {
		opt.Base = http.DefaultTransport
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &TokenSource{opt: opt}
}

// Token returns a valid access token. Its errors are faults of Classify, all of
// them NothingDone.
func (s *TokenSource) Token(ctx context.Context) (secret.Value, error) {
	if v, ok := s.cached(); ok {
		return v, nil
	}
	led := false
	ch := s.flight.DoChan("", func() (any, error) {
		led = true // read below only once this has returned
		if v, ok := s.cached(); ok {
			return v, nil
		}
		fctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opt.Timeout)
		defer cancel()
		return s.fetch(fctx)
	})
	select {
	case <-ctx.Done():
		f := classifyTransport(ctx.Err())
		f.Err = unsent(f.Err)
		return secret.Value{}, f
	case r := <-ch:
		if r.Err != nil && !led {
			f := *fault.As(r.Err)
			f.Err = &sharedError{f.Err}
			return secret.Value{}, &f
		}
		if r.Err != nil {
			return secret.Value{}, r.Err
		}
		v, ok := r.Val.(secret.Value)
		if !ok {
			return secret.Value{}, fault.New(fault.Permanent, ReasonRefused, "The token cache is broken.")
		}
		return v, nil
	}
}

// sharedError marks a failure that another caller has met and told already: one
// fetch that fails must not count as often as there were callers waiting for it.
type sharedError struct{ err error }

func (e *sharedError) Error() string { return e.err.Error() }

func (e *sharedError) Unwrap() error { return e.err }

// Forget drops the token that Google rejected; a newer one stays.
func (s *TokenSource) Forget(rejected secret.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && s.token.AccessToken == rejected.Reveal() {
		s.token = nil
	}
}

func (s *TokenSource) cached() (secret.Value, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == nil || (!s.token.Expiry.IsZero() && !s.opt.Now().Before(s.token.Expiry.Add(-s.opt.EarlyExpiry))) {
		return secret.Value{}, false
	}
	return secret.New(s.token.AccessToken), true
}

func (s *TokenSource) fetch(ctx context.Context) (secret.Value, error) {
	conf, err := s.config(ctx)
	if err != nil {
		return secret.Value{}, s.failed(err)
	}
	start := s.opt.Now()
	rt := &recorder{ctx: ctx, base: s.opt.Base}
	tok, err := conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: rt})).Token()
	if err == nil && tok.AccessToken == "" {
		err = fault.New(fault.Transient, ReasonBackend, "Google's token endpoint gave no token.")
	}
	if err != nil {
		return secret.Value{}, s.failed(rt.cause(err))
	}
	// The library counts from the machine's clock and from the end of the fetch.
	if secs, ok := tok.Extra("expires_in").(float64); ok {
		tok.Expiry = start.Add(time.Duration(secs) * time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = tok
	return secret.New(tok.AccessToken), nil
}

// failed classifies a fetch's error and forgets a key that does not work, for it
// may have been replaced meanwhile.
func (s *TokenSource) failed(err error) error {
	f := *fault.As(classify(err, s.opt.Now))
	if f.Reason == ReasonSubject && s.opt.Subject == "" {
		f.Reason, f.Public = ReasonKey, "Google does not know the service account; it may be deleted."
	}
	if f.Reason == ReasonKey {
		s.mu.Lock()
		s.conf = nil
		s.mu.Unlock()
	}
	if f.Err == nil {
		f.Err = errors.New("no access token")
	}
	f.Err = unsent(f.Err)
	return &f
}

func (s *TokenSource) config(ctx context.Context) (*jwt.Config, error) {
	s.mu.Lock()
	conf := s.conf
	s.mu.Unlock()
	if conf != nil {
		return conf, nil
	}
	key, err := s.opt.Credential(ctx)
	if err != nil {
		if fault.As(err) != nil {
			return nil, err
		}
		return nil, fault.Wrap(err, fault.Transient, ReasonConfig, "The service account's key cannot be read.")
	}
	conf, err = oauthgoogle.JWTConfigFromJSON(key.Bytes(), s.opt.Scopes...)
	if err != nil {
		// The library's text can quote the file.
		return nil, fault.New(fault.Permanent, ReasonKey, "The service account's key is not a JSON key file of Google.")
	}
	if !s.opt.AnyTokenURI {
		if err := CheckTokenURI(conf.TokenURL); err != nil {
			return nil, err
		}
	}
	conf.Subject = s.opt.Subject
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conf = conf
	return conf, nil
}
