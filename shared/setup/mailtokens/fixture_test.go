package mailtokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
)

var keys = googletest.KeyRing(1)

// bench is a Mint with a simulated Google for each of the enterprises acme and beta,
// called without sockets, so that synctest may pass the time.
type bench struct {
	t      testing.TB
	mint   *mailtokens.Mint
	google map[string]*site // by enterprise

	mu       sync.Mutex
	log      bytes.Buffer
	reads    int // of credentials
	outcomes map[string]int
}

type site struct {
	*googletest.TokenEndpoint
	faults  *googletest.Faults
	account googletest.ServiceAccount
	stored  secret.Value
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, google: map[string]*site{}, outcomes: map[string]int{}}
	hosts := map[string]http.Handler{}
	for _, ent := range []string{"acme", "beta"} {
		s := &site{faults: googletest.NewFaults(googletest.FaultOptions{})}
		s.TokenEndpoint = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: s.faults, NewKey: keys})
		hosts[ent+".test"] = s
		b.google[ent] = s
		b.renew(ent)
	}
	log, base, cache := slog.New(slog.NewTextHandler(b, nil)), googletest.InProcess(hosts), google.NewTokenCache(0)
	b.mint = mailtokens.New(mailtokens.Options{
		Source: func(ent string) *google.Tokens {
			return google.NewTokens(google.TokenOptions{
				Credential:  func(context.Context) (secret.Value, error) { return b.credential(ent) },
				AnyTokenURI: true, Enterprise: ent, Log: log, Cache: cache, Parallel: mailtokens.Parallel, Base: base,
			})
		},
		Observe: func(op, outcome string, _ int) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.outcomes[op+" "+outcome]++
		},
	})
	return b
}

// renew makes a new key for an enterprise's service account and stores it.
func (b *bench) renew(ent string) {
	b.t.Helper()
	s := b.google[ent]
	account, err := s.NewServiceAccount("mail", "http://"+ent+".test/token")
	if err != nil {
		b.t.Fatal(err)
	}
	s.Delegate(account.Email, mailclient.Full.URL(), mailclient.IMAPAdmin.URL())
	b.mu.Lock()
	defer b.mu.Unlock()
	s.account, s.stored = account, secret.NewBytes(account.JSON)
}

func (b *bench) credential(ent string) (secret.Value, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	s := b.google[ent]
	if s == nil || s.stored.Empty() {
		return secret.Value{}, fault.New(fault.NotFound, "secret-missing", "there is no secret of that name")
	}
	return s.stored, nil
}

// Write implements io.Writer for the log.
func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// people makes n people of an enterprise who may be impersonated.
func (b *bench) people(ent string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user%05d@example.com", i)
		b.google[ent].SetSubject(out[i], googletest.SubjectActive)
	}
	return out
}

func (b *bench) calls(ent string) int { return b.google[ent].faults.Calls(googletest.TokenMethod) }

// want asks for a token and holds the reason of the answer against reason, "" for a
// token.
func (b *bench) want(ent, mailbox, reason string) google.AccessToken {
	b.t.Helper()
	tok, err := b.mint.Token(b.t.Context(), ent, mailbox, mailclient.Full)
	if fault.ReasonOf(err) != reason || (err == nil) == tok.Value.Empty() {
		b.t.Errorf("%s: %v (%s), want %q", mailbox, err, fault.ReasonOf(err), reason)
	}
	b.leaksNothing(err)
	return tok
}

// leaksNothing looks for what is secret in the log and in an error with all its causes.
func (b *bench) leaksNothing(err error) {
	b.t.Helper()
	text := b.logged() + fmt.Sprintf("%v %+v %#v", err, err, err)
	for ; err != nil; err = errors.Unwrap(err) {
		text += err.Error()
	}
	for _, s := range b.google {
		for _, secret := range append(s.Secrets(), "eyJ", "PRIVATE KEY", "ya29.", "assertion=") {
			if strings.Contains(text, secret) {
				b.t.Errorf("%q is told in %q", secret, text)
			}
		}
	}
}
