package examine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/cloudidentity/cloudidentitytest"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/doctor/examine"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	acme = "acme"
	boss = "admin@example.com"
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	keys = googletest.KeyRing(1)
)

// everything are the scopes that the whole site needs.
var everything = []string{
	doctor.ScopeUsers, doctor.ScopeSecurity, mailclient.IMAPAdmin.URL(), mailclient.Full.URL(), doctor.ScopePolicies,
}

// site is an enterprise that has everything and in which all is well, with a simulated
// Google.
type site struct {
	*examine.Examiner
	t        *testing.T
	store    *storetest.Faulty
	secrets  *file.Store
	google   *httptest.Server
	faults   *googletest.Faults
	tokens   *googletest.TokenEndpoint
	users    *workspacetest.Server
	policies *cloudidentitytest.Server
	account  googletest.ServiceAccount
	log      *bytes.Buffer
	dead     atomic.Int64

	busErr error
	probe  func(*directory.Run) // what the function directorysync makes of a probe; nil: it never takes it
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, log: &bytes.Buffer{}}
	over, end := context.WithCancel(context.Background())
	// A server does not see that a client has gone whose body it has not read.
	s.faults = googletest.NewFaults(googletest.FaultOptions{Sleep: func(ctx context.Context, _ time.Duration) {
		select {
		case <-ctx.Done():
		case <-over.Done():
		}
	}})
	driver, err := embedded.Open(t.Context(), t.TempDir())
	s.must(err)
	t.Cleanup(func() { _ = driver.Close() })
	s.store = storetest.NewFaulty(driver)
	s.secrets, err = file.Open(filepath.Join(t.TempDir(), "secrets"))
	s.must(err)

	var mux http.ServeMux
	s.google = httptest.NewServer(&mux)
	t.Cleanup(func() { end(); s.google.CloseClientConnections(); s.google.Close() })
	s.tokens = googletest.NewTokenEndpoint(googletest.TokenOptions{NewKey: keys, Faults: s.faults})
	s.users = workspacetest.NewHandler(s.google.URL, workspacetest.Options{Tokens: s.tokens, Faults: s.faults})
	t.Cleanup(s.users.Close)
	s.policies = cloudidentitytest.NewHandler(cloudidentitytest.Options{Tokens: s.tokens, Faults: s.faults})
	mux.Handle("/", s.users)
	mux.Handle("/v1/policies", s.policies)
	s.users.AddCustomer("example.com")
	_, err = s.users.AddAdmin(boss)
	s.must(err)
	s.policies.SetSuperAdmin(boss, true)
	s.policies.AddPolicy(cloudidentitytest.Policy{Setting: "gmail.imap_access", Value: map[string]any{"enableImapAccess": true}})
	s.policies.AddPolicy(cloudidentitytest.Policy{Setting: "security.password", Value: map[string]any{"minimumLength": 12, "maximumLength": 100, "expirationDuration": "0s"}})
	s.account, err = s.tokens.NewServiceAccount("sync", s.google.URL+"/token")
	s.must(err)
	s.tokens.Delegate(s.account.Email, everything...)
	s.must(s.secrets.Put(t.Context(), directory.KeySecret(acme), secret.NewBytes(s.account.JSON)))
	s.must(keyring.Create(t.Context(), s.secrets, keyring.SecretName))

	var n atomic.Int64
	db := record.New(store.Count(s.store), func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	s.Examiner = &examine.Examiner{
		DB: db, Secrets: s.secrets, DeadLetters: s, Endpoint: s.google.URL, Now: func() time.Time { return now },
		Probe:  func(ctx context.Context, c directory.Config) (string, error) { return s.ask(ctx, c) },
		Play:   func(context.Context, string) error { return nil },
		SignIn: func(context.Context, string, secret.Value) error { return nil },
		Calls:  google.Options{Sleep: func(context.Context, time.Duration) error { return nil }},
		Log:    slog.New(slog.NewJSONHandler(&lockedWriter{w: s.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s.probe = func(r *directory.Run) {
		r.Phase, r.Findings = directory.Done, []string{"pass: LDAP: the server answers as SECRETVENDOR 1, and takes the account that reads", "pass: LDAP: 20 people are found", "fail: Google: not looked at here"}
	}
	s.fill()
	return s
}

// fill stores an enterprise that uses everything.
func (s *site) fill() {
	s.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{ID: acme, Name: "Acme", Play: "LC01", State: enterprise.Bound})
	})
	s.directory(func(*directory.Config) {})
	s.put(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: acme, Revision: 1, Length: 20})
	})
	s.setting(mail.NewIMAP())
	for i, scope := range []mailclient.Scope{mailclient.Full, mailclient.IMAPAdmin} {
		s.put(func(tx *record.Tx) error {
			return tx.PutMailClient(mailclient.Client{ID: fmt.Sprint("m", i), Enterprise: acme, Scope: scope, State: mailclient.Active})
		})
	}
}

func (s *site) directory(change func(*directory.Config)) {
	c := directory.Config{
		Enterprise: acme, Mode: directory.ReadWrite, Revision: 1, Google: &directory.Google{Subject: boss},
		LDAP: &directory.LDAP{URL: "ldaps://ldap.example.com", BaseDN: "dc=example,dc=com"},
	}
	change(&c)
	s.put(func(tx *record.Tx) error { return tx.PutDirectory(c) })
}

func (s *site) setting(m mail.Setting) {
	m.ID, m.Labels = "mail", []string{"sales"}
	s.put(func(tx *record.Tx) error {
		b, err := tx.MailBook(acme)
		if err != nil {
			return err
		}
		b.Enterprise = acme
		if b, _, err = b.With(m, now); err != nil {
			return err
		}
		return tx.PutMailBook(b)
	})
}

func (s *site) put(fn func(*record.Tx) error) {
	s.t.Helper()
	db := record.New(s.store, func() string { return "x" })
	s.must(db.Update(s.t.Context(), fn))
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ask is the function directorysync, which takes a probe up at once.
func (s *site) ask(ctx context.Context, c directory.Config) (string, error) {
	if s.busErr != nil {
		return "", s.busErr
	}
	if s.probe == nil {
		return "none", nil
	}
	r := directory.Run{ID: "probe", Enterprise: c.Enterprise, Kind: directory.Probe}
	s.probe(&r)
	return r.ID, s.DB.Update(ctx, func(tx *record.Tx) error { return tx.PutRun(r) })
}

// List implements event.DeadLetters.
func (s *site) List(_ context.Context, limit int) ([]event.DeadLetter, error) {
	return make([]event.DeadLetter, min(limit, int(s.dead.Load()))), s.busErr
}

// Replay implements event.DeadLetters.
func (s *site) Replay(context.Context, string) error { return errors.New("not asked for") }

// look examines the enterprise and returns the lines as text by their checks.
func (s *site) look() (doctor.Report, map[string]string) {
	s.t.Helper()
	r, err := s.Examine(s.t.Context(), acme)
	s.must(err)
	by := map[string]string{}
	for _, l := range r.Lines {
		by[l.Check] += fmt.Sprintf("%s: %s [%s] [%s]\n", l.Status, l.What, l.Advice, l.Where)
	}
	return r, by
}

// wants holds lines against what they begin with and, behind a |, contain.
func (s *site) wants(by, want map[string]string) {
	s.t.Helper()
	for name, text := range want {
		begin, part, _ := strings.Cut(text, "|")
		if got := by[name]; !strings.HasPrefix(got, begin+": ") || !strings.Contains(got, part) {
			s.t.Errorf("%s is %q, want %q", name, got, text)
		}
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
