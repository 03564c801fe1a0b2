package google_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const scope = "https://www.googleapis.com/auth/androidenterprise"

var testKeys = googletest.KeyRing(1)

// endpoint is a simulated token endpoint with one service account.
type endpoint struct {
	*googletest.TokenEndpoint
	faults  *googletest.Faults
	url     string
	account googletest.ServiceAccount
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	return newEndpointAt(t, nil)
}

func newEndpointAt(t *testing.T, now func() time.Time) *endpoint {
	t.Helper()
	e := &endpoint{faults: googletest.NewFaults(googletest.FaultOptions{})}
	e.TokenEndpoint = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: e.faults, NewKey: testKeys, Now: now})
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	e.url = srv.URL + "/token"
	var err error
	if e.account, err = e.NewServiceAccount("sa", e.url); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *endpoint) options() google.TokenOptions {
	return google.TokenOptions{
		Credential:  func(context.Context) (secret.Value, error) { return secret.NewBytes(e.account.JSON), nil },
		AnyTokenURI: true,
		Log:         slog.New(slog.DiscardHandler),
	}
}

func TestTokenIsKeptAndSharedUntilShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	clock, _ := newFake()
	e := newEndpointAt(t, clock.Now)
	opt := e.options()
	opt.Now = clock.Now
	s := google.NewTokens(opt).For("", scope)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := e.faults.Calls(googletest.TokenMethod); n != 1 {
		t.Errorf("%d fetches for many waiters, want 1", n)
	}
	first, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = clock.Sleep(t.Context(), 58*time.Minute)
	if second, err := s.Token(t.Context()); err != nil || !second.Equal(first) {
		t.Errorf("given up too early: %v", err)
	}
	_ = clock.Sleep(t.Context(), time.Minute)
	third, err := s.Token(t.Context())
	if err != nil || third.Equal(first) {
		t.Errorf("given up too late: %v", err)
	}
	s.Forget(first)
	if again, err := s.Token(t.Context()); err != nil || !again.Equal(third) {
		t.Errorf("forgetting an older token must keep the newer: %v", err)
	}
	s.Forget(third)
	if again, err := s.Token(t.Context()); err != nil || again.Equal(third) {
		t.Errorf("forgotten token came back: %v", err)
	}
}

type ask struct {
	opt            google.TokenOptions
	subject, scope string
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		arrange func(e *endpoint, a *ask)
		kind    fault.Kind
		reason  string
	}{
		{"wrong key", func(e *endpoint, _ *ask) { e.DeleteKey(e.account.Email, e.account.KeyID) }, fault.Permanent, google.ReasonKey},
		{"disabled", func(e *endpoint, _ *ask) {
			e.SetAccount(e.account.Email, googletest.AccountDisabled)
		}, fault.Permanent, google.ReasonKey},
		{"deleted", func(e *endpoint, _ *ask) {
			e.SetAccount(e.account.Email, googletest.AccountDeleted)
		}, fault.Permanent, google.ReasonKey},
		{"no delegation", func(_ *endpoint, a *ask) { a.subject = "a@example.com" }, fault.Transient, google.ReasonConfig},
		{"unknown person", func(e *endpoint, a *ask) {
			a.subject = "a@example.com"
			e.Delegate(e.account.Email, scope)
		}, fault.Permanent, google.ReasonSubject},
		{"no such address", func(e *endpoint, a *ask) {
			a.subject = "nobody"
			e.Delegate(e.account.Email, scope)
		}, fault.Permanent, google.ReasonSubject},
		{"unknown scope", func(_ *endpoint, a *ask) { a.scope = "x" }, fault.Transient, google.ReasonConfig},
		{"down", func(e *endpoint, _ *ask) {
			e.faults.Add(googletest.Script{Method: "*", Mode: googletest.Refuse})
		}, fault.Transient, google.ReasonBackend},
		{"quota", func(e *endpoint, _ *ask) {
			e.faults.Add(googletest.Script{Method: "*", Mode: googletest.Refuse, Status: 429})
		}, fault.Exhausted, google.ReasonQuota},
		{"nonsense", func(e *endpoint, _ *ask) {
			e.faults.Add(googletest.Script{Method: "*", Mode: googletest.Malformed})
		}, fault.Transient, google.ReasonBackend},
		{"lost answer", func(e *endpoint, _ *ask) {
			e.faults.Add(googletest.Script{Method: "*", Mode: googletest.DropAfter})
		}, fault.Transient, google.ReasonNetwork},
		{"private key is no key", func(e *endpoint, _ *ask) {
			e.account.JSON = []byte(`{"type":"service_account","private_key":"x","token_uri":"` + e.url + `"}`)
		}, fault.Permanent, google.ReasonKey},
		{"foreign token endpoint", func(_ *endpoint, a *ask) { a.opt.AnyTokenURI = false }, fault.Permanent, google.ReasonKey},
		{"store says no", func(_ *endpoint, a *ask) {
			a.opt.Credential = func(context.Context) (secret.Value, error) {
				return secret.Value{}, fault.New(fault.NotFound, "no-secret", "There is no such secret.")
			}
		}, fault.NotFound, "no-secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t)
			a := ask{opt: e.options(), scope: scope}
			tc.arrange(e, &a)
			_, err := google.NewTokens(a.opt).For(a.subject, a.scope).Token(t.Context())
			if fault.KindOf(err) != tc.kind || fault.ReasonOf(err) != tc.reason || !google.NothingDone(err) {
				t.Errorf("got %v %q (%v), want %v %q", fault.KindOf(err), fault.ReasonOf(err), err, tc.kind, tc.reason)
			}
			for _, s := range append(e.Secrets(), "eyJ") {
				if strings.Contains(err.Error(), s) {
					t.Errorf("error tells %q", s)
				}
			}
		})
	}
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.Delegate(e.account.Email, scope)
	e.SetSubject("A@example.com", googletest.SubjectActive)
	token, err := google.NewTokens(e.options()).For("a@example.com", scope).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g, ok := e.Grant(token.Reveal()); !ok || g.Subject != "a@example.com" || g.Account != e.account.Email {
		t.Errorf("grant %+v, %v", g, ok)
	}
}

// A waiter that leaves neither waits on nor spoils the fetch of the others.
func TestWaiterLeaves(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	opt := e.options()
	opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		close(asked)
		<-answer
		return http.DefaultTransport.RoundTrip(r)
	})
	s := google.NewTokens(opt).For("", scope)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := s.Token(ctx); left <- err }()
	<-asked
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) || !google.NothingDone(err) {
		t.Errorf("got %v", err)
	}
	close(answer)
	if _, err := s.Token(t.Context()); err != nil {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
