package google_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// Fetches pass the Caller, with its retries, its limit and its breaker; tokens that
// are kept do not.
func TestToken_E1_FetchesPassTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(60)
		events := 0
		d.opt.Caller = google.NewCaller(google.Options{Rate: 1, Burst: 20, MaxDelay: 5 * time.Second, BreakerFailures: 5,
			Observe: func(_ context.Context, e google.Event) {
				if e.Op != "oauth2.token" {
					t.Errorf("observed %+v", e)
				}
				events++
			}})
		s := google.NewTokens(d.opt)
		d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse, Times: 1})
		d.want(s, who[0], "")
		if d.calls() != 2 || events != 2 {
			t.Errorf("%d calls and %d events, want a failure and its retry", d.calls(), events)
		}
		for range 1000 {
			d.want(s, who[0], "")
		}
		if events != 2 {
			t.Errorf("%d events: kept tokens pass the Caller", events)
		}
		for _, w := range who[1:19] {
			d.want(s, w, "")
		}
		d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse})
		time.Sleep(time.Minute)
		for _, w := range who[30:34] {
			_, err := s.Token(t.Context(), w, mail)
			if err == nil || !google.NothingDone(err) {
				t.Errorf("got %v", err)
			}
		}
		before := d.calls()
		d.want(s, who[40], google.ReasonPaused)
		if d.calls() != before {
			t.Error("an open breaker lets calls through")
		}
		d.want(s, who[0], "")
		d.faults.Clear()
		time.Sleep(time.Minute)
		d.want(s, who[40], "")
	})
}

// A key that is broken is told as that, and does not become a pause of the Caller.
func TestToken_E1_ABrokenKeyIsNotHiddenByAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(30)
		d.opt.Caller = google.NewCaller(google.Options{BreakerFailures: 3})
		s := google.NewTokens(d.opt)
		d.google.SetAccount(d.account.Email, googletest.AccountDisabled)
		for _, w := range who {
			d.want(s, w, google.ReasonKey)
		}
		if _, err := s.Token(t.Context(), who[0], mail); fault.As(err).RetryAfter <= 0 {
			t.Errorf("got %v", err)
		}
		d.google.SetAccount(d.account.Email, googletest.AccountActive)
		time.Sleep(31 * time.Second)
		for _, w := range who {
			d.want(s, w, "")
		}
	})
}
