package mailtoken_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/mailtoken"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const url = "https://emm.example.com/mailtoken"

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	keys = googletest.KeyRing(1)
)

// bench is the function over an embedded store whose closures all run several times and
// whose operations can be made to fail, with a simulated Google, on one clock. The
// enterprise acme has a directory and a credential.
type bench struct {
	t       testing.TB
	driver  store.Driver
	faulty  *storetest.Faulty
	db      *record.DB
	google  *googletest.TokenEndpoint
	faults  *googletest.Faults
	account googletest.ServiceAccount
	idp     *oidctest.Provider
	handler http.Handler

	mu     sync.Mutex
	now    time.Time
	served api.Served // the last request
	log    bytes.Buffer
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, now: noon, faults: googletest.NewFaults(googletest.FaultOptions{}), idp: oidctest.New(t)}
	b.google = googletest.NewTokenEndpoint(googletest.TokenOptions{Faults: b.faults, NewKey: keys, Now: b.clock})
	var err error
	if b.account, err = b.google.NewServiceAccount("mail", "http://google.test/token"); err != nil {
		t.Fatal(err)
	}
	b.google.Delegate(b.account.Email, mailclient.Full.URL(), mailclient.IMAPAdmin.URL())
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b.faulty = storetest.NewFaulty(storetest.Rerun(file))
	b.driver = store.Count(b.faulty)
	var n atomic.Int64
	b.db = record.New(b.driver, func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.ReadOnly})
	})
	b.restart()
	return b
}

// restart makes the function anew, as in another process.
func (b *bench) restart() {
	log := slog.New(slog.NewJSONHandler(b, nil))
	mint := mailtokens.New(mailtokens.Options{
		Source: func(string) *google.Tokens {
			return google.NewTokens(google.TokenOptions{
				Credential:  func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
				AnyTokenURI: true, Log: log, Base: googletest.InProcess(map[string]http.Handler{"google.test": b.google}), Now: b.clock,
			})
		},
		Now: b.clock,
		// A limit would wait for a clock that stands still.
		Caller: google.Options{Rate: 1e6, Burst: 1e6},
	})
	s := mailtoken.New(mailtoken.Options{
		Rows: b.db, Trail: b.db, Mint: mint, IDTokens: oidc.New(oidc.Options{Now: b.clock}), IDIssuer: b.idp.URL,
		URL: url, Log: log, Now: b.clock,
	})
	b.handler = s.Handler(api.Edge{Function: "mailtoken", Now: b.clock, Observe: b.observe, Log: log})
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

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) observe(s api.Served) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = s
}

func (b *bench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// calls is how often Google was asked.
func (b *bench) calls() int { return b.faults.Calls(googletest.TokenMethod) }

// wantCost checks what the last request cost, and how often Google was asked so far.
func (b *bench) wantCost(what string, reads, writes int64, calls int) {
	b.t.Helper()
	if b.served.Reads != reads || b.served.Writes != writes || b.calls() != calls {
		b.t.Errorf("%s: %d reads, %d writes, %d calls, want %d, %d, %d", what,
			b.served.Reads, b.served.Writes, b.calls(), reads, writes, calls)
	}
}

// mailboxes makes n people at Google and returns their addresses.
func (b *bench) mailboxes(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user%05d@example.com", i)
		b.google.SetSubject(out[i], googletest.SubjectActive)
	}
	return out
}

// person makes a person of the directory, with an account at Google.
func (b *bench) person(mail string, labels ...string) person.Person {
	b.t.Helper()
	p := person.Person{
		Key: person.KeyOf("acme", mail), Enterprise: "acme", ID: mail, State: person.Active, Settled: person.Granted,
		Entry: person.Entry{ID: mail, Mail: mail}, Labels: labels,
		Google: person.Google{ID: "g-" + mail, Mail: mail, Suspended: person.No, Archived: person.No},
	}
	b.google.SetSubject(mail, googletest.SubjectActive)
	b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	return p
}

// written is everything in the store and the log.
func (b *bench) written() string {
	b.t.Helper()
	all := b.logged()
	for _, k := range record.Kinds() {
		docs, err := b.driver.Find(b.t.Context(), store.Query{Kind: k, Limit: 1000})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, d := range docs {
			all += fmt.Sprintf("%s %v", d.Body, d.Index)
		}
	}
	return all
}

// leaksNothing looks for tokens, assertions and what they are made into in the store,
// the log and the given texts.
func (b *bench) leaksNothing(texts ...string) {
	b.t.Helper()
	all := b.written() + strings.Join(texts, "")
	for _, s := range append(b.google.Secrets(), "ya29.", "dXNlcj", "eyJ", "PRIVATE KEY") {
		if strings.Contains(all, s) {
			b.t.Errorf("%.40q was written", s)
		}
	}
}
