package directorysync

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// quarantined is a site whose run waits: of 200 people 60 left, two are new and one
// has another name.
func quarantined(t *testing.T, mode directory.Mode) (*site, directory.Run) {
	t.Helper()
	s := newSite(t, mode, options{})
	s.fill(200)
	s.sync()
	for i := range 60 {
		leave, _ := s.leaver(i)
		leave()
	}
	s.fillFrom(300, 2)
	if s.ldap != nil {
		s.must(s.ldap.Set(ldapDN(100), "sn", "Renamed"))
	} else {
		s.must(s.google.Edit(mail(100), func(u *workspacetest.User) { u.FamilyName = "Renamed" }))
	}
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachDrop)
	if _, there := s.people()[mail(300)]; there || s.states()[person.Active] != s.everyone(200) {
		t.Error("a quarantined run changed something")
	}
	plan := s.plan(r)
	if len(plan) != 63 || r.Counts.Withdraws != 60 || r.Counts.Absent != 60 || r.Counts.Planned[directory.Add] != 2 {
		t.Errorf("%d items, counts %+v", len(plan), r.Counts)
	}
	return s, r
}

func (s *site) fillFrom(first, n int) {
	if s.google != nil {
		s.hire(first, n)
	}
	if s.ldap != nil {
		s.employ(first, n)
	}
}

// decide lets an admin decide and returns the run afterwards.
func (s *site) decide(op directory.Op, run string, additionsOnly bool) directory.Run {
	s.t.Helper()
	s.clock.Advance(time.Hour)
	s.command(directory.Command{Op: op, Run: run, AdditionsOnly: additionsOnly})
	s.deliver()
	return s.run(run)
}

// TestQuarantine_D5_AdminDecides: what an admin says of the plan is what happens.
func TestQuarantine_D5_AdminDecides(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		all := (&site{config: directory.Config{Mode: mode}}).everyone(200)
		for _, tc := range []struct {
			name      string
			op        directory.Op
			additions bool
			phase     directory.Phase
			states    map[person.State]int
			actor     string
		}{
			{"approve", directory.Approve, false, directory.Done, map[person.State]int{person.Active: all - 58, person.Leaving: 60}, ada},
			{"additions only", directory.Approve, true, directory.Done, map[person.State]int{person.Active: all - 58, person.Missing: 60}, ada},
			{"reject", directory.Reject, false, directory.Rejected, map[person.State]int{person.Active: all}, ada},
		} {
			t.Run(string(mode)+" "+tc.name, func(t *testing.T) {
				t.Parallel()
				s, r := quarantined(t, mode)
				if got := s.schedule(); got.ID != r.ID {
					t.Errorf("a schedule began run %s while one waits", got.ID)
				}
				r = s.decide(tc.op, r.ID, tc.additions)
				reason := ""
				if tc.phase == directory.Rejected {
					reason = directory.BreachDrop // for which it had waited
				}
				wantRun(t, r, tc.phase, reason)
				if diff := cmp.Diff(tc.states, s.states()); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
				if d := r.Decision; d == nil || d.By != ada || d.AdditionsOnly != tc.additions {
					t.Errorf("the decision is %+v", d)
				}
				trail := s.actions("run:" + r.ID)
				verb := map[directory.Op]string{directory.Approve: "directory.approve", directory.Reject: "directory.reject"}[tc.op]
				if !slices.Contains(trail, verb+" by "+ada) || !slices.Contains(trail, "directory.quarantine by "+actor) ||
					!slices.Contains(trail, "directory.start by "+ada) {
					t.Errorf("the trail tells %q", trail)
				}
				if tc.op == directory.Approve && !tc.additions {
					p := s.person(mail(1))
					if got := s.actions("person:" + p.Key); !slices.Equal(got, []string{"person.leave by " + ada}) {
						t.Errorf("the trail of a leaver tells %q", got)
					}
				}
				// A second decision comes too late.
				s.command(directory.Command{Op: directory.Approve, Run: r.ID})
				e, _ := s.next()
				if err := s.engine.Handle(t.Context(), e); err != nil && fault.KindOf(err) != fault.Conflict {
					t.Errorf("deciding again: %v", err)
				}
				if got := s.run(r.ID); got.Phase != tc.phase {
					t.Errorf("deciding again makes it %s", got.Phase)
				}
				if tc.additions {
					// Those who were kept are looked at by the next run.
					if next := s.sync(); next.Counts.Absent != 60 {
						t.Errorf("the next run finds %d absent, want 60", next.Counts.Absent)
					}
				}
			})
		}
	}
}

