package directorysync

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestDryRun_D6_IsTheRun: a plan is what the run then does, and changes nothing.
func TestDryRun_D6_IsTheRun(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			s.fill(30)
			s.sync()
			someChangesIn(s, 29)
			before, stateBefore := s.people(), s.state()
			dry := s.start(directory.DryRun, false)
			wantRun(t, dry, directory.Done, "")
			if diff := cmp.Diff(before, s.people()); diff != "" {
				t.Errorf("a plan changed people:\n%s", diff)
			}
			after := s.state()
			after.Fence = stateBefore.Fence
			if diff := cmp.Diff(stateBefore, after); diff != "" {
				t.Errorf("a plan changed the state:\n%s", diff)
			}
			planned := s.plan(dry)
			r := s.start(directory.Sync, false)
			wantRun(t, r, directory.Done, "")
			if diff := cmp.Diff(dry.Counts.Planned, r.Counts.Planned); diff != "" {
				t.Errorf("planned (-dry +run):\n%s", diff)
			}
			if diff := cmp.Diff(r.Counts.Planned, r.Counts.Done); diff != "" {
				t.Errorf("done (-planned +done):\n%s", diff)
			}
			for name, it := range s.plan(r) {
				if diff := cmp.Diff(planned[name].Steps, it.Steps); diff != "" || it.Outcome != directory.Applied {
					t.Errorf("%s is %s (-dry +run):\n%s", name, it.Outcome, diff)
				}
			}
			if len(planned) == 0 || len(planned) != len(s.plan(r)) {
				t.Errorf("%d planned, %d done", len(planned), len(s.plan(r)))
			}
		})
	}
}

// someChangesIn is someChanges among n people.
func someChangesIn(s *site, n int) {
	if s.google != nil {
		s.must(s.google.Edit(mail(3), func(u *workspacetest.User) { u.FamilyName = "Other" }))
		s.must(s.google.Edit(mail(4), func(u *workspacetest.User) { u.Suspended = true }))
		s.google.Remove(mail(5))
		s.hire(n+1, 2)
	}
	if s.ldap != nil {
		s.must(s.ldap.Set(ldapDN(6), "mail", "moved@"+domain))
		s.must(s.ldap.Delete(ldapDN(7)))
		s.employ(n+1, 2)
	}
}

// TestDryRun_D6_ShowsWhatWouldWait: beyond the guard a plan ends as the run would:
// with its breaches, and nobody asked for one by one.
func TestDryRun_D6_ShowsWhatWouldWait(t *testing.T) {
	t.Parallel()
	s, r := quarantined(t, directory.GoogleOnly)
	gets := s.google.Faults.Calls(getUser)
	dry := s.start(directory.DryRun, false)
	wantRun(t, dry, directory.Done, "")
	if diff := cmp.Diff(r.Breaches, dry.Breaches); diff != "" {
		t.Errorf("breaches (-run +plan):\n%s", diff)
	}
	if n := s.google.Faults.Calls(getUser) - gets; n > 0 {
		t.Errorf("%d users were asked for", n)
	}
}
