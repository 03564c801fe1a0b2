package google_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestKeyless_K4_GoogleSignsWithoutAKeyFile(t *testing.T) {
	t.Parallel()
	d := newDelegate(t)
	who := d.people(3)
	d.keyless()
	d.google.DeleteKey(d.account.Email, d.account.KeyID)
	s := google.NewTokens(d.opt)
	for range 2 {
		for _, w := range who {
			tok := d.want(s, w, "")
			if g, ok := d.google.Grant(tok.Value.Reveal()); !ok || g.Subject != w || g.Account != d.account.Email {
				t.Errorf("%s: %+v", w, g)
			}
		}
	}
	if n := d.faults.Calls(googletest.SignJWTMethod); n != len(who) || d.calls() != len(who) {
		t.Errorf("%d signatures and %d tokens for %d people", n, d.calls(), len(who))
	}
	if tok, err := s.For("", mail.String()).Token(t.Context()); err != nil || tok.Empty() {
		t.Errorf("the account itself: %v", err)
	}
	d.google.SetSubject(who[0], googletest.SubjectSuspended)
	if _, err := s.Token(t.Context(), "nobody@example.com", mail); fault.ReasonOf(err) != google.ReasonSubject {
		t.Errorf("got %v", err)
	}
}

func TestKeyless_K4_RefusalsSayWhatToChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		arrange func(d *delegate)
		kind    fault.Kind
		reason  string
		text    string
	}{
		{"role is missing", func(d *delegate) { _ = d.iam.Allow("function", d.account.Email, false) },
			fault.Permanent, google.ReasonKey, "roles/iam.serviceAccountTokenCreator"},
		{"API is off", func(d *delegate) { d.iam.Enable(false) }, fault.Permanent, google.ReasonKey, "iamcredentials.googleapis.com"},
		{"account is disabled", func(d *delegate) { d.google.SetAccount(d.account.Email, googletest.AccountDisabled) },
			fault.Permanent, google.ReasonKey, "disabled"},
		{"signing is refused", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.SignJWTMethod, Mode: googletest.Refuse, Status: 400})
		}, fault.Permanent, google.ReasonKey, "disabled or deleted"},
		{"no identity", func(d *delegate) {
			d.opt.Ambient = func(context.Context) (secret.Value, error) { return secret.Value{}, errors.New("ya29.secret") }
		}, fault.Transient, google.ReasonIdentity, "no identity of its own"},
		{"identity is rejected", func(d *delegate) {
			d.opt.Ambient = func(context.Context) (secret.Value, error) { return secret.New("ya29.old"), nil }
		}, fault.Transient, google.ReasonTokenRejected, "access token"},
		{"IAM is down", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.SignJWTMethod, Mode: googletest.HTML})
		}, fault.Transient, google.ReasonBackend, "fault at the moment"},
		{"IAM is lost on the way", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.SignJWTMethod, Mode: googletest.DropAfter})
		}, fault.Transient, google.ReasonNetwork, ""},
		{"IAM's quota", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.SignJWTMethod, Mode: googletest.Refuse, Status: 429})
		}, fault.Exhausted, google.ReasonQuota, ""},
		{"IAM echoes", func(d *delegate) {
			d.faults.Add(googletest.Script{Method: googletest.SignJWTMethod, Mode: googletest.Echo, Status: 403})
		}, fault.Permanent, google.ReasonKey, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDelegate(t)
			who := d.people(1)[0]
			d.keyless()
			tc.arrange(d)
			_, err := google.NewTokens(d.opt).Token(t.Context(), who, mail)
			if fault.KindOf(err) != tc.kind || fault.ReasonOf(err) != tc.reason || !strings.Contains(err.Error(), tc.text) || !google.NothingDone(err) {
				t.Errorf("got %v %q %v", fault.KindOf(err), fault.ReasonOf(err), err)
			}
			d.leaksNothing(err.Error())
		})
	}
}

func TestKeyless_K4_AMissingRoleIsAnOutageThatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(10)
		d.keyless()
		_ = d.iam.Allow("function", d.account.Email, false)
		s := google.NewTokens(d.opt)
		for _, w := range who {
			d.want(s, w, google.ReasonKey)
		}
		if n := d.faults.Calls(googletest.SignJWTMethod); n != 1 || d.log.count("level=ERROR") != 1 {
			t.Errorf("%d calls; log: %s", n, d.log)
		}
		_ = d.iam.Allow("function", d.account.Email, true)
		time.Sleep(31 * time.Second)
		for _, w := range who {
			d.want(s, w, "")
		}
	})
}

func TestAmbientToken_IsThatOfTheSurroundings(t *testing.T) {
	e := newEndpoint(t)
	file := filepath.Join(t.TempDir(), "key.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	source := google.AmbientToken()
	if _, err := source(t.Context()); err == nil {
		t.Error("no file, and no error")
	}
	if err := os.WriteFile(file, e.account.JSON, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := source(t.Context())
	if g, ok := e.Grant(v.Reveal()); err != nil || !ok || g.Account != e.account.Email {
		t.Errorf("%+v, %v", g, err)
	}
	if again, err := source(t.Context()); err != nil || !again.Equal(v) {
		t.Errorf("not kept: %v", err)
	}
	// One that hangs takes no longer than the caller has.
	hold := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer hang.Close()
	defer close(hold)
	slow, err := e.NewServiceAccount("slow", hang.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, slow.JSON, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := google.AmbientToken()(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
