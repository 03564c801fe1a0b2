package token_test

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

	"github.com/rollcall-emm/rollcall/functions/token"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const (
	url    = "https://emm.example.com/token"
	person = "128b2f33-0c5c-4fd0-a6a3-a4506513270e"

	insert = "androidenterprise.users.insert"
	mint   = "androidenterprise.users.generateAuthenticationToken"
)

var (
	noon          = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	identifierKey = secret.New(strings.Repeat("k", 32))
	keys          = googletest.KeyRing(1)
)

// bench is the function over an embedded store whose closures all run several times, and
// a simulated Google Play, on one clock, with the enterprise acme.
type bench struct {
	t       *testing.T
	driver  store.Driver
	db      *record.DB
	sim     *playtest.Server
	playID  string // acme at Google
	issuer  *token.Issuer
	handler http.Handler

	mu     sync.Mutex
	now    time.Time
	served api.Served // the last request
	log    bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: noon}
	b.sim = playtest.New(playtest.Options{Now: b.clock, NewKey: keys})
	t.Cleanup(b.sim.Close)
	sa, err := b.sim.NewServiceAccount("esa")
	if err != nil {
		t.Fatal(err)
	}
	b.playID = b.sim.AddEnterprise("Acme", sa.Email)
	client := play.New(play.Options{
		Endpoint:   b.sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
		Caller: google.NewCaller(google.Options{
			Attempts: 2, Rate: 1e6, Burst: 1e6, BreakerFailures: 1e6,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		}),
	})
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b.driver = store.Count(storetest.Rerun(file))
	var n atomic.Int64
	// Ids in order keep the trail in order under a clock that stands still.
	b.db = record.New(b.driver, func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b.issuer = &token.Issuer{
		Update:   record.In[token.Rows](b.db),
		Accounts: &account.Provisioner{Update: record.In[account.Rows](b.db), Google: client, Now: b.clock},
		Now:      b.clock,
	}
	b.handler = b.issuer.Handler(api.Edge{Function: "token", Now: b.clock, Observe: b.observe,
		Log: slog.New(slog.NewJSONHandler(b, nil))}, url)
	b.policy(enterprise.Policy{})
	return b
}

// Write implements io.Writer for the log.
func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) observe(s api.Served) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = s
}

// wantOps checks what the last request cost.
func (b *bench) wantOps(what string, reads, writes int64) {
	b.t.Helper()
	if b.served.Reads != reads || b.served.Writes != writes {
		b.t.Errorf("%s: %d reads and %d writes, want %d and %d", what, b.served.Reads, b.served.Writes, reads, writes)
	}
}

func (b *bench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// policy gives acme a policy.
func (b *bench) policy(p enterprise.Policy) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{ID: "acme", Name: "Acme", Play: b.playID, State: enterprise.Bound, Policy: p})
	})
}

// documents returns everything in the store.
func (b *bench) documents() map[store.Key]string {
	b.t.Helper()
	all := map[store.Key]string{}
	for _, k := range record.Kinds() {
		docs, err := b.driver.Find(b.t.Context(), store.Query{Kind: k, Limit: 1000})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, d := range docs {
			all[d.Key] = string(d.Body)
		}
	}
	return all
}

// only returns the one account at Google.
func (b *bench) only() playtest.User {
	b.t.Helper()
	users := b.sim.Users(b.playID)
	if len(users) != 1 {
		b.t.Fatalf("Google has %d accounts, want 1", len(users))
	}
	return users[0]
}

// line is what an auditor reads of a record.
type line struct{ Actor, Action, Target, Result string }

func (b *bench) trail() []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []line{}
	for _, r := range records {
		if r.ID == "" || r.Enterprise != "acme" || r.At.Before(noon) || r.At.After(b.clock()) {
			b.t.Errorf("record %+v is not whole, or its time is not one of this test", r)
		}
		lines = append(lines, line{r.Actor, r.Action, r.Target, r.Result})
	}
	return lines
}
