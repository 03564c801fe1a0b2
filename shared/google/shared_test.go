package google_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// TestBreakerCountsASharedFailureOnce: a token fetch that fails once, while many
// calls wait for it, does not pause the enterprise.
func TestBreakerCountsASharedFailureOnce(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse, Status: 503, Times: 1})
	release := make(chan struct{})
	opt := e.options()
	opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		<-release
		return http.DefaultTransport.RoundTrip(r)
	})
	source := google.NewTokens(opt).For("", scope)
	c := google.NewCaller(google.Options{Attempts: 1, BreakerFailures: 3})
	var entered, done sync.WaitGroup
	for range 20 {
		entered.Add(1)
		done.Go(func() {
			_ = c.Do(t.Context(), "e", "op", true, func(ctx context.Context) error {
				entered.Done()
				_, err := source.Token(ctx)
				return err
			})
		})
	}
	entered.Wait()
	close(release)
	done.Wait()
	err := c.Do(t.Context(), "e", "op", true, func(ctx context.Context) error {
		_, err := source.Token(ctx)
		return err
	})
	if err != nil {
		t.Errorf("one failed fetch paused the enterprise: %v", err)
	}
}