// TestQuarantine_IsSuperseded: by an admin's new run at once, by a schedule's after
// a day.
func TestQuarantine_IsSuperseded(t *testing.T) {
	t.Parallel()
	t.Run("admin", func(t *testing.T) {
		t.Parallel()
		s, r := quarantined(t, directory.LDAPOnly)
		for i := range 60 {
			s.employ(i, 1) // under new ids
		}
		next := s.sync()
		if got := s.run(r.ID); got.Phase != directory.Superseded || next.ID == r.ID {
			t.Errorf("the first is %s", got.Phase)
		}
		if s.decide(directory.Approve, r.ID, false); s.run(r.ID).Phase != directory.Superseded {
			t.Error("a superseded run was approved")
		}
	})
	t.Run("schedule", func(t *testing.T) {
		t.Parallel()
		s, r := quarantined(t, directory.LDAPOnly)
		s.clock.Advance(patience)
		next := s.schedule()
		wantRun(t, next, directory.Quarantined, directory.BreachDrop)
		if got := s.run(r.ID); got.Phase != directory.Superseded || next.ID == r.ID {
			t.Errorf("the first is %s", got.Phase)
		}
	})
}

// TestIncomplete_D5_ApprovedRemovesNobody: what was read in part can add and change.
func TestIncomplete_D5_ApprovedRemovesNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.LDAPOnly, options{})
	s.fill(20)
	s.sync()
	s.employ(20, 1)
	s.must(s.ldap.Delete(ldapDN(3)))
	s.must(s.ldap.Set(ldapDN(0), "sn", "Renamed"))
	s.ldap.SetFaults(ldaptest.Faults{Result: 10})
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachIncomplete)
	r = s.decide(directory.Approve, r.ID, false)
	wantRun(t, r, directory.Done, "")
	st := s.states()
	if st[person.Leaving]+st[person.Gone]+st[person.Disabled] > 0 {
		t.Errorf("states are %v", st)
	}
	s.ldap.SetFaults(ldaptest.Faults{})
	wantRun(t, s.sync(), directory.Done, "")
	if diff := cmp.Diff(map[person.State]int{person.Active: 20, person.Leaving: 1}, s.states()); diff != "" {
		t.Errorf("after a whole run (-want +got):\n%s", diff)
	}
}

// TestUnidentified_D8_StopsNobody: while there are entries without an id the rest
// goes on, and nobody's absence means anything.
func TestUnidentified_D8_StopsNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.LDAPOnly, options{})
	s.fill(5)
	// The id of the mapping is one that an entry may lack.
	s.configure(func(c *directory.Config) { c.LDAP.Attributes.ID = "employeeNumber" })
	for i := range 5 {
		s.must(s.ldap.Set(ldapDN(i), "employeeNumber", mail(i)))
	}
	s.sync()
	s.must(s.ldap.Set(ldapDN(1), "employeeNumber"))
	s.must(s.ldap.Set(ldapDN(2), "sn", "Renamed"))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Incomplete != directory.IncompleteUnidentified || r.Counts.Done[directory.Update] != 1 {
		t.Errorf("incomplete %q, done %v", r.Incomplete, r.Counts.Done)
	}
	if p := s.person(mail(1)); p.State != person.Missing {
		t.Errorf("who has no id any more is %s", p.State)
	}
	if !slices.ContainsFunc(r.Problems, func(p directory.Problem) bool { return p.Reason == ldap.ProblemNoID }) {
		t.Errorf("the problems are %v", r.Problems)
	}
	s.must(s.ldap.Set(ldapDN(1), "employeeNumber", mail(1)))
	s.sync()
	if p := s.person(mail(1)); p.State != person.Active {
		t.Errorf("who has an id again is %s", p.State)
	}
}
