package reconcile_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
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

const actor = "system:reconcile"

var (
	noon          = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	identifierKey = secret.New(strings.Repeat("k", 32))
	keys          = googletest.KeyRing(1)
)

// bench is the function over an embedded store whose closures all run several times, and
// a simulated Google Play, on one clock, with the enterprise acme.
type bench struct {
	t       *testing.T
	faulty  *storetest.Faulty
	driver  store.Driver
	db      *record.DB
	sim     *playtest.Server
	playID  string // acme at Google
	play    *play.Client
	sweeper *reconcile.Sweeper
	now     time.Time
	phones  int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: noon}
	b.openGoogle()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b.faulty = storetest.NewFaulty(storetest.Rerun(file))
	b.driver = store.Count(b.faulty)
	var n atomic.Int64
	// Ids in order keep the trail in order under a clock that stands still.
	b.db = record.New(b.driver, func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b.sweeper = &reconcile.Sweeper{
		DB: b.db, Google: b.play, Now: b.clock, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Accounts: &account.Provisioner{Update: record.In[account.Rows](b.db), Google: b.play, Now: b.clock},
		Verifier: &enterprise.Verifier{Update: record.In[enterprise.Rows](b.db), Now: b.clock,
			Google: func(ctx context.Context, id string) error { _, err := b.play.Enterprise(ctx, id); return err }},
	}
	b.sweeper.Settler = &access.Settler{DB: b.db, Accounts: b.sweeper.Accounts, Now: b.clock, Log: b.sweeper.Log}
	b.enterprise("acme", enterprise.Bound)
	return b
}

// enterprise stores an enterprise that was looked up just now.
func (b *bench) enterprise(id string, state enterprise.State) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{ID: id, Name: id, Play: b.playID, State: state, CheckedAt: b.now})
	})
}

func (b *bench) openGoogle() {
	b.t.Helper()
	b.sim = playtest.New(playtest.Options{Now: b.clock, NewKey: keys})
	b.t.Cleanup(b.sim.Close)
	sa, err := b.sim.NewServiceAccount("esa")
	if err != nil {
		b.t.Fatal(err)
	}
	b.playID = b.sim.AddEnterprise("Acme", sa.Email)
	b.play = play.New(play.Options{
		Endpoint:   b.sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
		Caller: google.NewCaller(google.Options{
			Attempts: 2, Rate: 1e6, Burst: 1e6, BreakerFailures: 1e6,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		}),
	})
}

func (b *bench) clock() time.Time { return b.now }

func (b *bench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// run runs once, and fails the test where the run fails.
func (b *bench) run() reconcile.Summary {
	b.t.Helper()
	sum, err := b.sweeper.Run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return sum
}

// row stores an account in the given state, as it is left when a process dies.
func (b *bench) row(id string, state account.State) account.Account {
	b.t.Helper()
	a := account.Account{ID: id, Enterprise: "acme", PlayEnterprise: b.playID, Type: account.UserAccount,
		Subject: account.Subject{Kind: account.Person, ID: id}, DisplayName: "Acme",
		State: state, CreatedAt: b.now, UpdatedAt: b.now}
	b.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
	return a
}

func (b *bench) account(id string) account.Account {
	b.t.Helper()
	a, err := b.db.Account(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// line is what an auditor reads of a record.
type line struct{ Actor, Action, Target, Result, Detail string }

func (b *bench) trail() []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []line{}
	for _, r := range records {
		if r.ID == "" || r.Enterprise != "acme" || r.At.Before(noon) || r.At.After(b.now) {
			b.t.Errorf("record %+v is not whole, or its time is not one of this test", r)
		}
		lines = append(lines, line{r.Actor, r.Action, r.Target, r.Result, r.Detail})
	}
	return lines
}
