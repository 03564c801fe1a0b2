package directorysync

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

var givenLabels = []string{"mail", "sales"}

// label gives everybody labels, as an admin does.
func (s *site) label() {
	s.t.Helper()
	for _, p := range s.people() {
		s.put(func(tx *record.Tx) error {
			p.Labels = givenLabels
			return tx.PutPerson(p)
		})
	}
}

// TestRun_KeepsLabels that admins gave, whatever a run writes of a person.
func TestRun_KeepsLabels(t *testing.T) {
	t.Parallel()
	const n = 12
	for _, mode := range []directory.Mode{directory.GoogleOnly, directory.LDAPOnly, directory.ReadOnly, directory.ReadWrite} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.writes()
			s.configure(func(c *directory.Config) { c.Guard.Population = 1000 })
			if mode == directory.ReadWrite {
				s.employ(0, n)
				s.must(s.ldap.Set(ldapDN(8), "givenName")) // no account until there is a name
			} else {
				s.fill(n)
			}
			for range 2 {
				wantRun(t, s.sync(), directory.Done, "")
			}
			s.label()
			before := s.people()
			// Renamed, moved, suspended, found, made, gone: at Google or in LDAP.
			if mode.UsesGoogle() {
				s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.FamilyName = "Other" }))
				s.must(s.google.Edit(mail(2), func(u *workspacetest.User) { u.Suspended = true }))
				s.google.Remove(mail(3))
			}
			if mode.UsesLDAP() {
				s.must(s.ldap.Set(ldapDN(4), "sn", "Other"))
				s.must(s.ldap.Set(ldapDN(5), "mail", "moved@"+domain))
				s.must(s.ldap.Delete(ldapDN(6)))
				s.must(s.ldap.Set(ldapDN(8), "givenName", "Other"))
			}
			s.clock.Advance(time.Hour)
			r := s.sync()
			wantRun(t, r, directory.Done, "")
			rewritten := 0
			for m, p := range s.people() {
				if !slices.Equal(p.Labels, givenLabels) {
					t.Errorf("%s (%s) has the labels %v", m, p.State, p.Labels)
				}
				if was, ok := before[m]; !ok || !p.UpdatedAt.Equal(was.UpdatedAt) {
					rewritten++
				}
			}
			if rewritten < 3 {
				t.Errorf("%d people are written anew: %v", rewritten, r.Counts.Done)
			}
			t.Logf("done %v", r.Counts.Done)
		})
	}
}

// TestRefresh_KeepsLabels through a notification, a departure and a return.
func TestRefresh_KeepsLabels(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	id := b.user("anna@example.com")
	b.told(id)
	b.put(func(tx *record.Tx) error {
		p, err := tx.Person(person.KeyOf("acme", id))
		if err != nil {
			return err
		}
		p.Labels = givenLabels
		return tx.PutPerson(p)
	})
	for _, suspended := range []bool{true, false} {
		b.advance(time.Hour)
		b.edit(id, func(u *workspacetest.User) { u.Suspended, u.FamilyName = suspended, "Other" })
		b.told(id)
		p := b.person(id)
		if want := map[bool]person.State{true: person.Disabled, false: person.Active}[suspended]; p.State != want || !slices.Equal(p.Labels, givenLabels) {
			t.Errorf("%s with the labels %v", p.State, p.Labels)
		}
	}
}
