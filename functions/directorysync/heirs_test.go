package directorysync

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// byLogin returns the people with a user id, who is there and who left.
func (s *site) byLogin(login string) (here, left person.Person) {
	s.t.Helper()
	for _, p := range s.people() {
		switch {
		case p.Entry.Login != login:
		case departed(p):
			left = p
		default:
			here = p
		}
	}
	return here, left
}

// TestHeir_D1_GetsTheAccount: who has a leaver's address is who the account is
// joined with where nobody changes accounts, however soon they came; and the leaver
// takes nothing back, but for what is nobody else's.
func TestHeir_D1_GetsTheAccount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		// between is what happens before the heir comes.
		between func(*site)
	}{
		{"at once", func(*site) {}},
		{"later", func(s *site) { s.sync(); s.sync() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, directory.ReadOnly, options{})
			s.fill(4)
			s.sync()
			account := s.person(mail(1)).Google
			leave, _ := s.leaver(1)
			leave()
			tc.between(s)
			s.employ(1, 1) // under a new id
			wantRun(t, s.sync(), directory.Done, "")
			wantRun(t, s.sync(), directory.Done, "")
			heir, left := s.byLogin("u00001")
			if heir.State != person.Active || heir.Google.ID != account.ID || len(heir.Problems) > 0 {
				t.Errorf("the heir is %+v, want the account %s", heir, account.ID)
			}
			if left.State != person.Leaving || left.Google.ID != "" {
				t.Errorf("the leaver is %+v", left)
			}
			if r := s.sync(); r.Parts != 0 {
				t.Errorf("the next run does %v", s.plan(r))
			}
		})
	}
}

// TestHeir_D8_OfSeveralNobody: of two who have a leaver's address neither gets the
// account, and who comes back meanwhile keeps it.
func TestHeir_D8_OfSeveralNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(4)
	s.sync()
	account := s.person(mail(1)).Google
	leave, comeBack := s.leaver(1)
	leave()
	for i := range 2 {
		twin := ldapPerson(77 + i)
		twin.Attributes["mail"] = []string{mail(1)}
		s.must(s.ldap.Add(twin))
	}
	for range 3 {
		wantRun(t, s.sync(), directory.Done, "")
	}
	for _, login := range []string{"u00077", "u00078"} {
		if p, _ := s.byLogin(login); p.Google.ID != "" {
			t.Errorf("%s is joined while two have the address", login)
		}
	}
	comeBack()
	s.must(s.ldap.Delete(ldapDN(77)))
	s.must(s.ldap.Delete(ldapDN(78)))
	for range 2 {
		wantRun(t, s.sync(), directory.Done, "")
	}
	if p, _ := s.byLogin("u00001"); p.State != person.Active || p.Google.ID != account.ID {
		t.Errorf("who is back is %+v", p)
	}
}

// TestHeir_D2_ReadWriteHandsNothingOn: where Rollcall changes accounts, a leaver's
// stays the leaver's, to be closed and deleted as policy says.
func TestHeir_D2_ReadWriteHandsNothingOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadWrite, options{})
	s.engine.Accounts = nobody{}
	s.fill(4)
	s.sync()
	account := s.person(mail(1)).Google
	leave, _ := s.leaver(1)
	leave()
	s.employ(1, 1)
	for range 3 {
		wantRun(t, s.sync(), directory.Done, "")
	}
	heir, left := s.byLogin("u00001")
	if heir.Google.ID != "" || left.Google.ID != account.ID {
		t.Errorf("the heir has the account %q, the leaver %q", heir.Google.ID, left.Google.ID)
	}
}
