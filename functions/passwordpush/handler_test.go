package passwordpush_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/functions/passwordpush"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/embedded"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/store"
	disk "github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	ent          = "acme"
	boss         = "boss@example.com"
	updateMethod = "directory.users.update"
)

var keys = googletest.KeyRing(1)

// site is the function as a process has it, over a store that can break and a
// simulated Google, whose directory is only read.
type site struct {
	t      *testing.T
	sim    *workspacetest.Server
	driver *storetest.Faulty
	db     *record.DB
	pusher *push.Pusher
	handle event.Handler
	log    bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) until(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.now) {
		s.now = at
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	s.sim = workspacetest.New(workspacetest.Options{Now: s.clock, NewKey: keys})
	t.Cleanup(s.sim.Close)
	s.sim.AddCustomer("example.com")
	_, err := s.sim.AddAdmin(boss)
	s.must(err)
	account, err := s.sim.NewServiceAccount("sync")
	s.must(err)
	// Nothing beyond what passwords need.
	s.sim.Tokens.Delegate(account.Email, admin.AdminDirectoryUserScope)

	p := setup.NewProcess(setup.Config{Store: "embedded", Bus: "embedded", Secrets: "file", Data: t.TempDir(),
		DirectoryEndpoint: s.sim.URL, DirectoryRate: 1000}, slog.New(slog.NewJSONHandler(&s.log, nil)))
	p.Now = s.clock
	engine, err := disk.Open(t.Context(), t.TempDir())
	s.must(err)
	s.driver = storetest.NewFaulty(storetest.Rerun(engine))
	setup.Use(p, setup.SharedStore, store.Driver(s.driver))
	t.Cleanup(func() { _ = p.Close() })
	vault, err := secrets.Store(t.Context(), p)
	s.must(err)
	s.must(vault.Put(t.Context(), directory.KeySecret(ent), secret.NewBytes(account.JSON)))
	s.db, err = p.DB(t.Context())
	s.must(err)
	s.must(s.db.Update(t.Context(), func(tx *record.Tx) error {
		c := directory.Config{Enterprise: ent, Mode: directory.ReadOnly, Google: &directory.Google{Subject: boss}}
		if err := tx.PutDirectory(c); err != nil {
			return err
		}
		return tx.PutPasswordPolicy(password.Policy{Enterprise: ent, Revision: 1, MaxAttempts: 3})
	}))
	s.pusher, err = passwords.Open(t.Context(), p)
	s.must(err)
	s.handle, err = passwordpush.Open(t.Context(), p)
	s.must(err)
	return s
}

// wanting makes a person of whom a device needs the password.
func (s *site) wanting(name string) string {
	s.t.Helper()
	id, err := s.sim.AddUser(workspacetest.User{PrimaryEmail: name + "@example.com", GivenName: name, FamilyName: "Example"})
	s.must(err)
	p := person.Person{Key: person.KeyOf(ent, name), Enterprise: ent, ID: name, State: person.Active, Google: person.Google{ID: id}}
	s.must(s.db.Update(s.t.Context(), func(tx *record.Tx) error { return tx.PutPerson(p) }))
	_, err = s.pusher.Want(s.t.Context(), ent, p.Key)
	s.must(err)
	return p.Key
}

func (s *site) nudge(key string) event.Event {
	s.t.Helper()
	data, err := password.Nudge{Enterprise: ent, Person: key}.Marshal()
	s.must(err)
	return event.Event{Topic: event.Password, Data: data}
}

func (s *site) row(key string) password.Ledger {
	s.t.Helper()
	l, err := s.db.Password(s.t.Context(), ent, key)
	s.must(err)
	return l
}

// agree checks that Google has what devices would get (invariant W4).
func (s *site) agree(key string) {
	s.t.Helper()
	l := s.row(key)
	if l.State != password.Active || l.Version != 1 {
		s.t.Fatalf("the row is %+v", l)
	}
	v, err := s.pusher.Open(s.t.Context(), l)
	s.must(err)
	if !s.sim.PasswordIs(l.Account, v) {
		s.t.Error("Google and the devices have different passwords")
	}
}

