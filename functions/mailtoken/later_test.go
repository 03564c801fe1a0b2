package mailtoken_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/functions/mailtoken"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
)

// rows is a store that synctest may pass the time of.
type rows struct {
	client mailclient.Client
	slow   time.Duration
	err    error
}

func (r *rows) MailClient(_ context.Context, id string) (mailclient.Client, error) {
	if id != r.client.ID {
		return mailclient.Client{}, fault.New(fault.NotFound, "not-found", "there is none")
	}
	return r.client, nil
}

func (r *rows) Directory(context.Context, string) (directory.Config, error) {
	return directory.Config{Enterprise: "acme", Mode: directory.ReadOnly}, nil
}

func (r *rows) PeopleByAddress(ctx context.Context, _, mail string) ([]person.Person, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(r.slow):
	}
	p := person.Person{Key: mail, State: person.Active, Labels: []string{"voicemail"}, Entry: person.Entry{Mail: mail}}
	return []person.Person{p}, r.err
}

func (r *rows) AppendAudit(context.Context, audit.Record) error { return nil }

// inTime is a bench by the machine's clock, which is synctest's, over rows.
func inTime(t *testing.T) (*server, *rows) {
	t.Helper()
	b := &bench{t: t, faults: googletest.NewFaults(googletest.FaultOptions{})}
	b.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: b.faults, NewKey: keys})
	var err error
	if b.account, err = b.google.NewServiceAccount("mail", "http://google.test/token"); err != nil {
		t.Fatal(err)
	}
	b.google.Delegate(b.account.Email, mailclient.Full.URL())
	b.now = time.Now() // of proofs
	s := b.stranger()
	r := &rows{client: mailclient.Client{ID: s.id, Enterprise: "acme", Scope: mailclient.Full, State: mailclient.Active, Allow: all}}
	log := slog.New(slog.NewJSONHandler(b, nil))
	mint := mailtokens.New(mailtokens.Options{
		Source: func(string) *google.Tokens {
			return google.NewTokens(google.TokenOptions{
				Credential:  func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
				AnyTokenURI: true, Log: log, Base: googletest.InProcess(map[string]http.Handler{"google.test": b.google}),
			})
		},
	})
	issuer := mailtoken.New(mailtoken.Options{Rows: r, Trail: r, Mint: mint, URL: url, Log: log, Now: time.Now})
	b.handler = issuer.Handler(api.Edge{Function: "mailtoken", Now: time.Now, Log: log})
	return s, r
}

// at brings the clock of proofs up to date.
func (s *server) at() *server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = time.Now()
	return s
}

// count counts the reasons.
func count(reasons []string) map[string]int {
	n := map[string]int{}
	for _, r := range reasons {
		n[r]++
	}
	return n
}

// TestLater_WhatIsNotReadyIsAskedForAgain: a request ends in its time with what is
// ready, and what was begun is there for the next.
func TestLater_WhatIsNotReadyIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := inTime(t)
		who := s.mailboxes(200)
		s.faults.Add(googletest.Script{Method: "*", Mode: googletest.Answer, Latency: 10 * time.Second, Times: 1e6})
		began := time.Now()
		items := s.ask(who...)
		if took := time.Since(began); took != 25*time.Second {
			t.Errorf("it took %v", took)
		}
		var reasons []string
		for _, it := range items {
			reasons = append(reasons, it.Reason)
			if it.Reason == "later" && (it.RetryAfterSeconds < 1 || it.Detail == "") {
				t.Fatalf("%+v", it)
			}
		}
		n := count(reasons)
		if n[""] != 2*mailtokens.Parallel || n["later"] != 200-2*mailtokens.Parallel {
			t.Errorf("%v", n)
		}
		time.Sleep(30 * time.Second)
		if n := count(s.at().reasons(who...)); n[""] < 4*mailtokens.Parallel {
			t.Errorf("then: %v", n)
		}
		s.faults.Clear()
		time.Sleep(30 * time.Second)
		if n := count(s.at().reasons(who...)); n[""] != 200 || s.calls() != 200 {
			t.Errorf("in the end: %v, %d calls", n, s.calls())
		}
	})
}

// TestLater_ASlowStoreDoesNotHoldARequestForEver.
func TestLater_ASlowStoreDoesNotHoldARequestForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := inTime(t)
		r.client.Allow, r.slow = mailclient.Allow{Labels: []string{"voicemail"}}, time.Hour
		began := time.Now()
		n := count(s.reasons(s.mailboxes(500)...))
		if took := time.Since(began); took > 36*time.Second || n[""] != 0 {
			t.Errorf("%v in %v", n, took)
		}
	})
}

