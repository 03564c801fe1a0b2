package directorysync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestSharedMail_D8_NewAccountIsNobodys: an account that appears with the address of
// two people is neither's, though LDAP tells nothing new.
func TestSharedMail_D8_NewAccountIsNobodys(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.employ(0, 3)
	twin := ldapPerson(77)
	twin.Attributes["mail"] = []string{mail(1)}
	s.must(s.ldap.Add(twin))
	s.sync()
	s.hire(1, 1)
	wantRun(t, s.sync(), directory.Done, "")
	shared := 0
	for _, p := range s.people() {
		if p.Entry.Mail != mail(1) {
			continue
		}
		shared++
		if p.Google.ID != "" || len(p.Problems) != 1 || p.Problems[0] != directory.ProblemSharedMail {
			t.Errorf("%s has the account %q and the problems %v", p.Entry.Login, p.Google.ID, p.Problems)
		}
	}
	if shared != 2 {
		t.Errorf("%d people have the address, want 2", shared)
	}
}

// TestAccount_D1_DeletedAndMadeAnew: between two runs somebody deletes an account
// and makes another with its address. The person gets the new one once Google says
// that the old one is gone, and not before.
func TestAccount_D1_DeletedAndMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(3)
	s.sync()
	old := s.person(mail(1)).Google.ID
	s.google.Remove(mail(1))
	s.hire(1, 1)
	anew, _ := s.google.UserOf(mail(1))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if g := s.person(mail(1)).Google; anew.ID == old || g.ID != anew.ID || g.Deleted {
		t.Errorf("the account is %+v, want %s in place of %s", g, anew.ID, old)
	}
	if r := s.sync(); r.Parts != 0 {
		t.Errorf("the next run does %v", s.plan(r))
	}
}

// TestApproval_D5_AsksOnceMore: what a plan would take is asked for again when it is
// let through, for by then it may be old.
func TestApproval_D5_AsksOnceMore(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			if s.ldap != nil {
				s.configure(func(c *directory.Config) { c.LDAP.Attributes.Disabled = "employeeType" })
			}
			s.fill(6)
			s.configure(func(c *directory.Config) { c.Guard.Withdraw.Count = 1 })
			wantRun(t, s.sync(), directory.Done, "")
			lock := func(i int, on bool) {
				if mode == directory.GoogleOnly {
					s.must(s.google.Edit(mail(i), func(u *workspacetest.User) { u.Suspended = on }))
				} else if on {
					s.must(s.ldap.Set(ldapDN(i), "employeeType", "locked"))
				} else {
					s.must(s.ldap.Set(ldapDN(i), "employeeType"))
				}
			}
			for i := range 4 {
				lock(i, true)
			}
			r := s.sync()
			wantRun(t, r, directory.Quarantined, directory.BreachWithdraw)
			for i := 1; i < 4; i++ {
				lock(i, false)
			}
			s.clock.Advance(5 * time.Hour)
			wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
			for i := range 4 {
				want := person.Active
				if i == 0 {
					want = person.Disabled
				}
				if p := s.person(mail(i)); p.State != want {
					t.Errorf("%d is %s, want %s", i, p.State, want)
				}
			}
			if n := s.run(r.ID).Counts.Done[directory.Disable]; n != 1 {
				t.Errorf("%d were disabled, want 1", n)
			}
			wantRun(t, s.sync(), directory.Done, "")
			if n := s.states()[person.Disabled]; n != 1 {
				t.Errorf("%d are disabled afterwards, want 1", n)
			}
		})
	}
}

// TestApproval_D5_SparesWhoIsBack: an account that was due for deletion is kept if
// its person came back while the plan waited.
func TestApproval_D5_SparesWhoIsBack(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 6)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30; c.Guard.Delete.Count = 1 })
	wantRun(t, s.sync(), directory.Done, "")
	var back []func()
	for i := range 3 {
		leave, ret := s.leaver(i)
		leave()
		back = append(back, ret)
	}
	wantRun(t, s.sync(), directory.Done, "")
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachDelete)
	back[1]()
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
	for i, gone := range []bool{true, false, true} {
		p := s.person(mail(i))
		if u, there := s.google.UserOf(mail(i)); p.Google.Deleted != gone || there == gone || there && u.Suspended {
			t.Errorf("%d is %s, deleted %v, there %v, suspended %v", i, p.State, p.Google.Deleted, there, u.Suspended)
		}
	}
}

// TestReadWrite_D2_KeptAfterAll: where leavers' accounts are no longer deleted, that
// holds for those who left before.
func TestReadWrite_D2_KeptAfterAll(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 3)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30 })
	s.sync()
	s.must(s.ldap.Delete(ldapDN(1)))
	s.sync()
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 0; c.Revision++ })
	s.clock.Advance(31 * 24 * time.Hour)
	wantRun(t, s.sync(), directory.Done, "")
	if u, ok := s.google.UserOf(mail(1)); !ok || !u.Suspended {
		t.Errorf("the leaver's account is there %v, suspended %v", ok, u.Suspended)
	}
}

// TestReadWrite_D2_AnotherAddressRenamesNobody: LDAP has no order among several
// addresses, so that one which comes to them, or sorts first, is no new name for an
// account that has another of them. One that is taken away is.
func TestReadWrite_D2_AnotherAddressRenamesNobody(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 2)
	s.sync()
	s.must(s.ldap.Set(ldapDN(1), "mail", mail(1), "aaa@"+domain))
	wantRun(t, s.sync(), directory.Done, "")
	if u, ok := s.google.UserOf(mail(1)); !ok || u.PrimaryEmail != mail(1) {
		t.Errorf("the account was renamed to %s", u.PrimaryEmail)
	}
	s.must(s.ldap.Set(ldapDN(1), "mail", "bbb@"+domain, "aaa@"+domain))
	wantRun(t, s.sync(), directory.Done, "")
	if u, _ := s.google.UserOf(mail(1)); u.PrimaryEmail != "aaa@"+domain {
		t.Errorf("the account is still called %s", u.PrimaryEmail)
	}
}

// TestIncremental_D5_NobodyIsLeft: changes that leave nobody are believed as little
// as a list of nobody, however few there were.
func TestIncremental_D5_NobodyIsLeft(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 3)
	wantRun(t, s.sync(), directory.Done, "")
	for i := range 3 {
		s.must(s.ldap.Delete(adUser(i)))
	}
	r := s.sync()
	if !r.Incremental {
		t.Error("the run is no incremental one")
	}
	wantRun(t, r, directory.Quarantined, directory.BreachEmpty)
}

// TestReadWrite_E5_TellsTheAuditor what became of whose account at Google, and at
// whose word.
func TestReadWrite_E5_TellsTheAuditor(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 3)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30; c.Guard.Delete.Count = 1 })
	s.sync()
	key := s.person(mail(1)).Key
	s.must(s.ldap.Set(ldapDN(1), "mail", "moved@"+domain))
	s.sync()
	for i := 1; i < 3; i++ {
		s.must(s.ldap.Delete(ldapDN(i)))
	}
	s.sync()
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
	want := []string{"google.create-account by " + actor, "google.delete-account by " + ada, "google.rename-account by " + actor,
		"google.suspend-account by " + actor, "person.leave by " + actor}
	if diff := cmp.Diff(want, s.actions("person:"+key)); diff != "" {
		t.Errorf("the trail (-want +got):\n%s", diff)
	}
}
