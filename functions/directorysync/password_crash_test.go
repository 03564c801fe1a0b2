package directorysync

import (
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// together fails the test where somebody has an account and a password that waits for
// one, at any moment.
func (s *site) together(where string) {
	s.t.Helper()
	for m, p := range s.people() {
		if was := givenUp(p.Key, password.ReasonUnknownPerson); hasAccount(p) == (s.password(p) == was) {
			s.t.Errorf("%s: %s has the account %q and the password %+v", where, m, p.Google.ID, s.password(p))
		}
	}
}

// TestAppeared_E2_AtEveryOperation: wherever the process dies, nobody has an account
// and a password that waits for one.
func TestAppeared_E2_AtEveryOperation(t *testing.T) {
	t.Parallel()
	const n = 3
	nameless := func(s *site) {
		s.writes()
		s.employ(0, n)
		for i := range n {
			s.must(s.ldap.Set(ldapDN(i), "givenName"))
		}
	}
	for mode, b := range map[directory.Mode]*breakable{
		directory.ReadOnly: prepare(t, directory.ReadOnly, func(s *site) { s.employ(0, n) }, func(s *site) {
			s.giveUp(password.ReasonUnknownPerson)
			s.hire(0, n)
		}),
		directory.ReadWrite: prepare(t, directory.ReadWrite, nameless, func(s *site) {
			s.giveUp(password.ReasonUnknownPerson)
			for i := range n {
				s.must(s.ldap.Set(ldapDN(i), "givenName", "Given"))
			}
		}),
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			for k := 1; ; k++ {
				fired := false
				for _, when := range []storetest.When{storetest.Before, storetest.After} {
					beside := b.site
					if mode == directory.ReadWrite { // each has a Google of its own, where accounts are made
						beside = &site{ldap: b.site.ldap, config: b.site.config}
					}
					s := newSite(t, mode, options{driver: b.store(t), beside: beside, plain: true})
					s.ids = 1 << 20
					s.clock.Advance(time.Hour)
					s.writes()
					s.command(directory.Command{Op: directory.Start, Run: s.newID(), Kind: directory.Sync})
					e, _ := s.next()
					s.faulty.Crash(k, when)
					err := s.engine.Handle(t.Context(), e)
					fired = s.faulty.Fired()
					s.faulty.Fail(0, when)
					s.together("killed")
					if fired && err != nil && fault.Redeliver(err) {
						s.clock.Advance(lease)
						s.queue = append(s.queue, e)
					}
					s.deliver()
					s.together("in the end")
					for m, p := range s.people() {
						if !s.offered(p, password.ReasonUnknownPerson) {
							t.Errorf("operation %d, side %d: the password of %s is not offered again", k, when, m)
						}
					}
				}
				if !fired {
					if t.Logf("%d operations", k-1); k < 14 {
						t.Errorf("%d operations were broken, want 14 at least", k-1)
					}
					return
				}
			}
		})
	}
}

// TestAppeared_W6_ByANotification in the transaction that takes the account in.
func TestAppeared_W6_ByANotification(t *testing.T) {
	t.Parallel()
	for k := 1; ; k++ {
		fired := false
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			b := newWatchBench(t, func(c *directory.Config) { c.Mode = directory.ReadOnly })
			e := person.Entry{ID: "uuid-1", Mail: "anna@example.com"}
			p, _ := b.config.Decide(person.Person{}, e.ID, directory.Facts{Entry: &e, EntryAt: watchNoon}, watchNoon)
			was := givenUp(p.Key, password.ReasonUnknownPerson)
			b.put(func(tx *record.Tx) error {
				if err := tx.PutPerson(p); err != nil {
					return err
				}
				return tx.PutPassword(was)
			})
			row := func() (person.Person, password.Ledger) {
				p, err := b.db.Person(t.Context(), p.Key)
				l, lerr := b.db.Password(t.Context(), acme, p.Key)
				if err != nil || lerr != nil {
					t.Fatal(err, lerr)
				}
				return p, l
			}
			id := b.user("anna@example.com")
			b.advance(time.Minute)
			b.faulty.Crash(k, when)
			err := b.refreshNow(id)
			fired = b.faulty.Fired()
			b.faulty.Fail(0, when)
			if p, l := row(); hasAccount(p) == (l == was) {
				t.Errorf("operation %d, side %d: the account %q and the password %+v", k, when, p.Google.ID, l)
			}
			if fired && !fault.Redeliver(err) {
				t.Errorf("operation %d, side %d: %v brings nothing back", k, when, err)
			}
			b.told(id)
			if p, l := row(); !hasAccount(p) || l.State != password.Pending || l.Version != was.Version || !l.Due().Equal(p.GoogleAt) {
				t.Errorf("operation %d, side %d: in the end the account %q and the password %+v", k, when, p.Google.ID, l)
			}
		}
		if !fired {
			if k < 4 {
				t.Errorf("%d operations were broken", k-1)
			}
			return
		}
	}
}
