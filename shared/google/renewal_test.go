package google_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// A token is renewed in the background between eight and nine tenths of its life;
// nobody waits for that, and nobody gets one that is about to end.
func TestToken_K3_IsRenewedEarlyWithoutAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(1)[0]
		s := google.NewTokens(d.opt)
		first := d.want(s, who, "")
		time.Sleep(50 * time.Minute)
		if again := d.want(s, who, ""); !again.Value.Equal(first.Value) || d.calls() != 1 {
			t.Errorf("renewed too early, after %d calls", d.calls())
		}
		time.Sleep(90 * time.Second) // 0.85 of the life, by the jitter of the fixture
		d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Answer, Latency: 5 * time.Second, Times: 1})
		for range 100 {
			if again := d.want(s, who, ""); !again.Value.Equal(first.Value) {
				t.Error("somebody waited for the renewal")
			}
		}
		time.Sleep(6 * time.Second)
		next := d.want(s, who, "")
		if next.Value.Equal(first.Value) || d.calls() != 2 || time.Until(next.Expiry) < 59*time.Minute {
			t.Errorf("not renewed: %d calls, ends in %v", d.calls(), time.Until(next.Expiry))
		}
		if time.Until(first.Expiry) > 9*time.Minute {
			t.Errorf("the first one's end is %v away", time.Until(first.Expiry))
		}
	})
}

func TestToken_K3_AFailedRenewalKeepsWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		breaks func(d *delegate)
		reason string // at the token's end
		kept   bool   // until then
	}{
		{"Google is down", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse})
		}, google.ReasonBackend, true},
		{"the grant is gone", func(d *delegate) { d.google.Delegate(d.account.Email) }, google.ReasonConfig, true},
		{"the key is broken", func(d *delegate) { d.google.SetAccount(d.account.Email, googletest.AccountDeleted) }, google.ReasonKey, true},
		{"the person is suspended", func(d *delegate) { d.google.SetSubject("user00000@example.com", googletest.SubjectSuspended) },
			google.ReasonSubject, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDelegate(t)
				who := d.people(1)[0]
				s := google.NewTokens(d.opt)
				first := d.want(s, who, "")
				time.Sleep(52 * time.Minute)
				tc.breaks(d)
				d.want(s, who, "") // begins the renewal
				synctest.Wait()
				for range 60 { // a minute of use makes few calls
					time.Sleep(time.Second)
					if !tc.kept {
						d.want(s, who, tc.reason)
						continue
					}
					if again := d.want(s, who, ""); !again.Value.Equal(first.Value) {
						t.Error("the token is gone before its end")
					}
				}
				if n := d.calls(); n < 2 || n > 5 {
					t.Errorf("%d calls in a minute, want one in 20 s at most", n)
				}
				time.Sleep(8 * time.Minute)
				d.want(s, who, tc.reason)
			})
		})
	}
}

func TestToken_AReplacedCredentialIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(4)
		reads, fails := 0, error(nil)
		d.opt.Credential = func(context.Context) (secret.Value, error) { reads++; return d.stored, fails }
		s := google.NewTokens(d.opt)
		first := d.want(s, who[0], "")
		// The old key dies: the new one is found within the same call.
		old := d.account
		d.renew()
		d.google.DeleteKey(old.Email, old.KeyID)
		d.want(s, who[1], "")
		if d.log.String() != "" || reads != 2 {
			t.Errorf("%d reads; a replaced key is no alert: %s", reads, d.log)
		}
		if again := d.want(s, who[0], ""); again.Value.Equal(first.Value) {
			t.Error("a token of the old key is handed out")
		}
		// Another account takes the place of one that works: seen after Recheck.
		var err error
		if d.account, err = d.google.NewServiceAccount("other", tokenURI); err != nil {
			t.Fatal(err)
		}
		d.google.Delegate(d.account.Email, mail.String())
		d.stored = secret.NewBytes(d.account.JSON)
		time.Sleep(11 * time.Minute)
		tok := d.want(s, who[2], "")
		if g, _ := d.google.Grant(tok.Value.Reveal()); g.Account != d.account.Email {
			t.Errorf("%s is still in use", g.Account)
		}
		// A store that fails for a while stops nothing; a credential that is taken away does.
		fails = errors.New("away")
		time.Sleep(11 * time.Minute)
		d.want(s, who[3], "")
		fails = fault.New(fault.NotFound, "no-secret", "gone")
		time.Sleep(11 * time.Minute)
		d.google.SetSubject("new@example.com", googletest.SubjectActive)
		d.want(s, "new@example.com", "no-secret")
		d.want(s, who[3], "no-secret")
		fails = nil
		d.want(s, who[3], "")
		// One that is none at all is an outage like any other, and ends like one.
		d.stored = secret.New(`{"type":"authorized_user","refresh_token":"MII"}`)
		time.Sleep(11 * time.Minute)
		d.want(s, "new@example.com", google.ReasonKey)
		d.want(s, who[0], google.ReasonKey)
		d.stored = secret.NewBytes(d.account.JSON)
		time.Sleep(31 * time.Second)
		d.want(s, who[0], "")
		if n := d.log.count("level=ERROR"); n != 1 {
			t.Errorf("%d errors:\n%s", n, d.log)
		}
		d.leaksNothing()
	})
}

// A token without an end serves those who wait for it and nobody else.
func TestToken_ShortLivedOnesAreNotKept(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"access_token":"x","token_type":"Bearer"}`, `{"access_token":"x","token_type":"bearer","expires_in":60}`,
		`{"access_token":"x","token_type":"Bearer","expires_in":-1}`,
	} {
		d := newDelegate(t)
		n := 0
		d.opt.Base = answering(&n, body)
		s := google.NewTokens(d.opt)
		for range 3 {
			d.want(s, "ann@example.com", "")
		}
		if n != 3 {
			t.Errorf("%s: %d calls, want 3", body, n)
		}
	}
	d := newDelegate(t)
	n := 0
	d.opt.Base = answering(&n, `{"access_token":"x","token_type":"Bearer","expires_in":1e300}`)
	if tok := d.want(google.NewTokens(d.opt), "ann@example.com", ""); time.Until(tok.Expiry) > 12*time.Hour {
		t.Errorf("believed until %v", tok.Expiry)
	}
}
