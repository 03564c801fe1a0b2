package directorysync

import (
	"slices"
	"testing"

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
