package passwordsweep_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

var errDead = fault.New(fault.Transient, "injected", "The process died.")

// life is a process that dies at the at-th thing that it does to the world: a
// transaction, a publication or a call to Google. It is dead until it is started anew.
type life struct {
	mu        sync.Mutex
	count, at int
	after     bool // it dies when the thing is done, and before it knows
	dead      bool
}

func (l *life) do(fn func() error) error {
	l.mu.Lock()
	l.count++
	dead, dies := l.dead, l.count == l.at
	l.dead = l.dead || dies
	l.mu.Unlock()
	if dead {
		return errDead
	}
	if !dies {
		return fn()
	}
	if l.after {
		if err := fn(); err != nil {
			return err
		}
	}
	return errDead
}

func (l *life) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = false
}

func (l *life) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	return nil
}

// mortal is the store as the process sees it.
type mortal struct {
	store.Driver
	*life
}

func (m mortal) Get(ctx context.Context, k store.Key) (store.Document, error) {
	if err := m.alive(); err != nil {
		return store.Document{}, err
	}
	return m.Driver.Get(ctx, k)
}

func (m mortal) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Driver.Find(ctx, q)
}

func (m mortal) Update(ctx context.Context, fn func(store.Txn) error) error {
	return m.do(func() error { return m.Driver.Update(ctx, fn) })
}

type mortalBus struct {
	event.Publisher
	*life
}

func (m mortalBus) Publish(ctx context.Context, t event.Topic, data []byte) (id string, err error) {
	err = m.do(func() (err error) {
		id, err = m.Publisher.Publish(ctx, t, data)
		return err
	})
	return id, err
}

type mortalGoogle struct {
	push.Google
	*life
}

func (m mortalGoogle) SetPassword(ctx context.Context, k workspace.Key, v secret.Value) (u workspace.User, err error) {
	err = m.do(func() (err error) {
		u, err = m.Google.SetPassword(ctx, k, v)
		return err
	})
	return u, err
}

// TestPasswords_W2_W3_W4_KilledAnywhere: sweeps, pushes and a renewal by a process
// that dies at each of the things it does to the world, with nudges that are lost,
// doubled and out of order. In the end every person has the password at Google that
// the ledger has, of one for each version, or is given up for a reason; Google judged
// no version more often than the policy allows.
func TestPasswords_W2_W3_W4_KilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after %v", after), func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				l := &life{at: at, after: after}
				killed(t, l)
				if l.count < at {
					t.Logf("died at each of %d things", at-1)
					return
				}
				if t.Failed() {
					t.Fatalf("died at thing %d", at)
				}
			}
		})
	}
}

func killed(t *testing.T, l *life) {
	t.Helper()
	b := newBench(t, 1, nil)
	const fine, refused, deferred, old = 0, 1, 2, 3
	b.people(ent, 4, func(i int, row *password.Ledger) {
		if i == old {
			accepted(noon)(i, row)
		}
	})
	b.google.answer = func(id string, n int) error {
		switch {
		case id == "g-"+key(ent, refused):
			return fault.New(fault.Conflict, "google-duplicate", "Entity already exists.")
		case id == "g-"+key(ent, deferred) && n < 3:
			return backend()
		}
		return nil
	}
	// Everything that the process has goes through its life.
	db := record.New(mortal{b.driver, l}, func() string { return fmt.Sprint("m", l.count, b.clock().UnixNano()) })
	b.pusher.DB, b.sweeper.DB, b.sweeper.Dispatch.DB = db, db, db
	b.sweeper.Dispatch.Bus = mortalBus{b.bus, l}
	b.pusher.Google = googleOf(mortalGoogle{b.google, l})
	lost := 0
	b.bus.lost = func(password.Nudge) bool { lost++; return lost%4 == 0 }
	// run has the process do something, which it may not survive.
	run := func(do func() error) {
		if err := do(); err != nil && !fault.Redeliver(err) {
			t.Errorf("%v", err)
		}
		l.start()
	}
	asked := noon.Add(30 * time.Second)
	for minute := range 4 {
		run(func() error {
			_, err := b.sweeper.Run(context.Background())
			return err
		})
		if minute == 1 {
			renew := func() error {
				_, err := b.pusher.Renew(context.Background(), push.Renewal{Enterprise: ent, Person: key(ent, fine),
					Asked: asked, When: password.AtOnce, Actor: "admin:a@example.com", RequestID: "r1"})
				if err != nil {
					return err
				}
				row, err := db.Password(context.Background(), ent, key(ent, fine))
				if err != nil {
					return err
				}
				_, err = b.sweeper.Dispatch.Offer(context.Background(), ent, []password.Ledger{row})
				return err
			}
			for range 3 { // it comes again where it broke off, and once more for nothing
				run(renew)
			}
		}
		nudges := b.bus.take()
		nudges = append(nudges, nudges...)
		slices.Reverse(nudges)
		for _, n := range nudges {
			run(func() error {
				_, err := b.pusher.Push(context.Background(), n.Enterprise, n.Person)
				return err
			})
		}
		b.pass(time.Minute)
	}
	b.bus.lost = nil
	b.pass(password.RotationGrace)
	for range 40 {
		run(func() error {
			_, err := b.sweeper.Run(context.Background())
			return err
		})
		run(func() error {
			var failed []error
			for _, n := range b.bus.take() {
				_, err := b.pusher.Push(context.Background(), n.Enterprise, n.Person)
				failed = append(failed, err)
			}
			return errors.Join(failed...)
		})
		b.pass(time.Minute)
		if !slices.ContainsFunc(b.rows(ent), func(l password.Ledger) bool { return l.State != password.Active && l.State != password.Failed }) {
			break
		}
	}
	for i, versions := range []int{2, 1, 1, 2} {
		b.settled(i, versions)
	}
}

func googleOf(g push.Google) func(context.Context, directory.Config) (push.Google, error) {
	return func(context.Context, directory.Config) (push.Google, error) { return g, nil }
}

// settled checks how one person of acme ended.
func (b *bench) settled(i, versions int) {
	b.Helper()
	l := b.row(ent, i)
	id := "g-" + l.Person
	switch {
	case l.Version != versions:
		b.Errorf("person %d has version %d, want %d", i, l.Version, versions)
	case l.State == password.Active:
		v, err := b.pusher.Keys.Open(context.Background(), l.Bound(), l.Sealed)
		b.must(err)
		if b.google.has[id] != v.Reveal() {
			b.Errorf("person %d: Google has another password than the ledger", i)
		}
	case l.State != password.Failed || l.Reason == "":
		b.Errorf("person %d is stuck: %s for %q, %d attempts, due %v", i, l.State, l.Reason, l.Attempts, l.Due())
	}
	if got := len(b.google.offered[id]); got > versions {
		b.Errorf("person %d: Google was offered %d passwords for %d versions", i, got, versions)
	}
	for _, n := range b.google.offered[id] {
		if n > 3 {
			b.Errorf("person %d: Google judged one version %d times, and the policy allows 3", i, n)
		}
	}
}
