package google_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// delegate is a service account with a simulated Google that is called without a
// socket, so that synctest may pass the time.
type delegate struct {
	t       testing.TB
	google  *googletest.TokenEndpoint
	iam     *googletest.IAM
	faults  *googletest.Faults
	account googletest.ServiceAccount
	opt     google.TokenOptions
	log     *logText
	stored  secret.Value
}

const tokenURI = "http://google.test/token"

var mail = google.NewScopes("https://mail.google.com/")

func newDelegate(t testing.TB) *delegate {
	t.Helper()
	d := &delegate{t: t, faults: googletest.NewFaults(googletest.FaultOptions{}), log: &logText{}}
	d.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: d.faults, NewKey: testKeys})
	d.iam = googletest.NewIAM(d.google)
	d.renew()
	d.opt = google.TokenOptions{
		Credential:  func(context.Context) (secret.Value, error) { return d.stored, nil },
		AnyTokenURI: true,
		IAMEndpoint: "http://iam.test/",
		Ambient:     func(context.Context) (secret.Value, error) { return secret.Value{}, fmt.Errorf("no identity") },
		Enterprise:  "acme",
		Log:         slog.New(slog.NewTextHandler(d.log, nil)),
		Base:        inProcess{map[string]http.Handler{"google.test": d.google, "iam.test": d.iam}},
		Jitter:      func(d time.Duration) time.Duration { return d / 2 },
	}
	return d
}

// renew makes a new key of the service account and stores it.
func (d *delegate) renew() {
	d.t.Helper()
	var err error
	if d.account, err = d.google.NewServiceAccount("sa", tokenURI); err != nil {
		d.t.Fatal(err)
	}
	d.google.Delegate(d.account.Email, mail.String())
	d.stored = secret.NewBytes(d.account.JSON)
}

// people makes n people who may be impersonated.
func (d *delegate) people(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user%05d@example.com", i)
		d.google.SetSubject(out[i], googletest.SubjectActive)
	}
	return out
}

// keyless stores a credential without a key, and lets this process sign for it.
func (d *delegate) keyless() {
	d.t.Helper()
	c, err := credential.NewKeyless(d.account.Email, d.account.ClientID, tokenURI, credential.Options{AnyTokenURI: true})
	if err != nil {
		d.t.Fatal(err)
	}
	d.stored = c.Stored()
	if err := d.iam.Allow("function", d.account.Email, true); err != nil {
		d.t.Fatal(err)
	}
	ambient := secret.New(d.iam.Identity("function"))
	d.opt.Ambient = func(context.Context) (secret.Value, error) { return ambient, nil }
}

func (d *delegate) calls() int { return d.faults.Calls(googletest.TokenMethod) }

// want asks for a token and holds the answer's reason against reason, "" for a
// token.
func (d *delegate) want(s *google.Tokens, who, reason string) google.AccessToken {
	d.t.Helper()
	tok, err := s.Token(d.t.Context(), who, mail)
	if fault.ReasonOf(err) != reason || (err == nil) == tok.Value.Empty() || err != nil && !google.NothingDone(err) {
		d.t.Errorf("%s: got %v, want %q", who, err, reason)
	}
	return tok
}

// leaksNothing looks for what is secret in the log and in texts.
func (d *delegate) leaksNothing(texts ...string) {
	d.t.Helper()
	for _, text := range append(texts, d.log.String()) {
		for _, s := range append(d.google.Secrets(), "eyJ", "MII", "PRIVATE KEY", "ya29.", "assertion=") {
			if strings.Contains(text, s) {
				d.t.Errorf("%q is told in %q", s, text)
			}
		}
	}
}

// inProcess serves requests by host.
type inProcess struct{ hosts map[string]http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // http.ErrAbortHandler: the connection is dropped
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	p.hosts[r.URL.Host].ServeHTTP(rec, in)
	return rec.Result(), nil
}

// logText is what was logged, written concurrently.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) count(s string) int { return strings.Count(l.String(), s) }
