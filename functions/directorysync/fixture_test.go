package directorysync

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
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
	acme     = "acme"
	domain   = "example.com"
	boss     = "admin@example.com"
	base     = "dc=example,dc=com"
	ada      = "admin:ada@example.com"
	listUser = "directory.users.list"
	getUser  = "directory.users.get"
)

var (
	noon    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	keyRing = googletest.KeyRing(1)
)

// watchHand is a clock that is moved by hand, and by waiting.
type watchHand struct {
	mu sync.Mutex
	t  time.Time
}

func (c *watchHand) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *watchHand) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func (c *watchHand) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// site is one organisation with its directories, and the engine over a store whose
// closures all run several times.
type site struct {
	t        testing.TB
	clock    *watchHand
	faulty   *storetest.Faulty
	driver   store.Driver
	db       *record.DB
	config   directory.Config
	google   *workspacetest.Server
	customer string
	ldap     *ldaptest.Server
	account  googletest.ServiceAccount
	engine   *Engine
	log      *bytes.Buffer

	mu      sync.Mutex
	ids     int
	queue   []event.Event
	settles []workflow.Command
}

// plain keeps a site's closures from running several times, which the measured
// ones must not.
type options struct {
	plain    bool
	attempts int
	driver   store.Driver
	// beside shares the directories of another site.
	beside *site
	// schema is LDAP's; one other than the default tells changes.
	schema directory.Schema
}

func newSite(t testing.TB, mode directory.Mode, opt options) *site {
	t.Helper()
	s := &site{t: t, clock: &watchHand{t: noon}, log: new(bytes.Buffer), driver: opt.driver}
	if s.driver == nil {
		file, err := embedded.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		s.driver = file
	}
	if !opt.plain {
		s.driver = storetest.Rerun(s.driver)
	}
	s.faulty = storetest.NewFaulty(s.driver)
	s.driver = store.Count(s.faulty)
	s.db = record.New(s.driver, s.newID)
	s.config = directory.Config{Enterprise: acme, Mode: mode, Revision: 1, UpdatedAt: noon}
	s.engine = &Engine{
		DB: s.db, Bus: s, Now: s.clock.Now, NewID: s.newID, Slice: time.Hour, Key: secret.New(strings.Repeat("k", 32)),
		Log: slog.New(slog.NewJSONHandler(io.MultiWriter(s.log, t.Output()), nil)), PublicURL: "https://emm.example.com/directorywatch",
	}
	if o := opt.beside; o != nil {
		s.google, s.customer, s.ldap, s.account, s.config = o.google, o.customer, o.ldap, o.account, o.config
	}
	if mode.UsesGoogle() {
		s.openGoogle(opt)
	}
	if mode.UsesLDAP() {
		s.openLDAP(opt)
	}
	if opt.beside == nil {
		s.configure(func(*directory.Config) {})
	}
	return s
}

func (s *site) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	var b [17]byte
	binary.BigEndian.PutUint64(b[:], uint64(s.ids))
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:26]
}

func (s *site) openGoogle(opt options) {
	if s.google == nil {
		s.newGoogle()
	}
	limits := workspace.CallerOptions()
	limits.Now, limits.Sleep, limits.Attempts = s.clock.Now, s.clock.Sleep, opt.attempts
	limits.BreakerFailures = 1 << 20 // the breaker's clock is the machine's
	caller := google.NewCaller(limits)
	creations := workspace.NewCreationLimit(workspace.CreationOptions{Now: s.clock.Now, Sleep: s.clock.Sleep})
	var mu sync.Mutex
	made := map[bool]*workspace.Client{}
	s.engine.Google = func(_ context.Context, c directory.Config) (*workspace.Client, error) {
		mu.Lock()
		defer mu.Unlock()
		readOnly := c.Mode != directory.ReadWrite
		if made[readOnly] != nil {
			return made[readOnly], nil
		}
		made[readOnly] = workspace.New(workspace.Options{
			Enterprise: c.Enterprise, Subject: c.Google.Subject, Endpoint: s.google.URL, Now: s.clock.Now,
			ReadOnly: readOnly, Caller: caller, Creations: creations,
			Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(s.account.JSON), nil },
		})
		return made[readOnly], nil
	}
}