// TestRefused_E3_InWords: whatever goes wrong with one mailbox or with all is told by
// reason and with when to come back, and nothing of it is private.
func TestRefused_E3_InWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(s *server, r *rows)
		reason string
		retry  bool
	}{
		{"key deleted", func(s *server, _ *rows) { s.google.DeleteKey(s.account.Email, s.account.KeyID) }, "google-key", true},
		{"grant missing", func(s *server, _ *rows) { s.google.Delegate(s.account.Email) }, "google-config", true},
		{"Google down", func(s *server, _ *rows) {
			s.faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: 500, Times: 1e6})
		}, "google-backend", true},
		{"Google asks for fewer calls", func(s *server, _ *rows) {
			s.faults.Add(googletest.Script{Method: "*", Mode: googletest.Refuse, Status: 429, RetryAfter: "120", Times: 1e6})
		}, "google-quota", true},
		{"suspended", func(s *server, _ *rows) { s.google.SetSubject(mailbox, googletest.SubjectSuspended) }, "google-subject", false},
		{"the store has a defect", func(_ *server, r *rows) {
			r.client.Allow, r.err = mailclient.Allow{Labels: []string{"voicemail"}}, errors.New("private cause")
		}, "unavailable", true},
		{"the store is busy", func(_ *server, r *rows) {
			r.client.Allow, r.err = mailclient.Allow{Labels: []string{"voicemail"}}, fault.Wrap(errors.New("private cause"), fault.Transient, "contention", "")
		}, "contention", true},
		{"no credential", func(s *server, _ *rows) { s.account.JSON = nil }, "google-key", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, r := inTime(t)
				s.mailboxes(1)
				tc.change(s, r)
				w := s.send(s.request(mailbox))
				it := itemsOf(t, w)[0]
				if it.Reason != tc.reason || it.Detail == "" || (it.RetryAfterSeconds > 0) != tc.retry || it.AccessToken+it.XOAUTH2 != "" {
					t.Errorf("%+v, want %s", it, tc.reason)
				}
				text := w.Body.String() + s.logged()
				for _, secret := range append(s.google.Secrets(), "eyJ", "ya29", "PRIVATE KEY") {
					if strings.Contains(text, secret) {
						t.Errorf("%.40q is told in %.600s", secret, text)
					}
				}
				if strings.Contains(w.Body.String(), "private") {
					t.Errorf("a cause is told: %s", w.Body)
				}
			})
		})
	}
}

// TestRefused_K3_ABrokenKeyIsOneLineInTheLog however many mailboxes are asked for, and
// warm answers go on.
func TestRefused_K3_ABrokenKeyIsOneLineInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := inTime(t)
		who := s.mailboxes(500)
		s.ask(who[:100]...)
		s.google.DeleteKey(s.account.Email, s.account.KeyID)
		for range 3 {
			began := time.Now()
			n := count(s.at().reasons(who...))
			if n[""] != 100 || n["google-key"] != 400 || time.Since(began) > time.Second {
				t.Errorf("%v in %v", n, time.Since(began))
			}
			time.Sleep(10 * time.Second)
		}
		if n := strings.Count(s.logged(), `"level":"ERROR"`); n != 1 || s.calls() > 100+2*mailtokens.Parallel {
			t.Errorf("%d errors in the log, %d calls", n, s.calls())
		}
		var err error
		if s.account, err = s.google.NewServiceAccount("mail", "http://google.test/token"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		s.at().ask(who...) // of which one finds out
		time.Sleep(2 * time.Second)
		if got := s.at().reasons(who...); slices.ContainsFunc(got, func(r string) bool { return r != "" }) {
			t.Errorf("with a new key: %v", count(got))
		}
	})
}

// FuzzRequest: whatever a registered client sends is answered with a token for nobody
// else, or refused with a 4xx.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"mailboxes":["user00000@example.com"]}`, `{"mailboxes":[]}`, `{"mailboxes":["a@b.c","a@b.c"]}`, `[`, "\xff", `{"mailboxes":["a\u0001@example.com"]}`} {
		f.Add([]byte(s))
	}
	b := newBench(f)
	b.mailboxes(1)
	s := b.server(mailclient.Allow{Mailboxes: []string{mailbox}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		jwt, err := s.signer.Sign(http.MethodPost, url, raw)
		if err != nil {
			t.Fatal(err)
		}
		r := post(raw)
		r.Header.Set(proof.Header, jwt)
		w := b.send(r)
		if w.Code == http.StatusOK {
			for _, it := range itemsOf(t, w) {
				if it.AccessToken != "" && !strings.EqualFold(it.Mailbox, mailbox) {
					t.Errorf("a token for %q", it.Mailbox)
				}
			}
			return
		}
		if w.Code < 400 || w.Code > 499 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
