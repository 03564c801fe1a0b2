package provision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/provision"
	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	bus "github.com/rollcall-emm/rollcall/shared/event/embedded"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

const admin = "admin:a@example.com"

var (
	noon          = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	identifierKey = secret.New(strings.Repeat("k", 32))
	keys          = googletest.KeyRing(1)
)

// bench is the function over an embedded store whose closures all run several times, an
// embedded bus that delivers every event twice, and a simulated Google Play, with
// the enterprises acme and other.
type bench struct {
	t       *testing.T
	driver  *storetest.Faulty
	db      *record.DB
	sim     *playtest.Server
	playID  string // acme at Google
	play    *play.Client
	bus     *bus.Bus // once something was published; see events
	worker  *provision.Worker
	now     time.Time
	handled int  // events that were handled
	calm    bool // the bus delivers every event once
	nudged  sync.Mutex
	nudges  []password.Nudge
	phones  int
	cut     cut
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
	b.driver = storetest.NewFaulty(storetest.Rerun(file))
	var n atomic.Int64
	// Ids in order keep the trail in order under a clock that stands still.
	b.db = record.New(stepped{b.driver, &b.cut}, func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	b.worker = &provision.Worker{
		DB: b.db, Renamer: b.play, Bus: publisher{b}, Now: b.clock, Log: log,
		Accounts: &account.Provisioner{Update: record.In[account.Rows](b.db), Google: b.play, Now: b.clock},
		Verifier: &enterprise.Verifier{Update: record.In[enterprise.Rows](b.db), Now: b.clock,
			Google: func(ctx context.Context, id string) error { _, err := b.play.Enterprise(ctx, id); return err }},
	}
	b.worker.Settler = &access.Settler{DB: b.db, Accounts: b.worker.Accounts, Now: b.clock, Log: b.worker.Log}
	b.worker.Passwords = &push.Pusher{DB: b.db, Keys: plainKeys{}, Generator: dice{}, Now: b.clock, Log: log}
	b.worker.Dispatch = &dispatch.Dispatcher{DB: b.db, Bus: publisher{b}, Rate: 1, Now: b.clock}
	for _, id := range []string{"acme", "other"} {
		b.put(func(tx *record.Tx) error {
			return tx.PutEnterprise(enterprise.Enterprise{ID: id, Name: id, Play: b.playID, State: enterprise.Bound})
		})
	}
	return b
}

// events is the bus, which is opened where it is needed: most of the many benches of a
// test that breaks something everywhere handle their events past it.
func (b *bench) events() *bus.Bus {
	b.t.Helper()
	if b.bus != nil {
		return b.bus
	}
	chaos := bus.Chaos{Duplicate: 1}
	if b.calm {
		chaos = bus.Chaos{}
	}
	var err error
	b.bus, err = bus.Open(b.t.TempDir(), &bus.Options{Chaos: chaos, MaxAttempts: 3, Now: b.clock, Log: b.worker.Log})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = b.bus.Close() })
	b.bus.Subscribe(event.Provision, func(ctx context.Context, e event.Event) error {
		b.handled++
		return b.worker.Handle(ctx, e)
	})
	return b.bus
}

// publisher publishes to the bench's bus.
type publisher struct{ b *bench }

func (p publisher) Publish(ctx context.Context, t event.Topic, data []byte) (string, error) {
	if t == event.Password {
		n, err := password.ParseNudge(data)
		p.b.nudged.Lock()
		defer p.b.nudged.Unlock()
		p.b.nudges = append(p.b.nudges, n)
		return "n", err
	}
	return p.b.events().Publish(ctx, t, data)
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

// asked is when the commands of a test were asked for; those of one moment are in
// any order.
var asked = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// command returns what an admin's request becomes.
func command(op workflow.Op, ids ...string) workflow.Command {
	c := workflow.Command{Enterprise: "acme", Op: op, RequestedBy: admin, RequestID: "r1", RequestedAt: asked}
	switch {
	case len(ids) == 0 && (op.OnAccounts() || op.OnDevices()):
		c.All = true
	case op.OnAccounts():
		c.Accounts = ids
	case op.OnDevices():
		c.Devices = ids
	case op.OnPeople():
		c.People = ids
	}
	switch op {
	case workflow.Rename:
		c.DisplayName = "Acme Ltd"
	case workflow.Label:
		c.AddLabels = []string{"field"}
	}
	return c
}

// do publishes the command and delivers, each event twice, until all is done.
func (b *bench) do(c workflow.Command) {
	b.t.Helper()
	data, err := c.Marshal()
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.events().Publish(b.t.Context(), event.Provision, data); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.events().Drain(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	if dead, err := b.events().List(b.t.Context(), 10); err != nil || len(dead) > 0 {
		b.t.Fatalf("dead letters %v, %v", dead, err)
	}
}

// handle gives the command to the worker once, past the bus.
func (b *bench) handle(c workflow.Command) error {
	b.t.Helper()
	data, err := c.Marshal()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.worker.Handle(b.t.Context(), event.Event{ID: "e1", Topic: event.Provision, Data: data, Attempt: 1})
}

// documents returns everything in the store but the trail, which may tell of a
// repetition.
func (b *bench) documents() map[store.Key]string {
	b.t.Helper()
	all := map[store.Key]string{}
	for _, k := range record.Kinds() {
		if k == record.Audit {
			continue
		}
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
type line struct{ Actor, Action, Target, Result string }

// trail returns acme's records without what the same event said before.
func (b *bench) trail() []line {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	lines, seen := []line{}, map[line]bool{}
	for _, r := range records {
		if !r.At.Equal(b.now) {
			b.t.Errorf("%s is dated %v, want %v", r.Action, r.At, b.now)
		}
		l := line{r.Actor, r.Action, r.Target, r.Result}
		if !seen[l] {
			seen[l] = true
			lines = append(lines, l)
		}
	}
	return lines
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