func (s *site) newGoogle() {
	random := rand.New(rand.NewPCG(1, 2))
	s.google = workspacetest.New(workspacetest.Options{Now: s.clock.Now, NewKey: keyRing,
		Faults: googletest.NewFaults(googletest.FaultOptions{Float64: random.Float64})})
	s.t.Cleanup(s.google.Close)
	var err error
	if s.account, err = s.google.NewServiceAccount("sync"); err != nil {
		s.t.Fatal(err)
	}
	s.google.Tokens.Delegate(s.account.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope,
		admin.AdminDirectoryUserSecurityScope)
	s.customer = s.google.AddCustomer(domain)
	if _, err := s.google.AddAdmin(boss); err != nil {
		s.t.Fatal(err)
	}
	s.config.Google = &directory.Google{Subject: boss}
}

func (s *site) openLDAP(opt options) {
	if s.ldap == nil {
		var err error
		if s.ldap, err = ldaptest.Start(ldaptest.Options{BaseDN: base, Schema: opt.schema}); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(s.ldap.Close)
		l := s.ldap.Config()
		if opt.schema == "" {
			l.Incremental = directory.Full
		}
		s.config.LDAP = &l
	}
	s.engine.LDAP = func(_ context.Context, c directory.Config) (ldapSource, error) {
		return ldap.New(ldap.Options{Config: *c.LDAP, Password: s.ldap.Password}), nil
	}
}

// configure changes the stored configuration without a new revision.
func (s *site) configure(change func(*directory.Config)) {
	s.t.Helper()
	change(&s.config)
	s.put(func(tx *record.Tx) error { return tx.PutDirectory(s.config) })
}

func (s *site) put(fn func(*record.Tx) error) {
	s.t.Helper()
	if err := s.db.Update(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// Publish keeps the directory's events for deliver, and the others' for tests.
func (s *site) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	id := s.newID()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch topic {
	case event.Directory:
		s.queue = append(s.queue, event.Event{ID: id, Topic: topic, Data: data, Attempt: 1})
	case event.Provision:
		cmd, err := workflow.Parse(data)
		if err != nil {
			return "", err
		}
		s.settles = append(s.settles, cmd)
	}
	return id, nil
}

func (s *site) next() (event.Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return event.Event{}, false
	}
	e := s.queue[0]
	s.queue = s.queue[1:]
	return e, true
}

// deliver hands every event to the engine until none is left; what is transient
// comes again after the lease.
func (s *site) deliver() {
	s.t.Helper()
	for range 500 {
		e, ok := s.next()
		if !ok {
			return
		}
		err := s.engine.Handle(context.Background(), e)
		if !fault.Redeliver(err) {
			continue
		}
		s.clock.Advance(lease)
		s.mu.Lock()
		s.queue = append(s.queue, e)
		s.mu.Unlock()
	}
	s.t.Fatal("the events do not end")
}

func (s *site) command(cmd directory.Command) {
	s.t.Helper()
	cmd.Enterprise, cmd.RequestedBy, cmd.RequestedAt = acme, ada, s.clock.Now()
	data, err := cmd.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = s.Publish(context.Background(), event.Directory, data)
}

// start asks for a run and returns it as it is when nothing more happens.
func (s *site) start(kind directory.Kind, full bool) directory.Run {
	s.t.Helper()
	id := s.newID()
	s.command(directory.Command{Op: directory.Start, Run: id, Kind: kind, Full: full})
	s.deliver()
	return s.run(id)
}

func (s *site) sync() directory.Run {
	s.t.Helper()
	s.clock.Advance(time.Minute)
	return s.start(directory.Sync, false)
}

