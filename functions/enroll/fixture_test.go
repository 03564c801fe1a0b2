package enroll_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/enroll"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/signin"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const (
	url   = "https://emm.example.com/enroll"
	adaID = "128b2f33-0c5c-4fd0-a6a3-a4506513270e"
)

var (
	noon          = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	identifierKey = secret.New(strings.Repeat("k", 32))
	endpoints     = protocol.Endpoints{CheckIn: "https://emm.example.com/checkin", Token: "https://emm.example.com/token"}
)

// bench is the function over an embedded store whose closures all run several times.
type bench struct {
	t         *testing.T
	db        *record.DB
	driver    *writes
	registrar *enroll.Registrar
	handler   http.Handler
	ldap      *fakeLDAP
	faulty    *storetest.Faulty

	mu     sync.Mutex
	now    time.Time
	served []api.Served
}

// newBench returns a bench with the enterprise acme.
func newBench(t *testing.T) *bench {
	t.Helper()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b := &bench{t: t, now: noon, ldap: newFakeLDAP(t), faulty: storetest.NewFaulty(file)}
	b.driver = &writes{Driver: storetest.Rerun(b.faulty), count: map[store.Key]int{}}
	var n atomic.Int64
	// Ids in order keep the trail in order under a clock that stands still.
	b.db = record.New(store.Count(b.driver), func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b.registrar = &enroll.Registrar{
		Token: b.db.Token, Enterprise: b.db.Enterprise, Directory: b.db.Directory, Attempts: b.db.Attempts,
		People: enroll.PeopleOf(b.db), Update: record.In[enroll.Rows](b.db),
		Passwords: func(c directory.Config) enroll.Passwords { return b.ldap.of(c) },
		IDTokens:  oidc.New(oidc.Options{Now: b.clock}), Limits: signin.DefaultLimits(),
		IdentifierKey: identifierKey, Record: func() bool { return true }, Now: b.clock,
	}
	b.handler = b.registrar.Handler(api.Edge{
		Function: "enroll", Now: b.clock, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Observe: b.observe,
	}, url, endpoints)
	b.enterprise(func(*enterprise.Enterprise) {})
	return b
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
	b.served = append(b.served, s)
}

// last returns the figures of the last request.
func (b *bench) last() api.Served {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served[len(b.served)-1]
}

func (b *bench) update(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// enterprise stores acme as change leaves it.
func (b *bench) enterprise(change func(*enterprise.Enterprise)) {
	b.t.Helper()
	e := enterprise.Enterprise{ID: "acme", Name: "Acme", Play: "LC01", State: enterprise.Bound, CreatedAt: noon}
	change(&e)
	b.update(func(tx *record.Tx) error { return tx.PutEnterprise(e) })
}

// token stores a token of acme's that change has adjusted, and returns its secret.
func (b *bench) token(change func(*enrollment.Token)) secret.Value {
	b.t.Helper()
	s, err := enrollment.NewSecret(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	t := enrollment.Token{
		ID: enrollment.ID(s), Enterprise: "acme", Person: adaID, CreatedAt: noon, CreatedBy: "admin:a@example.com",
		ExpiresAt: noon.Add(24 * time.Hour),
	}
	change(&t)
	b.update(func(tx *record.Tx) error { return tx.PutToken(t) })
	return s
}

func uses(n int) func(*enrollment.Token) { return func(t *enrollment.Token) { t.Uses = n } }

// documents returns every document that a reader of the store could see.
func (b *bench) documents(kinds ...store.Kind) map[store.Key]string {
	b.t.Helper()
	all := map[store.Key]string{}
	for _, k := range kinds {
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

// line is what an auditor reads of a record.
type line struct{ Enterprise, Actor, Action, Target, Result string }

func (b *bench) trail(ent string) []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), ent, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []line{}
	for _, r := range records {
		if !r.At.Equal(b.clock()) {
			b.t.Errorf("%s is dated %v, want %v", r.Action, r.At, b.clock())
		}
		lines = append(lines, line{r.Enterprise, r.Actor, r.Action, r.Target, r.Result})
	}
	return lines
}

func identifier(kind account.Type, s account.Subject) string {
	return account.Identifier(identifierKey, "acme", kind, s)
}

// writes counts the committed writes of each document.
type writes struct {
	store.Driver
	mu    sync.Mutex
	count map[store.Key]int
}

func (w *writes) Update(ctx context.Context, fn func(store.Txn) error) error {
	var run *writesTxn
	err := w.Driver.Update(ctx, func(tx store.Txn) error {
		run = &writesTxn{Txn: tx}
		return fn(run)
	})
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, k := range run.keys {
			w.count[k]++
		}
	}
	return err
}

// of returns the counts of one kind, by id.
func (w *writes) of(k store.Kind) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]int{}
	for key, n := range w.count {
		if key.Kind == k {
			out[key.ID] = n
		}
	}
	return out
}

type writesTxn struct {
	store.Txn
	keys []store.Key
}

func (t *writesTxn) Put(doc store.Document) error {
	t.keys = append(t.keys, doc.Key)
	return t.Txn.Put(doc)
}
