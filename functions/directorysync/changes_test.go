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

// TestRename_KeepsThePerson: a new address is the same person's, whoever's it was.
func TestRename_KeepsThePerson(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.fill(5)
			s.sync()
			before := s.person(mail(1))
			renamed := "new.name@" + domain
			if s.google != nil {
				s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.PrimaryEmail = renamed }))
			}
			if s.ldap != nil {
				s.must(s.ldap.Set(ldapDN(1), "mail", renamed))
			}
			r := s.sync()
			wantRun(t, r, directory.Done, "")
			after := s.person(renamed)
			if after.Key != before.Key || after.State != person.Active || after.Google.ID != before.Google.ID {
				t.Errorf("was %+v, is %+v", before, after)
			}
			if after.Google.ID != "" && after.Google.Mail != renamed {
				t.Errorf("the account is %q, want %q", after.Google.Mail, renamed)
			}
			if r.Counts.Done[directory.Update] != 1 || r.Counts.Absent != 0 {
				t.Errorf("counts are %+v, want one update and nobody absent", r.Counts)
			}
			if len(s.people()) != s.everyone(5) {
				t.Errorf("%d people, want %d", len(s.people()), s.everyone(5))
			}
		})
	}
}

// TestLeaver_D10_LosesAccessAndReturns: a person who is confirmed to be gone loses
// access, keeps the row, and gets access back with it.
func TestLeaver_D10_LosesAccessAndReturns(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.fill(5)
			s.sync()
			was := s.person(mail(2))
			leave, comeBack := s.leaver(2)
			leave()
			r := s.sync()
			wantRun(t, r, directory.Done, "")
			p := s.person(mail(2))
			if p.State != person.Leaving || p.Key != was.Key || !p.DeleteAt.Equal(s.clock.Now().Add(s.config.Leavers.Grace())) {
				t.Errorf("the leaver is %+v", p)
			}
			if len(s.settles) != 1 || !slices.Equal(s.settles[0].People, []string{p.Key}) {
				t.Errorf("to be settled: %+v, want %s alone", s.settles, p.Key)
			}
			if got := s.actions("person:" + p.Key); !slices.Equal(got, []string{"person.leave by " + actor}) {
				t.Errorf("the trail tells %q", got)
			}
			if r := s.sync(); r.Parts != 0 {
				t.Errorf("the next run does %v", s.plan(r))
			}
			comeBack()
			r = s.sync()
			p = s.person(mail(2))
			if p.State != person.Active || p.Key != was.Key || !p.DeleteAt.IsZero() || r.Counts.Done[directory.Return] != 1 {
				t.Errorf("back is %+v, done %v", p, r.Counts.Done)
			}
		})
	}
}

// leaver returns what makes person i leave the primary directory, and come back
// with the same id.
func (s *site) leaver(i int) (leave, comeBack func()) {
	if s.config.Mode == directory.GoogleOnly {
		u, _ := s.google.UserOf(mail(i))
		client, err := s.engine.Google(s.t.Context(), directory.Config{Enterprise: acme, Mode: directory.ReadWrite, Google: s.config.Google})
		s.must(err)
		return func() { s.google.Remove(u.ID) }, func() { s.must(client.Undelete(s.t.Context(), u.ID, "/")) }
	}
	e := ldapPerson(i)
	e.Attributes["entryUUID"] = []string{s.ldap.ID(ldapDN(i))}
	return func() { s.must(s.ldap.Delete(ldapDN(i))) }, func() { s.must(s.ldap.Add(e)) }
}

func (s *site) actions(target string) []string {
	var out []string
	for _, r := range s.trail() {
		if r.Target == target {
			out = append(out, r.Action+" by "+r.Actor)
		}
	}
	slices.Sort(out)
	return out
}

// TestDisabled_D10_IsWithdrawnAndEnabledAgain: the directory's lock is heeded in
// both directions.
func TestDisabled_D10_IsWithdrawnAndEnabledAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	s.fill(3)
	s.sync()
	lock := func(on bool) { s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = on })) }
	lock(true)
	r := s.sync()
	if p := s.person(mail(1)); p.State != person.Disabled || r.Counts.Done[directory.Disable] != 1 {
		t.Errorf("the locked person is %s, done %v", p.State, r.Counts.Done)
	}
	lock(false)
	r = s.sync()
	p := s.person(mail(1))
	if p.State != person.Active || r.Counts.Done[directory.Enable] != 1 {
		t.Errorf("the unlocked person is %s, done %v", p.State, r.Counts.Done)
	}
	want := []string{"person.disable by " + actor, "person.enable by " + actor}
	if got := s.actions("person:" + p.Key); !slices.Equal(got, want) {
		t.Errorf("the trail tells %q, want %q", got, want)
	}
}

// TestHiddenStatus_ChangesNothing: that Google leaves out whether an account is
// suspended neither withdraws nor grants anything.
func TestHiddenStatus_ChangesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []directory.Mode{directory.GoogleOnly, directory.ReadOnly} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.fill(3)
			s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = true }))
			s.sync()
			before := s.people()
			for i := range 3 {
				s.google.HideStatus(mail(i), true)
			}
			wantRun(t, s.sync(), directory.Done, "")
			for m, p := range s.people() {
				if p.State != before[m].State || p.Google.Suspended != before[m].Google.Suspended {
					t.Errorf("%s was %s %q, is %s %q", m, before[m].State, before[m].Google.Suspended, p.State, p.Google.Suspended)
				}
			}
			if len(s.settles) > 1 {
				t.Errorf("to be settled: %+v", s.settles)
			}
		})
	}
}

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