// schedule fires the schedule and returns the enterprise's last run.
func (s *site) schedule() directory.Run {
	s.t.Helper()
	if err := s.engine.Handle(context.Background(), event.Event{Topic: event.Directory}); err != nil {
		s.t.Fatal(err)
	}
	s.deliver()
	runs := s.runs()
	if len(runs) == 0 {
		return directory.Run{}
	}
	return runs[len(runs)-1]
}

func (s *site) runs() []directory.Run {
	s.t.Helper()
	runs, _, err := s.db.Runs(context.Background(), acme, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return runs
}

func (s *site) run(id string) directory.Run {
	s.t.Helper()
	r, err := s.db.Run(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) state() directory.State {
	s.t.Helper()
	st, err := s.db.DirectoryState(context.Background(), acme)
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// people returns everybody, by address.
func (s *site) people() map[string]person.Person {
	s.t.Helper()
	out := map[string]person.Person{}
	var p record.Page
	for {
		ps, next, err := s.db.People(context.Background(), acme, "", p)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, x := range ps {
			name := x.Entry.Mail
			if _, twice := out[name]; twice || name == "" {
				name += "#" + x.ID
			}
			out[name] = x
		}
		if p.Next = next; next == "" {
			return out
		}
	}
}

// states counts people by state.
func (s *site) states() map[person.State]int {
	s.t.Helper()
	out := map[person.State]int{}
	for _, p := range s.people() {
		out[p.State]++
	}
	return out
}

func (s *site) person(mail string) person.Person {
	s.t.Helper()
	p, ok := s.people()[mail]
	if !ok {
		s.t.Fatalf("there is no person %q", mail)
	}
	return p
}

// plan returns every item of a run's plan, by address or id.
func (s *site) plan(r directory.Run) map[string]directory.Item {
	s.t.Helper()
	out := map[string]directory.Item{}
	for n := range r.Parts {
		part, err := s.db.Part(context.Background(), r.ID, n)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, it := range part.Items {
			name := it.Mail
			if _, twice := out[name]; twice || name == "" {
				name += "#" + it.ID
			}
			out[name] = it
		}
	}
	return out
}

func (s *site) trail() []audit.Record {
	s.t.Helper()
	rs, _, err := s.db.Audit(context.Background(), acme, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return rs
}

func mail(i int) string { return fmt.Sprintf("u%05d@%s", i, domain) }

// hire adds n Google users from number first on.
func (s *site) hire(first, n int) {
	s.t.Helper()
	for i := first; i < first+n; i++ {
		if _, err := s.google.AddUser(googleUser(i)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func googleUser(i int) workspacetest.User {
	return workspacetest.User{PrimaryEmail: mail(i), GivenName: "Given", FamilyName: fmt.Sprintf("Family %d", i)}
}

func ldapDN(i int) string { return fmt.Sprintf("uid=u%05d,ou=people,%s", i, base) }

// ldapPerson is person i in the form of ldaptest.Person.
func ldapPerson(i int) ldaptest.Entry {
	return ldaptest.Entry{DN: ldapDN(i), Attributes: map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {fmt.Sprintf("u%05d", i)}, "cn": {fmt.Sprintf("Given Family %d", i)},
		"givenName": {"Given"}, "sn": {fmt.Sprintf("Family %d", i)}, "mail": {mail(i)},
	}}
}

// employ adds n people to LDAP.
func (s *site) employ(first, n int) {
	s.t.Helper()
	for i := first; i < first+n; i++ {
		if err := s.ldap.Add(ldapPerson(i)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func wantRun(t testing.TB, r directory.Run, phase directory.Phase, reason string) {
	t.Helper()
	if r.Phase != phase || r.Reason != reason {
		t.Errorf("run is %s %q (%s), want %s %q", r.Phase, r.Reason, r.Advice, phase, reason)
	}
}

type storeTxn = store.Txn

func document(kind store.Kind, id, body string) store.Document {
	return store.Document{Key: store.Key{Kind: kind, ID: id}, Body: []byte(body)}
}
