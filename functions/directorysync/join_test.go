package directorysync

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestSharedMail_D8_HarmsNobody: of two people with one address neither is joined
// or changed, both are told of, and when one gets another address all is well.
func TestSharedMail_D8_HarmsNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(4)
	s.sync()
	first := s.person(mail(1))
	twin := ldapPerson(77)
	twin.Attributes["mail"] = []string{strings.ToUpper(mail(1))}
	s.must(s.ldap.Add(twin))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	people := s.people()
	old, other := people[mail(1)], people[strings.ToUpper(mail(1))]
	if old.Google.ID != first.Google.ID || old.State != person.Active || other.Google.ID != "" || other.State != person.Active {
		t.Errorf("the first is %+v, the other %+v", old, other)
	}
	for _, p := range []person.Person{old, other} {
		if !slices.Equal(p.Problems, []string{directory.ProblemSharedMail}) {
			t.Errorf("%s has the problems %v", p.Entry.Login, p.Problems)
		}
	}
	if n := len(slices.DeleteFunc(r.Problems, func(p directory.Problem) bool { return p.Reason != directory.ProblemSharedMail })); n != 2 {
		t.Errorf("the run tells of %d, want 2", n)
	}
	if r := s.sync(); r.Parts != 0 {
		t.Errorf("the next run does %v", s.plan(r))
	}
	s.hire(77, 1)
	s.must(s.ldap.Set(ldapDN(77), "mail", mail(77)))
	s.sync()
	for _, m := range []string{mail(1), mail(77)} {
		if p := s.person(m); len(p.Problems) > 0 || p.Google.Mail != m {
			t.Errorf("%s: account %q, problems %v", m, p.Google.Mail, p.Problems)
		}
	}
}

// TestSharedMail_FreedAddressIsJoined: the account goes to whoever keeps the address,
// though nothing else about them or the account changed.
func TestSharedMail_FreedAddressIsJoined(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(3)
	twin := ldapPerson(77)
	twin.Attributes["mail"] = []string{mail(1)}
	s.must(s.ldap.Add(twin))
	s.sync()
	for name, p := range s.people() {
		if strings.HasPrefix(name, mail(1)) && p.Google.ID != "" {
			t.Errorf("%s is joined while two have the address", name)
		}
	}
	s.must(s.ldap.Delete(ldapDN(77)))
	s.sync()
	joined := 0
	for _, p := range s.people() {
		if p.Entry.Mail == mail(1) && p.State == person.Active {
			joined++
			if p.Google.Mail != mail(1) || len(p.Problems) > 0 {
				t.Errorf("account %q, problems %v", p.Google.Mail, p.Problems)
			}
		}
	}
	if joined != 1 {
		t.Errorf("%d people keep the address, want 1", joined)
	}
}

// TestMailCase_IsOneMailbox: LDAP and Google may write an address in different
// letters.
func TestMailCase_IsOneMailbox(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(2)
	s.must(s.ldap.Set(ldapDN(1), "mail", "U00001@Example.COM"))
	s.sync()
	if p := s.person("U00001@Example.COM"); p.Google.Mail != mail(1) || len(p.Problems) > 0 {
		t.Errorf("joined with %q, problems %v", p.Google.Mail, p.Problems)
	}
}

// TestExcluded_D9_AreAsThoughNotListed: rules leave people out, and who is left out
// later loses access like one who left.
func TestExcluded_D9_AreAsThoughNotListed(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.configure(func(c *directory.Config) { c.Exclude.Mails = []string{strings.ToUpper(mail(0)), boss} })
			s.fill(4)
			r := s.sync()
			if _, ok := s.people()[mail(0)]; ok || len(s.people()) != 3 || r.Counts.Excluded == 0 {
				t.Errorf("%d people, %d excluded", len(s.people()), r.Counts.Excluded)
			}
			s.configure(func(c *directory.Config) { c.Exclude.Mails = append(c.Exclude.Mails, mail(1)); c.Revision++ })
			s.sync()
			if p := s.person(mail(1)); p.State != person.Leaving {
				t.Errorf("who is left out is %s", p.State)
			}
			if diff := cmp.Diff(map[person.State]int{person.Active: 2, person.Leaving: 1}, s.states()); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrgUnit_D9_LimitsGoogle: who moves out of the units is out of scope.
func TestOrgUnit_D9_LimitsGoogle(t *testing.T) {
	t.Parallel()
	for _, units := range [][]string{{"/staff"}, {"/staff", "/board"}} {
		t.Run(strings.Join(units, " "), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, directory.GoogleOnly, options{})
			s.configure(func(c *directory.Config) { c.Google.OrgUnits = units })
			s.fill(4)
			for i, unit := range []string{"/staff", "/staff/berlin", "/students", "/staff"} {
				s.google.AddOrgUnit(s.customer, unit)
				s.must(s.google.Edit(mail(i), func(u *workspacetest.User) { u.OrgUnitPath = unit }))
			}
			s.sync()
			if len(s.people()) != 3 {
				t.Fatalf("%d people, want 3", len(s.people()))
			}
			s.must(s.google.Edit(mail(3), func(u *workspacetest.User) { u.OrgUnitPath = "/students" }))
			s.sync()
			if p := s.person(mail(3)); p.State != person.Leaving {
				t.Errorf("who moved away is %s", p.State)
			}
		})
	}
}

// TestAccounts_D1_ComeAndGoBesideLDAP: an account that appears is joined, one that
// is deleted is known to be, and the person stays.
func TestAccounts_D1_ComeAndGoBesideLDAP(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.employ(0, 3)
	s.hire(0, 2)
	s.sync()
	if p := s.person(mail(2)); p.Google.ID != "" || p.State != person.Active {
		t.Errorf("without an account: %+v", p)
	}
	s.hire(2, 1)
	s.google.Remove(mail(1))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if p := s.person(mail(2)); p.Google.Mail != mail(2) {
		t.Errorf("the new account is not joined: %+v", p.Google)
	}
	if p := s.person(mail(1)); !p.Google.Deleted || p.State != person.Active {
		t.Errorf("the deleted account is %+v of a person %s", p.Google, p.State)
	}
	if r.Counts.GoogleAbsent != 1 || r.Counts.Done[directory.Link] != 1 || r.Counts.Done[directory.Unlink] != 1 {
		t.Errorf("counts are %+v", r.Counts)
	}
}
