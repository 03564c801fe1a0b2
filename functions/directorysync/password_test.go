package directorysync

import (
	"context"
	"slices"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// givenUp returns a person's password row that failed for a reason.
func givenUp(key, reason string) password.Ledger {
	return password.Ledger{Enterprise: acme, Person: key, State: password.Failed, Version: 3, Begun: noon, Sealed: "sealed",
		Length: 16, Attempts: 2, Leases: 9, Reason: reason, Last: "google-not-found", LastAt: noon, Accepted: 2, UpdatedAt: noon}
}

// giveUp makes everybody's password one that failed for a reason.
func (s *site) giveUp(reason string) {
	s.t.Helper()
	for _, p := range s.people() {
		s.put(func(tx *record.Tx) error { return tx.PutPassword(givenUp(p.Key, reason)) })
	}
}

func (s *site) password(p person.Person) password.Ledger {
	s.t.Helper()
	l, err := s.db.Password(context.Background(), acme, p.Key)
	s.must(err)
	return l
}

// offered reports whether the password is offered anew: due by now, the same version,
// with all its attempts. Anything else must be the row as it was given up.
func (s *site) offered(p person.Person, reason string) bool {
	s.t.Helper()
	l, was := s.password(p), givenUp(p.Key, reason)
	if l == was {
		return false
	}
	if l.State != password.Pending || l.Version != was.Version || l.Sealed != was.Sealed || l.Attempts != 0 || l.Leases != was.Leases ||
		l.Due().IsZero() || l.Due().After(s.clock.Now()) {
		s.t.Errorf("the password of %s is %+v", p.Entry.Mail, l)
	}
	return true
}

// hasAccount is when a password may be offered that Google knew nobody for.
func hasAccount(p person.Person) bool { return p.Google.ID != "" && !p.Google.Deleted }

// TestAppeared_W6_InARun: passwords that were given up because Google had no account
// are offered again by the run that finds or makes the account, and no others are.
func TestAppeared_W6_InARun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode   directory.Mode
		before func(*site)
		change func(*site)
		reason string
		want   []string
	}{
		"found":                       {directory.ReadOnly, nil, func(s *site) { s.hire(1, 2) }, password.ReasonUnknownPerson, []string{mail(1), mail(2)}},
		"given up for another reason": {directory.ReadOnly, nil, func(s *site) { s.hire(1, 2) }, "workspace-password", nil},
		"another account": {directory.ReadOnly, func(s *site) { s.hire(1, 1) }, func(s *site) {
			s.google.Remove(mail(1))
			s.hire(1, 1)
		}, password.ReasonUnknownPerson, []string{mail(1)}},
		"changed": {directory.ReadOnly, func(s *site) { s.hire(0, 4) }, func(s *site) {
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.FamilyName = "Other" }))
			s.must(s.ldap.Set(ldapDN(2), "sn", "Other"))
			s.google.Remove(mail(3))
		}, password.ReasonUnknownPerson, nil},
		"made": {directory.ReadWrite, func(s *site) { s.must(s.ldap.Set(ldapDN(1), "givenName")) },
			func(s *site) { s.must(s.ldap.Set(ldapDN(1), "givenName", "Given")) }, password.ReasonUnknownPerson, []string{mail(1)}},
		"restored": {directory.ReadWrite, nil, func(s *site) { s.google.Remove(mail(1)) }, password.ReasonUnknownPerson, []string{mail(1)}},
		"back in Google alone": {directory.GoogleOnly, func(s *site) {
			s.hire(0, 2)
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = true }))
		}, func(s *site) {
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = false }))
		}, password.ReasonUnknownPerson, []string{mail(1)}},
		// Nobody has settled the person meanwhile, and nobody has to after it.
		"back in Google alone, after being away": {directory.GoogleOnly, func(s *site) {
			s.hire(0, 2)
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = true }))
		}, func(s *site) {
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = false }))
		}, password.ReasonPersonAway, []string{mail(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.mode, options{})
			s.writes()
			if tc.mode.UsesLDAP() {
				s.employ(0, 4)
			}
			if tc.before != nil {
				tc.before(s)
			}
			wantRun(t, s.sync(), directory.Done, "")
			wantRun(t, s.sync(), directory.Done, "") // which lists what the first one made
			s.giveUp(tc.reason)
			tc.change(s)
			wantRun(t, s.sync(), directory.Done, "")
			var got []string
			for m, p := range s.people() {
				if s.offered(p, tc.reason) {
					got = append(got, m)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("the passwords of %v are offered again, want %v", got, tc.want)
			}
		})
	}
}

