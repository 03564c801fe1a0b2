package directorysync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	watchMethod = "directory.users.watch"
	stopMethod  = "admin.channels.stop"
	getMethod   = "directory.users.get"
)

var (
	watchNoon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	watchKeys = googletest.KeyRing(1)
	watchKey  = secret.New(strings.Repeat("k", 32))
)

// watchBench is an Engine, a simulated Google and what takes Google's
// notifications, on one clock.
type watchBench struct {
	t        *testing.T
	faulty   *storetest.Faulty
	db       *record.DB
	sim      *workspacetest.Server
	customer string
	engine   *Engine
	config   directory.Config
	client   *workspace.Client

	mu     sync.Mutex
	now    time.Time
	events []event.Event // not delivered yet
	log    bytes.Buffer
}

func newWatchBench(t *testing.T, change ...func(*directory.Config)) *watchBench {
	t.Helper()
	b := &watchBench{t: t, now: watchNoon}
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b.faulty = storetest.NewFaulty(storetest.Rerun(file))
	var n atomic.Int64
	b.db = record.New(store.Count(b.faulty), func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	callback := httptest.NewUnstartedServer(http.HandlerFunc(b.notified))
	callback.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that end with the test
	callback.StartTLS()
	t.Cleanup(callback.Close)
	b.openGoogle(callback.Client())
	b.engine = &Engine{
		DB: b.db, Bus: b, Now: b.clock, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Google: func(context.Context, directory.Config) (*workspace.Client, error) { return b.client, nil },
		NewID: func() string {
			return strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(fmt.Sprintf("%026d", n.Add(1)))
		},
		Slice: 4 * time.Minute, Key: watchKey, PublicURL: callback.URL,
	}
	b.config = directory.Config{Enterprise: "acme", Mode: directory.GoogleOnly, Revision: 1,
		Google: &directory.Google{Subject: "ada@example.com", Watch: true}}
	for _, c := range change {
		c(&b.config)
	}
	b.configure(func(*directory.Config) {})
	return b
}

func (b *watchBench) openGoogle(callback *http.Client) {
	b.t.Helper()
	b.sim = workspacetest.New(workspacetest.Options{Now: b.clock, NewKey: watchKeys, Callback: callback,
		Sleep: func(context.Context, time.Duration) {}})
	b.t.Cleanup(b.sim.Close)
	sa, err := b.sim.NewServiceAccount("sync")
	if err != nil {
		b.t.Fatal(err)
	}
	b.sim.Tokens.Delegate(sa.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope)
	b.customer = b.sim.AddCustomer("example.com", "example.net")
	if _, err := b.sim.AddAdmin("ada@example.com"); err != nil {
		b.t.Fatal(err)
	}
	b.client = workspace.New(workspace.Options{
		Enterprise: "acme", Subject: "ada@example.com", ReadOnly: true, Now: b.clock, Endpoint: b.sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
		Caller: google.NewCaller(google.Options{Attempts: 2, Rate: 1e6, Burst: 1e6, BreakerFailures: 1e6, Now: b.clock,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}),
	})
}

func (b *watchBench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *watchBench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// configure stores the configuration as change leaves it.
func (b *watchBench) configure(change func(*directory.Config)) {
	b.t.Helper()
	g := *b.config.Google
	b.config.Google = &g
	change(&b.config)
	b.put(func(tx *record.Tx) error { return tx.PutDirectory(b.config) })
}

func (b *watchBench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// notified does as directorywatch: it publishes whom a genuine notification tells
// of.
func (b *watchBench) notified(w http.ResponseWriter, r *http.Request) {
	n, err := workspace.ReadNotification(r)
	if err != nil || !n.Proves(directory.ChannelToken(watchKey, n.ChannelID)) {
		b.t.Errorf("notification %+v: %v", n, err)
	}
	ch, err := b.db.Channel(r.Context(), n.ChannelID)
	if err != nil || ch.ResourceID != "" && ch.ResourceID != n.ResourceID {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if n.Event != "" {
		b.hint(b.clock(), n.UserID)
	}
	w.WriteHeader(http.StatusNoContent)
}

// hint publishes that users changed.
func (b *watchBench) hint(at time.Time, users ...string) {
	data, err := directory.Command{Enterprise: "acme", Op: directory.Refresh, Users: users,
		RequestedBy: "system:directorywatch", RequestedAt: at}.Marshal()
	if err == nil {
		_, err = b.Publish(context.Background(), event.Directory, data)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// Publish implements event.Publisher.
func (b *watchBench) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event.Event{Topic: topic, Data: data})
	return "e", nil
}

// take returns what was published and forgets it, when Google has told everything.
func (b *watchBench) take() []event.Event {
	b.t.Helper()
	if _, _, err := b.sim.Drain(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events = nil
	return events
}

// deliver has the engine handle what was published, until nothing is left, and
// returns the people to settle. What comes back is dropped.
func (b *watchBench) deliver() (settle []string) {
	b.t.Helper()
	for {
		events := b.take()
		if len(events) == 0 {
			return settle
		}
		for _, e := range events {
			if e.Topic == event.Directory {
				if err := b.engine.Handle(b.t.Context(), e); err != nil {
					b.t.Logf("%s: %v", e.Data, err)
				}
				continue
			}
			cmd, err := workflow.Parse(e.Data)
			if err != nil || cmd.Op != workflow.Settle {
				b.t.Errorf("published %s: %v", e.Data, err)
			}
			settle = append(settle, cmd.People...)
		}
	}
}

// keep is one schedule's turn at the channels.
func (b *watchBench) keep() bool {
	b.t.Helper()
	live, err := b.engine.channels(b.t.Context(), b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return live
}

// walk notes a run that listed Google, or that did not.
func (b *watchBench) walk(skipped bool) {
	b.t.Helper()
	r := directory.Run{ID: b.engine.NewID(), Enterprise: "acme", Kind: directory.Sync, Phase: directory.Done,
		StartedAt: b.clock(), Revision: b.config.Revision, SkipGoogle: skipped}
	b.put(func(tx *record.Tx) error {
		st, err := tx.DirectoryState("acme")
		if err != nil {
			return err
		}
		st.LastRun = r.ID
		return errors.Join(tx.PutRun(r), tx.PutDirectoryState(st))
	})
}

func (b *watchBench) rows() []directory.Channel {
	b.t.Helper()
	rows, _, err := b.db.Channels(b.t.Context(), "acme", record.Page{})
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

func (b *watchBench) open() []string { return b.sim.Snapshot(b.customer).Channels }

func (b *watchBench) state() directory.State {
	b.t.Helper()
	st, err := b.db.DirectoryState(b.t.Context(), "acme")
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

// user makes a user at Google, without a notification.
func (b *watchBench) user(address string) string {
	b.t.Helper()
	one := func(yield func(workspacetest.User) bool) {
		yield(workspacetest.User{PrimaryEmail: address, GivenName: "Anna", FamilyName: "Example"})
	}
	if err := b.sim.Seed(one); err != nil {
		b.t.Fatal(err)
	}
	u, _ := b.sim.UserOf(address)
	return u.ID
}

func (b *watchBench) edit(user string, change func(*workspacetest.User)) {
	b.t.Helper()
	if err := b.sim.Edit(user, change); err != nil {
		b.t.Fatal(err)
	}
}

func suspend(u *workspacetest.User) { u.Suspended = true }

// person returns the person of a Google user in GoogleOnly.
func (b *watchBench) person(id string) person.Person {
	b.t.Helper()
	p, err := orNobody(b.db.Person(b.t.Context(), person.KeyOf("acme", id)))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}
