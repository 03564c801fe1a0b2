package passwordsweep_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/functions/passwordsweep"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const ent = "acme"

var noEvent event.Event

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// bench is the function with the real Pusher over an embedded store, a Google that
// only remembers, and a bus that does what the test says, on one clock that is moved
// by hand. The policy of acme and beta is three attempts and rotation after 90 days.
type bench struct {
	testing.TB
	driver  *storetest.Faulty
	db      *record.DB
	pusher  *push.Pusher
	sweeper *passwordsweep.Sweeper
	google  *directoryAPI
	bus     *queue
	now     atomic.Int64
}

// keySet is one key set for all benches.
var keySet = sync.OnceValues(func() (*memory, error) {
	v := &memory{}
	return v, keyring.Create(context.Background(), v, keyring.SecretName)
})

// memory is a secret store of one secret.
type memory struct{ value secret.Value }

func (m *memory) Access(context.Context, string) (secret.Value, error) {
	if m.value.Empty() {
		return m.value, fault.New(fault.NotFound, "not-found", "there is no secret")
	}
	return m.value, nil
}

func (m *memory) Put(_ context.Context, _ string, v secret.Value) error {
	m.value = v
	return nil
}

// Newest and Replace serve one caller at a time.
func (m *memory) Newest(ctx context.Context, name string) (secret.Value, secret.Version, error) {
	v, err := m.Access(ctx, name)
	return v, "", err
}

func (m *memory) Replace(ctx context.Context, name string, _ secret.Version, v secret.Value) (secret.Version, []secret.Value, error) {
	return "", nil, m.Put(ctx, name, v)
}

func (m *memory) Delete(context.Context, string) error { return nil }

// newBench makes a bench that may make rate calls a second for each enterprise.
// Around stands between the store and everything else; nil is nothing.
func newBench(t testing.TB, rate float64, around func(store.Driver) store.Driver) *bench {
	t.Helper()
	b := &bench{TB: t, bus: &queue{}}
	b.now.Store(noon.UnixNano())
	b.google = newDirectoryAPI(b.clock)
	engine, err := embedded.Open(context.Background(), t.TempDir())
	b.must(err)
	t.Cleanup(func() { _ = engine.Close() })
	if around == nil {
		around = func(d store.Driver) store.Driver { return d }
	}
	b.driver = storetest.NewFaulty(around(engine))
	var n atomic.Int64
	b.db = record.New(store.Count(b.driver), func() string { return fmt.Sprintf("a%08d", n.Add(1)) })
	vault, err := keySet()
	b.must(err)
	gen, err := generator.New(nil)
	b.must(err)
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	b.pusher = &push.Pusher{
		DB: b.db, Keys: keyring.New(vault, keyring.SecretName, b.clock), Generator: gen, Now: b.clock, Jitter: rand.Float64, Log: log,
		Google: func(context.Context, directory.Config) (push.Google, error) { return b.google, nil },
	}
	b.sweeper = &passwordsweep.Sweeper{DB: b.db, Passwords: b.pusher, Now: b.clock, Log: log,
		Dispatch: &dispatch.Dispatcher{DB: b.db, Bus: b.bus, Rate: rate, Now: b.clock}}
	for _, e := range []string{ent, "beta"} {
		b.put(func(tx *record.Tx) error {
			if err := tx.PutPasswordPolicy(password.Policy{Enterprise: e, Revision: 1, MaxAttempts: 3, RotateDays: 90}); err != nil {
				return err
			}
			return tx.PutDirectory(directory.Config{Enterprise: e, Mode: directory.ReadOnly, Google: &directory.Google{Subject: "boss@example.com"}})
		})
	}
	return b
}

func (b *bench) clock() time.Time { return time.Unix(0, b.now.Load()).UTC() }

func (b *bench) pass(d time.Duration) { b.now.Add(int64(d)) }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) put(fn func(*record.Tx) error) {
	b.Helper()
	b.must(b.db.Update(context.Background(), fn))
}

// key is the key of an enterprise's i-th person.
func key(e string, i int) string { return person.KeyOf(e, fmt.Sprint("person ", i)) }

// people stores n people of an enterprise, each with a Google account and the row
// that edit makes of one that became due just now.
func (b *bench) people(e string, n int, edit func(i int, l *password.Ledger)) {
	b.Helper()
	const together = 100
	for from := 0; from < n; from += together {
		b.put(func(tx *record.Tx) error {
			for i := from; i < min(n, from+together); i++ {
				k := key(e, i)
				p := person.Person{Key: k, Enterprise: e, ID: fmt.Sprint("person ", i), State: person.Active,
					Settled: person.Granted, Google: person.Google{ID: "g-" + k}}
				if err := tx.PutPerson(p); err != nil {
					return err
				}
				f, err := password.Make(context.Background(), b.pusher.Generator, b.pusher.Keys, password.New(e, k).NextBound(), password.Policy{})
				if err != nil {
					return err
				}
				l := password.New(e, k).Want(b.clock(), f)
				if edit != nil {
					edit(i, &l)
				}
				if err := tx.PutPassword(l); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// accepted makes a row one that Google accepted 90 days ago, with rotation due at.
func accepted(due time.Time) func(int, *password.Ledger) {
	return func(_ int, l *password.Ledger) {
		l.State, l.SetAt, l.NextAt, l.RotateAt, l.Accepted = password.Active, due.Add(-90*24*time.Hour), time.Time{}, due, l.Version
	}
}

func (b *bench) row(e string, i int) password.Ledger {
	b.Helper()
	l, err := b.db.Password(context.Background(), e, key(e, i))
	b.must(err)
	return l
}

// rows returns an enterprise's rows.
func (b *bench) rows(e string) (all []password.Ledger) {
	b.Helper()
	p := record.Page{Limit: 1000}
	for {
		ls, next, err := b.db.Passwords(context.Background(), e, "", p)
		b.must(err)
		all = append(all, ls...)
		if p.Next = next; next == "" {
			return all
		}
	}
}

// sweep sweeps once and returns what it did and cost.
func (b *bench) sweep() (passwordsweep.Summary, *store.Ops) {
	b.Helper()
	ctx, ops := store.WithOps(context.Background())
	sum, err := b.sweeper.Run(ctx)
	b.must(err)
	return sum, ops
}

// deliver does what the function passwordpush does with all nudges, and returns how
// many there were.
func (b *bench) deliver(ctx context.Context) int {
	b.Helper()
	nudges := b.bus.take()
	var g errgroup.Group
	g.SetLimit(8)
	for _, n := range nudges {
		g.Go(func() error {
			_, err := b.pusher.Push(ctx, n.Enterprise, n.Person)
			return err
		})
	}
	b.must(g.Wait())
	return len(nudges)
}

// queue is a bus that keeps nudges until they are taken.
type queue struct {
	mu     sync.Mutex
	nudges []password.Nudge
	// lost, if set, says which nudges nobody gets.
	lost func(password.Nudge) bool
	err  error
}

func (q *queue) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return "", q.err
	}
	n, err := password.ParseNudge(data)
	if err != nil || topic != event.Password {
		return "", fmt.Errorf("%s: %w", topic, err)
	}
	if q.lost == nil || !q.lost(n) {
		q.nudges = append(q.nudges, n)
	}
	return "id", nil
}

func (q *queue) take() []password.Nudge {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.nudges
	q.nudges = nil
	return all
}
