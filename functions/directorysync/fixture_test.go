package directorysync

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/binary"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workflow"
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
	// stopped and operations tell of the last run; see broken.
	stopped    directory.Phase
	operations int

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
	// page is how many users a page of Google's has, and entries one of LDAP's; 0 is
	// as many as by default.
	page int
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

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

type storeTxn = store.Txn

func document(kind store.Kind, id, body string) store.Document {
	return store.Document{Key: store.Key{Kind: kind, ID: id}, Body: []byte(body)}
}