// TestHandle_D1_AReadOnlyDirectoryIsNoObstacle: the policy is the permission, and one
// scope suffices.
func TestHandle_D1_AReadOnlyDirectoryIsNoObstacle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := s.wanting("anna")
	for range 2 {
		if err := s.handle(t.Context(), s.nudge(key)); err != nil {
			t.Fatal(err)
		}
	}
	s.agree(key)
	if n := s.sim.Faults.Calls(updateMethod); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// TestHandle_E2_WhatComesBack: a nudge that makes no sense is final, Google's answer
// is in the row, and a store that fails brings the nudge back.
func TestHandle_E2_WhatComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, data := range []string{"", "{}", "[]", `{"enterprise":"acme"}`, `{"enterprise":"acme","person":"p","more":1}`, `{"enterprise":"acme","person":"p"} {}`} {
		err := s.handle(t.Context(), event.Event{Topic: event.Password, Data: []byte(data)})
		if err == nil || fault.Redeliver(err) {
			t.Errorf("%q: %v", data, err)
		}
	}
	key := s.wanting("anna")
	for _, status := range []int{409, 403} {
		s.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: status, Reason: "duplicate", Times: 1})
		s.until(s.row(key).Due())
		if err := s.handle(t.Context(), s.nudge(key)); err != nil {
			t.Errorf("Google's %d comes back: %v", status, err)
		}
	}
	if l := s.row(key); l.State != password.Failed || l.Reason != "google-forbidden" {
		t.Errorf("the row is %+v", l)
	}

	other := s.wanting("otto")
	for k := 1; ; k++ {
		s.driver.Fail(k, storetest.Before)
		err := s.handle(t.Context(), s.nudge(other))
		fired := s.driver.Fired()
		s.driver.Fail(0, storetest.Before)
		if !fired {
			break
		}
		if !fault.Redeliver(err) {
			t.Errorf("operation %d failed, and the nudge does not come back: %v", k, err)
		}
		s.until(s.row(other).Due())
	}
	s.until(s.row(other).Due())
	s.must(s.handle(t.Context(), s.nudge(other)))
	s.agree(other)
}

// TestHandle_W2_NudgesLostDoubledAndReordered: through a bus that does all that, with
// a Google that says no although it did. Whoever is still due is nudged again, as the sweep
// would; in the end everybody has one password.
func TestHandle_W2_NudgesLostDoubledAndReordered(t *testing.T) {
	t.Parallel()
	const people = 40
	s := newSite(t)
	bus, err := embedded.Open(t.TempDir(), &embedded.Options{
		Now: s.clock, Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(5, 6)),
		Chaos: embedded.Chaos{Duplicate: 0.5, Reorder: 0.5, Delay: 0.3, MaxDelay: 3 * time.Minute},
	})
	s.must(err)
	t.Cleanup(func() { _ = bus.Close() })
	bus.Subscribe(event.Password, s.handle)
	var all []string
	for n := range people {
		all = append(all, s.wanting(fmt.Sprintf("p%02d", n)))
	}
	// An answer that nobody can read: it counts, and the client leaves it to the row.
	s.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.RefuseAfter, Status: 409, Reason: "duplicate", Times: 15})
	random := rand.New(rand.NewPCG(7, 8))
	open := people
	for round := 0; open > 0 && round < 40; round++ {
		open = 0
		for _, key := range all {
			if l := s.row(key); l.State != password.Active && l.State != password.Failed {
				open++
				if !l.Due().After(s.clock()) && random.IntN(3) > 0 { // the others are lost
					if _, err := bus.Publish(t.Context(), event.Password, s.nudge(key).Data); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if _, err := bus.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.until(s.clock().Add(time.Minute))
	}
	for _, key := range all {
		s.agree(key)
	}
	if dead, err := bus.List(t.Context(), 10); err != nil || len(dead) > 0 {
		t.Errorf("dead letters: %v, %v", dead, err)
	}
}

// refusing is a Pusher with a store that is out of order.
type refusing struct{}

func (refusing) Push(context.Context, string, string) (password.Ledger, error) {
	return password.Ledger{}, errors.New("no store")
}

func TestHandler_AnErrorOfThePusherComesBack(t *testing.T) {
	t.Parallel()
	data, err := password.Nudge{Enterprise: ent, Person: "p1"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := passwordpush.Handler(refusing{})(t.Context(), event.Event{Data: data}); !fault.Redeliver(err) {
		t.Errorf("the nudge is final: %v", err)
	}
}
