package google_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestToken_K3_OneSuspendedPersonFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(20)
		d.google.SetSubject(who[0], googletest.SubjectSuspended)
		s := google.NewTokens(d.opt)
		for range 5 {
			d.want(s, who[0], google.ReasonSubject)
			for _, w := range who[1:] {
				d.want(s, w, "")
			}
		}
		if n := d.calls(); n != 20 {
			t.Errorf("%d calls, want one for each", n)
		}
		d.google.SetSubject(who[0], googletest.SubjectActive)
		time.Sleep(59 * time.Second)
		d.want(s, who[0], google.ReasonSubject)
		time.Sleep(2 * time.Second)
		d.want(s, who[0], "")
		if d.log.String() != "" {
			t.Errorf("one person is no alert: %s", d.log)
		}
	})
}

func TestToken_K3_ABrokenKeyFailsFastIsToldOnceAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(40)
		s := google.NewTokens(d.opt)
		kept := d.want(s, who[0], "")
		d.google.SetAccount(d.account.Email, googletest.AccountDisabled)
		before := d.calls()
		for range 3 {
			for _, w := range who[1:] {
				d.want(s, w, google.ReasonKey)
			}
			if again := d.want(s, who[0], ""); !again.Value.Equal(kept.Value) {
				t.Error("a token that is kept was fetched again")
			}
		}
		if n := d.calls() - before; n != 1 {
			t.Errorf("%d calls with a key that does not work, want 1", n)
		}
		_, err := s.Token(t.Context(), who[1], mail)
		if f := fault.As(err); f.Kind != fault.Permanent || f.RetryAfter <= 0 || f.RetryAfter > 30*time.Second {
			t.Errorf("got %v after %v", f, f.RetryAfter)
		}
		for range 10 { // each pause, one asker of all
			time.Sleep(31 * time.Second)
			before := d.calls()
			for _, w := range who[1:] {
				d.want(s, w, google.ReasonKey)
			}
			if n := d.calls() - before; n != 1 {
				t.Errorf("%d calls after a pause, want 1", n)
			}
		}
		d.google.SetAccount(d.account.Email, googletest.AccountActive)
		d.want(s, who[1], google.ReasonKey)
		time.Sleep(31 * time.Second)
		for _, w := range who {
			d.want(s, w, "")
		}
		if e, i := d.log.count("level=ERROR"), d.log.count("level=INFO"); e != 1 || i != 1 {
			t.Errorf("%d errors and %d recoveries are logged, want one of each:\n%s", e, i, d.log)
		}
		for _, want := range []string{"enterprise=acme", "client_id=" + d.account.ClientID, "fingerprint="} {
			if d.log.count(want) != 2 {
				t.Errorf("the log lacks %q:\n%s", want, d.log)
			}
		}
		d.google.SetAccount(d.account.Email, googletest.AccountDisabled)
		time.Sleep(2 * time.Hour)
		d.want(s, who[0], google.ReasonKey)
		if n := d.log.count("level=ERROR"); n != 2 {
			t.Errorf("%d errors for two outages", n)
		}
		d.leaksNothing()
	})
}

// What does not come from Google neither begins an outage nor ends one.
func TestToken_K3_AFaultOnTheWayIsNoVerdictOnTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(4)
		s := google.NewTokens(d.opt)
		d.google.SetAccount(d.account.Email, googletest.AccountDisabled)
		d.want(s, who[0], google.ReasonKey)
		for range 5 {
			time.Sleep(31 * time.Second)
			d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse, Times: 1})
			d.want(s, who[1], google.ReasonBackend)
			d.want(s, who[2], google.ReasonKey)
			d.want(s, who[3], google.ReasonKey)
		}
		if e, i := d.log.count("level=ERROR"), d.log.count("level=INFO"); e != 1 || i != 0 {
			t.Errorf("%d errors and %d recoveries are logged in one outage:\n%s", e, i, d.log)
		}
		// That one person is suspended proves that the key works.
		d.google.SetAccount(d.account.Email, googletest.AccountActive)
		d.google.SetSubject(who[0], googletest.SubjectSuspended)
		time.Sleep(31 * time.Second)
		d.want(s, who[0], google.ReasonSubject)
		d.want(s, who[1], "")
		if i := d.log.count("level=INFO"); i != 1 {
			t.Errorf("%d recoveries are logged", i)
		}
	})
}