// TestAppeared_W4_AnAccountThatWasMadeAnew has no password of the one before: what that
// one accepted is offered to it, the same version, and nobody else's.
func TestAppeared_W4_AnAccountThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.employ(0, 3)
	s.hire(0, 3)
	wantRun(t, s.sync(), directory.Done, "")
	for _, p := range s.people() {
		l := givenUp(p.Key, "")
		l.State, l.Attempts, l.Last, l.SetAt, l.Accepted, l.Account = password.Active, 0, "", noon, l.Version, p.Google.ID
		s.put(func(tx *record.Tx) error { return tx.PutPassword(l) })
	}
	s.google.Remove(mail(1))
	s.hire(1, 1)
	s.must(s.google.Edit(mail(2), func(u *workspacetest.User) { u.FamilyName = "Other" }))
	wantRun(t, s.sync(), directory.Done, "")
	for m, p := range s.people() {
		l := s.password(p)
		switch {
		case m != mail(1) && (!l.Usable() || l.Account != p.Google.ID):
			t.Errorf("%s: %+v", m, l)
		case m == mail(1) && (l.State != password.Pending || l.Version != 3 || l.Sealed != "sealed" || l.Due().IsZero() || l.Due().After(s.clock.Now())):
			t.Errorf("%s has another Google account, and the password is %+v", m, l)
		}
	}
}

// TestAppeared_D8_DespiteADamagedRow: a password's row that cannot be read stops
// nothing that is done for the person.
func TestAppeared_D8_DespiteADamagedRow(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.employ(0, 2)
	s.sync()
	s.giveUp(password.ReasonUnknownPerson)
	s.must(s.driver.Update(t.Context(), func(tx storeTxn) error {
		return tx.Put(document(record.Passwords, s.person(mail(0)).Key, `{"version":"3"}`))
	}))
	s.hire(0, 2)
	wantRun(t, s.sync(), directory.Done, "")
	if p := s.person(mail(0)); !hasAccount(p) || len(p.Problems) > 0 {
		t.Errorf("the person whose password is damaged has the account %+v, problems %v", p.Google, p.Problems)
	}
	if p := s.person(mail(1)); !s.offered(p, password.ReasonUnknownPerson) {
		t.Error("another's password is not offered again")
	}
}

// TestAppeared_D4_CostsNothingAtFirst: who is new has no password, so a first import
// reads none, and neither does a run without changes; an account that Rollcall makes
// costs one read.
func TestAppeared_D4_CostsNothingAtFirst(t *testing.T) {
	t.Parallel()
	const people = 60
	for mode, want := range map[directory.Mode]int{
		directory.GoogleOnly: 0, directory.LDAPOnly: 0, directory.ReadOnly: 0, directory.ReadWrite: people,
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			d := newTallying(t)
			s := newSite(t, mode, options{plain: true, driver: d})
			if mode == directory.ReadWrite {
				s.writes()
				s.employ(0, people)
			} else {
				s.fill(people)
			}
			wantRun(t, s.sync(), directory.Done, "")
			if n := len(s.people()); n < people || d.reads[record.People] < people {
				t.Fatalf("%d people, %d reads of them", n, d.reads[record.People])
			}
			if n := d.reads[record.Passwords]; n != want {
				t.Errorf("the first run reads %d passwords, want %d", n, want)
			}
			wantRun(t, s.sync(), directory.Done, "")
			if n := d.reads[record.Passwords]; n != want {
				t.Errorf("a run without changes reads %d passwords", n-want)
			}
			if n := d.writes[record.Passwords]; n != 0 {
				t.Errorf("%d passwords are written", n)
			}
		})
	}
}
