package directorysync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/functions/directorysync"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	insertMethod   = "directory.users.insert"
	updateMethod   = "directory.users.update"
	getMethod      = "directory.users.get"
	deleteMethod   = "directory.users.delete"
	undeleteMethod = "directory.users.undelete"
	signOutMethod  = "directory.users.signOut"
)

var (
	deskKeys = googletest.KeyRing(1)
	deskTime = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
)

// hand is a clock that is moved by hand, and by waiting.
type hand struct {
	mu sync.Mutex
	t  time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

func (h *hand) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t = h.t.Add(d)
}

func (h *hand) sleep(ctx context.Context, d time.Duration) error {
	h.advance(d)
	return ctx.Err()
}

// desk is a writer of accounts with one person's row and a simulator.
type desk struct {
	*directorysync.AccountWriter
	sim      *workspacetest.Server
	client   *workspace.Client
	clock    *hand
	customer string
	config   directory.Config
	// row is as last saved.
	row person.Person
	// stored is the password hash that the directory has.
	stored string
	// others are joined with accounts, by the key of the account.
	others map[string]person.Person
	// saves counts, and the one numbered failAt (from 0) fails: before the row is
	// stored, or after.
	saves, failAt int
	after         bool
	// said is every text that came out.
	said strings.Builder
}

var errSave = errors.New("the store is away")

type deskOptions struct {
	sim      workspacetest.Options
	attempts int // default 1, so that every failure is seen
	options  func(*workspace.Options)
}

func newDesk(t testing.TB, o deskOptions) *desk {
	t.Helper()
	d := &desk{clock: &hand{t: deskTime}, failAt: -1, others: map[string]person.Person{}}
	o.sim.Now, o.sim.NewKey = d.clock.Now, deskKeys
	d.sim = workspacetest.New(o.sim)
	t.Cleanup(d.sim.Close)
	account, err := d.sim.NewServiceAccount("sync")
	if err != nil {
		t.Fatal(err)
	}
	d.sim.Tokens.Delegate(account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserSecurityScope)
	d.customer = d.sim.AddCustomer("example.com")
	for _, unit := range []string{"/Staff", "/Staff/Sales", "/New"} {
		d.sim.AddOrgUnit(d.customer, unit)
	}
	if _, err := d.sim.AddAdmin("admin@example.com"); err != nil {
		t.Fatal(err)
	}
	limits := google.Options{Attempts: max(1, o.attempts), Rate: 1e6, Burst: 1e6, Now: d.clock.Now, Sleep: d.clock.sleep}
	opt := workspace.Options{
		Enterprise: "acme", Subject: "admin@example.com", Endpoint: d.sim.URL, Now: d.clock.Now, Caller: google.NewCaller(limits),
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(account.JSON), nil },
		Creations:  workspace.NewCreationLimit(workspace.CreationOptions{Now: d.clock.Now, Sleep: d.clock.sleep}),
	}
	if o.options != nil {
		o.options(&opt)
	}
	d.client = workspace.New(opt)
	d.AccountWriter = &directorysync.AccountWriter{
		Google: func(context.Context, directory.Config) (*workspace.Client, error) { return d.client, nil },
		Hash:   directorysync.HashFrom(func(context.Context, directory.Config) (*desk, error) { return d, nil }),
		Joined: func(_ context.Context, ent, key string) (person.Person, error) {
			if p, ok := d.others[key]; ok && p.Enterprise == ent {
				return p, nil
			}
			return person.Person{}, fault.New(fault.NotFound, "", "nobody")
		},
		Random: zeros{}, Now: d.clock.Now,
	}
	d.config = directory.Config{Enterprise: "acme", Mode: directory.ReadWrite, LDAP: &directory.LDAP{}, Google: &directory.Google{
		Subject: "admin@example.com", DefaultUnit: "/New", DeleteAfterDays: 30,
		Units: []directory.UnitRule{{DN: "ou=staff,dc=example,dc=com", OrgUnit: "/Staff"}, {DN: "ou=sales,ou=staff,dc=example,dc=com", OrgUnit: "/Staff/Sales"}},
	}}
	d.row = person.Person{Key: person.KeyOf("acme", "id-1"), Enterprise: "acme", ID: "id-1", State: person.Active, Since: deskTime,
		Settled: person.Granted, CreatedAt: deskTime, UpdatedAt: deskTime, EntryAt: deskTime, Entry: person.Entry{
			ID: "id-1", Mail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", Unit: "ou=staff,dc=example,dc=com", Enabled: person.Yes}}
	return d
}

// zeros is what makes the passwords of tests known.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// deskPassword is the password of accounts that get no hash.
var deskPassword = secret.New(strings.Repeat("A", 43))

// PasswordHash is the directory's.
func (d *desk) PasswordHash(_ context.Context, id string) (secret.Value, error) {
	if id != "id-1" || d.stored == "" {
		return secret.Value{}, fault.New(fault.NotFound, ldap.ReasonNoHash, "no hash")
	}
	return secret.New(d.stored), nil
}

// save stores the row as the store does, through JSON.
func (d *desk) save(p person.Person) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	d.said.Write(b)
	fails := d.saves == d.failAt
	d.saves++
	if fails && !d.after {
		return errSave
	}
	d.row = person.Person{}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&d.row); err != nil {
		return err
	}
	if fails {
		return errSave
	}
	return nil
}

func all(directory.Action) bool { return true }

// bring does the steps once, and returns what was done.
func (d *desk) bring(t testing.TB, allowed func(directory.Action) bool) (string, error) {
	t.Helper()
	got, steps, err := d.Bring(t.Context(), d.config, d.row, allowed, d.save)
	if err != nil {
		_, _ = io.WriteString(&d.said, err.Error())
	}
	if d.failAt < 0 && !jsonEqual(t, got, d.row) {
		t.Errorf("the row that is returned is not the one that was saved:\n%+v\n%+v", got, d.row)
	}
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Action))
	}
	return strings.Join(out, " "), err
}

func jsonEqual(t testing.TB, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// must does the steps once, and they are these.
func (d *desk) must(t testing.TB, want string) {
	t.Helper()
	if got, err := d.bring(t, all); err != nil || got != want {
		t.Fatalf("did %q, want %q: %v", got, want, err)
	}
}

// settle does the steps until all is done, as runs that follow each other do.
func (d *desk) settle(t testing.TB) {
	t.Helper()
	var err error
	for range 20 {
		if _, err = d.bring(t, all); err == nil {
			return
		}
		if !errors.Is(err, errSave) && !fault.Redeliver(err) {
			t.Fatalf("a failure that no time mends: %v", err)
		}
		d.clock.advance(2 * time.Minute)
	}
	t.Fatalf("never done: %v", err)
}

// account returns the simulator's user of the row.
func (d *desk) account(t testing.TB) workspacetest.User {
	t.Helper()
	u, ok := d.sim.UserOf(d.row.Google.ID)
	if !ok {
		t.Fatalf("Google has no user %q", d.row.Google.ID)
	}
	return u
}

// leave makes the person one who left, as a run does.
func (d *desk) leave() {
	d.row.State, d.row.Since, d.row.DeleteAt = person.Leaving, d.clock.Now(), d.clock.Now().AddDate(0, 0, 7)
	d.row.Google.DeleteAt = d.clock.Now().AddDate(0, 0, 30)
}

func (d *desk) back() {
	d.row.State, d.row.DeleteAt, d.row.Google.DeleteAt = person.Active, time.Time{}, time.Time{}
}