func TestToken_K3_AMissingGrantIsAskedForOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(40)
		d.google.Delegate(d.account.Email) // none
		s := google.NewTokens(d.opt)
		for _, w := range who {
			d.want(s, w, google.ReasonConfig)
		}
		if n := d.calls(); n != 3 {
			t.Errorf("%d people met the missing grant, want 3", n)
		}
		time.Sleep(time.Second)
		for range 2 {
			for _, w := range who[20:] {
				d.want(s, w, google.ReasonConfig)
			}
		}
		if n := d.calls(); n != 4 {
			t.Errorf("%d calls after a pause, want one more", n)
		}
		if n := d.log.count("level=WARN"); n != 1 || d.log.count("domain=example.com") != 1 || d.log.count("scopes=https://mail.google.com/") != 1 {
			t.Errorf("the missing grant is told %d times:\n%s", n, d.log)
		}
		other := google.NewScopes("https://www.googleapis.com/auth/gmail.imap_admin")
		if _, err := s.Token(t.Context(), "ann@example.org", mail); fault.ReasonOf(err) != google.ReasonConfig || d.calls() != 5 {
			t.Errorf("another domain was not asked for: %v", err)
		}
		d.google.Delegate(d.account.Email, mail.String(), other.String())
		if _, err := s.Token(t.Context(), who[39], other); err != nil || d.calls() != 6 {
			t.Errorf("other scopes were not asked for: %v", err)
		}
		time.Sleep(time.Minute + time.Second)
		for _, w := range who {
			d.want(s, w, "")
		}
		if n := d.log.count("level=INFO"); n != 1 {
			t.Errorf("it is told %d times that the grant is there:\n%s", n, d.log)
		}
	})
}

// A new grant reaches people one by one: those whom it has not reached do not keep
// the others from their tokens for longer than a pause.
func TestToken_K3_WhoHasTheGrantDoesNotWaitForTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(8)
		late := map[string]bool{who[0]: true, who[1]: true, who[2]: true, who[3]: true}
		inner := d.opt.Base
		d.opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
			sub := subjectOf(t, r)
			if late[sub] {
				return answer(401, `{"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve access tokens using this method."}`), nil
			}
			return inner.RoundTrip(r)
		})
		s := google.NewTokens(d.opt)
		for w := range late {
			_, _ = s.Token(t.Context(), w, mail)
		}
		time.Sleep(time.Second)
		d.want(s, who[4], "")
		for _, w := range who[5:] {
			d.want(s, w, "")
		}
		// One person alone, however often, stops nobody.
		for range 20 {
			time.Sleep(61 * time.Second)
			d.want(s, who[0], google.ReasonConfig)
		}
		d.google.SetSubject("new@example.com", googletest.SubjectActive)
		d.want(s, "new@example.com", "")
	})
}

func TestToken_K3_AThousandForOneColdPersonMakeOneCall(t *testing.T) {
	t.Parallel()
	for _, state := range []googletest.SubjectState{googletest.SubjectActive, googletest.SubjectSuspended} {
		t.Run(fmt.Sprint(state), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDelegate(t)
				who := d.people(1)[0]
				d.google.SetSubject(who, state)
				reads := 0
				d.opt.Credential = func(context.Context) (secret.Value, error) { reads++; return d.stored, nil }
				d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Answer, Latency: time.Second})
				s := google.NewTokens(d.opt)
				reason := ""
				if state == googletest.SubjectSuspended {
					reason = google.ReasonSubject
				}
				var wg sync.WaitGroup
				for range 1000 {
					wg.Go(func() { d.want(s, who, reason) })
				}
				wg.Wait()
				if n := d.calls(); n != 1 || reads != 1 {
					t.Errorf("%d calls and %d reads of the key, want one of each", n, reads)
				}
			})
		})
	}
}

func TestToken_AWrongClockIsNamed(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]string{2 * time.Hour: "2h0m0s ahead of Google's", -90 * time.Minute: "1h30m0s behind Google's"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDelegate(t)
			who := d.people(1)[0]
			inner := d.opt.Base
			d.opt.Now = func() time.Time { return time.Now().Add(off) }
			d.opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := inner.RoundTrip(r)
				if err == nil {
					resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
				}
				return resp, err
			})
			_, err := google.NewTokens(d.opt).Token(t.Context(), who, mail)
			if fault.ReasonOf(err) != google.ReasonKey || !strings.Contains(err.Error(), want) || !strings.Contains(d.log.String(), want) {
				t.Errorf("got %v, want a clock %s; log: %s", err, want, d.log)
			}
		})
	}
}
