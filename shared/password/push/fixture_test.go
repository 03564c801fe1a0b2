package push_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	ent          = "acme"
	boss         = "boss@example.com"
	updateMethod = "directory.users.update"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	keys = googletest.KeyRing(1)
)

// bench is a Pusher over an embedded store whose closures all run several times, the
// real client, and a simulated Google, under a clock that is moved by hand.
type bench struct {
	*push.Pusher
	t       testing.TB
	driver  *storetest.Faulty
	sim     *workspacetest.Server
	account googletest.ServiceAccount
	client  *workspace.Client
	secrets secret.Versions
	keyring *keyring.Keyring
	log     bytes.Buffer
	logged  sync.Mutex

	mu    sync.Mutex
	now   time.Time
	sent  map[string][]string // what each user was sent, in order
	calls int
	// google, where it is set, stands between the pusher and the client.
	google func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error)
}

// newBench makes a bench with the enterprise acme, its policy of three attempts, and
// its directory.
func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, now: noon, sent: map[string][]string{}}
	b.sim = workspacetest.New(workspacetest.Options{Now: b.clock, NewKey: keys, QuotaPerMinute: 1e9})
	t.Cleanup(b.sim.Close)
	b.sim.AddCustomer("example.com")
	_, err := b.sim.AddAdmin(boss)
	b.must(err)
	b.account, err = b.sim.NewServiceAccount("sync")
	b.must(err)
	b.sim.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserScope)
	b.client = b.newClient(unlimited)

	engine, err := embedded.Open(context.Background(), t.TempDir())
	b.must(err)
	t.Cleanup(func() { _ = engine.Close() })
	b.driver = storetest.NewFaulty(storetest.Rerun(engine))
	var n atomic.Int64
	db := record.New(store.Count(b.driver), func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b.secrets, err = file.Open(filepath.Join(t.TempDir(), "secrets"))
	b.must(err)
	b.must(keyring.Create(context.Background(), b.secrets, keyring.SecretName))
	b.keyring = keyring.New(b.secrets, keyring.SecretName, b.clock)
	gen, err := generator.New(nil)
	b.must(err)
	b.Pusher = &push.Pusher{
		DB: db, Keys: b.keyring, Generator: gen, Now: b.clock, Jitter: func() float64 { return 0.5 },
		Google: func(_ context.Context, c directory.Config) (push.Google, error) { return seen{b}, nil },
		Log:    slog.New(slog.NewJSONHandler(locked{b}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	b.policy(password.Policy{Enterprise: ent, Revision: 1, MaxAttempts: 3, RotateDays: 90})
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectory(directoryConfig())
	})
	return b
}

type locked struct{ b *bench }

func (l locked) Write(p []byte) (int, error) {
	l.b.logged.Lock()
	defer l.b.logged.Unlock()
	return l.b.log.Write(p)
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

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) put(fn func(tx *record.Tx) error) {
	b.t.Helper()
	b.must(b.DB.Update(context.Background(), fn))
}

func (b *bench) policy(p password.Policy) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error { return tx.PutPasswordPolicy(p) })
}

// hire makes a person of that name with a Google account and returns the key.
func (b *bench) hire(name string, change ...func(*person.Person)) string {
	b.t.Helper()
	id, err := b.sim.AddUser(workspacetest.User{PrimaryEmail: name + "@example.com", GivenName: name, FamilyName: "Example"})
	b.must(err)
	p := person.Person{
		Key: person.KeyOf(ent, name), Enterprise: ent, ID: name, State: person.Active, Settled: person.Granted,
		Entry: person.Entry{ID: name, Mail: "someone.else@example.com"}, Google: person.Google{ID: id},
	}
	for _, c := range change {
		c(&p)
	}
	b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	return p.Key
}

// wanting is hire, and a device of the person needs the password.
func (b *bench) wanting(name string, change ...func(*person.Person)) string {
	b.t.Helper()
	key := b.hire(name, change...)
	l, err := b.Want(context.Background(), ent, key)
	if err != nil || l.State != password.Pending {
		b.t.Fatalf("wanted, and the row is %q: %v", l.State, err)
	}
	return key
}

func (b *bench) change(key string, change func(*person.Person)) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil {
			return err
		}
		change(&p)
		return tx.PutPerson(p)
	})
}

func (b *bench) row(key string) password.Ledger {
	b.t.Helper()
	l, err := b.DB.Password(context.Background(), ent, key)
	b.must(err)
	return l
}

func (b *bench) push(key string) password.Ledger {
	b.t.Helper()
	l, err := b.Push(context.Background(), ent, key)
	b.must(err)
	if stored := b.row(key); stored != l {
		b.t.Errorf("Push returned %+v, and stored is %+v", l, stored)
	}
	return l
}

// drive does what sweep and nudges do, until the person's row waits for nothing.
func (b *bench) drive(key string) password.Ledger {
	b.t.Helper()
	for range 30 {
		l := b.row(key)
		if l.Waiting() {
			_, err := b.Want(context.Background(), ent, key)
			b.must(err)
			continue
		}
		due := l.Due()
		if due.IsZero() || l.State == password.Active {
			return l
		}
		if due.After(b.clock()) {
			b.advance(due.Sub(b.clock()))
		}
		b.push(key)
	}
	b.t.Fatalf("the person is stuck: %+v", b.row(key))
	return password.Ledger{}
}

// googleID is the person's account.
func (b *bench) googleID(key string) string {
	b.t.Helper()
	p, err := b.DB.Person(context.Background(), key)
	b.must(err)
	return p.Google.ID
}

// agree checks that Google has the password that devices would get, and was sent no
// more than one for each version (invariant W4).
func (b *bench) agree(key string) {
	b.t.Helper()
	l, id := b.row(key), b.googleID(key)
	if l.State != password.Active {
		b.t.Fatalf("the row is %q for %q, last %q", l.State, l.Reason, l.Last)
	}
	v, err := b.Open(context.Background(), l)
	b.must(err)
	if !b.sim.PasswordIs(id, v) {
		b.t.Error("Google and the devices have different passwords")
	}
	if got := distinct(b.sent[id]); got > l.Version {
		b.t.Errorf("Google was sent %d passwords for %d versions", got, l.Version)
	}
	if l.Accepted != l.Version || l.Account != id {
		b.t.Errorf("accepted %d of version %d, by account %q of %q", l.Accepted, l.Version, l.Account, id)
	}
}

func distinct(all []string) int {
	s := slices.Sorted(slices.Values(all))
	return len(slices.Compact(s))
}

// trail lists the audit records about the person, as "actor action result detail".
func (b *bench) trail(key string) (out []string) {
	b.t.Helper()
	rs, _, err := b.DB.Audit(context.Background(), ent, time.Time{}, record.Page{Limit: 100})
	b.must(err)
	slices.SortFunc(rs, func(x, y audit.Record) int { return bytes.Compare([]byte(x.ID), []byte(y.ID)) })
	for _, r := range rs {
		if r.Target == "person:"+key {
			out = append(out, fmt.Sprintf("%s %s %s %s", r.Actor, r.Action, r.Result, r.Detail))
		}
	}
	return out
}
