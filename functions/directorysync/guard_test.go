package directorysync

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// access counts people by the access they have.
func (s *site) access() map[person.Access]int {
	out := map[person.Access]int{}
	for st, n := range s.states() {
		out[st.Access()] += n
	}
	return out
}

// TestLies_D5_TakeNothing: whatever a directory leaves out, hides or refuses,
// nobody loses anything, and the run says why it is not believed.
func TestLies_D5_TakeNothing(t *testing.T) {
	t.Parallel()
	const n = 620
	for _, tc := range []struct {
		name   string
		mode   directory.Mode
		lie    func(*site)
		phase  directory.Phase
		reason string
	}{
		{"Google lists nobody", directory.GoogleOnly, func(s *site) {
			s.google.FailLists(workspacetest.ListFault{Mode: workspacetest.EmptyList})
		}, directory.Quarantined, directory.BreachEmpty},
		{"Google loses the tail", directory.GoogleOnly, func(s *site) {
			s.google.FailLists(workspacetest.ListFault{Mode: workspacetest.LostTail, Times: 1})
		}, directory.Done, ""}, // 121 of 621 are asked for one by one, and are there
		{"Google leaves out every other user", directory.GoogleOnly, func(s *site) {
			s.google.FailLists(workspacetest.ListFault{Mode: workspacetest.MissingUsers})
		}, directory.Quarantined, directory.BreachDrop},
		{"Google leaves out every tenth user", directory.GoogleOnly, func(s *site) {
			s.google.FailLists(workspacetest.ListFault{Mode: workspacetest.MissingUsers, Nth: 10})
		}, directory.Done, ""},
		{"Google lists no account beside LDAP", directory.ReadOnly, func(s *site) {
			s.google.FailLists(workspacetest.ListFault{Mode: workspacetest.EmptyList})
		}, directory.Quarantined, directory.BreachGoogleEmpty},
		{"LDAP finds nobody", directory.LDAPOnly, func(s *site) {
			s.ldap.SetFaults(ldaptest.Faults{Empty: true})
		}, directory.Quarantined, directory.BreachEmpty},
		{"a filter that matches nobody", directory.ReadOnly, func(s *site) {
			s.configure(func(c *directory.Config) { c.LDAP.Filter = "(objectClass=martian)"; c.Revision++ })
		}, directory.Quarantined, directory.BreachEmpty},
		{"a filter that matches few", directory.LDAPOnly, func(s *site) {
			s.configure(func(c *directory.Config) { c.LDAP.Filter = "(uid=u0000*)"; c.Revision++ })
		}, directory.Quarantined, directory.BreachDrop},
		{"a broken filter", directory.LDAPOnly, func(s *site) {
			s.configure(func(c *directory.Config) { c.LDAP.Filter = "(uid="; c.Revision++ })
		}, directory.Failed, ldap.ReasonFilter},
		{"a wrong bind password", directory.ReadOnly, func(s *site) {
			s.ldap.SetFaults(ldaptest.Faults{RefuseBind: 49})
		}, directory.Failed, ldap.ReasonBindRefused},
		{"a base that is not there", directory.LDAPOnly, func(s *site) {
			s.configure(func(c *directory.Config) { c.LDAP.BaseDN = "ou=nowhere," + base; c.Revision++ })
		}, directory.Failed, ldap.ReasonBaseMissing},
		{"LDAP's size limit", directory.LDAPOnly, func(s *site) {
			s.ldap.SetFaults(ldaptest.Faults{SizeLimit: 300})
		}, directory.Quarantined, directory.BreachIncomplete},
		{"a referral", directory.ReadOnly, func(s *site) {
			s.ldap.SetFaults(ldaptest.Faults{Result: 10})
		}, directory.Quarantined, directory.BreachIncomplete},
		{"no delegation", directory.GoogleOnly, func(s *site) {
			s.google.Tokens.Delegate(s.account.Email)
			s.openGoogle(options{}) // without the token that it has
		}, directory.Failed, "google-config"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.mode, options{})
			s.fill(n)
			wantRun(t, s.sync(), directory.Done, "")
			before := s.access()
			tc.lie(s)
			r := s.sync()
			wantRun(t, r, tc.phase, tc.reason)
			if tc.phase != directory.Done && (r.Advice == "" || strings.Contains(r.Advice, "Nothing was changed by the rest")) {
				t.Errorf("the advice is %q", r.Advice)
			}
			if tc.phase == directory.Quarantined && (len(r.Breaches) == 0 || r.Breaches[0].Text == "") {
				t.Errorf("the breaches are %+v", r.Breaches)
			}
			if diff := cmp.Diff(before, s.access()); diff != "" {
				t.Errorf("access (-before +after):\n%s", diff)
			}
			if len(s.settles) > 0 {
				t.Errorf("to be settled: %+v", s.settles)
			}
			told := strings.Contains(s.log.String(), "directory run quarantined")
			if told != (tc.phase == directory.Quarantined) {
				t.Errorf("the log tells of a quarantine: %v", told)
			}
			// When the lie is over all is as it was.
			if s.google != nil {
				s.google.MendLists()
			}
			if s.ldap != nil {
				s.ldap.SetFaults(ldaptest.Faults{})
			}
			if tc.phase == directory.Done {
				wantRun(t, s.sync(), directory.Done, "")
				if diff := cmp.Diff(map[person.State]int{person.Active: s.everyone(n)}, s.states()); diff != "" {
					t.Errorf("afterwards (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestUnreachable_IsTriedForADay: what time may mend is tried again and again, says
// meanwhile why it waits, and is given up after a day.
func TestUnreachable_IsTriedForADay(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.LDAPOnly, options{})
	s.fill(3)
	s.sync()
	s.ldap.SetFaults(ldaptest.Faults{CutPage: 1})
	id := s.newID()
	s.command(directory.Command{Op: directory.Start, Run: id, Kind: directory.Sync})
	e, _ := s.next()
	if err := s.engine.Handle(t.Context(), e); !fault.Redeliver(err) {
		t.Fatalf("the event is not brought back: %v", err)
	}
	r := s.run(id)
	if r.Phase != directory.Collecting || r.Reason != ldap.ReasonCut || r.Advice == "" {
		t.Errorf("waiting it is %s %q %q", r.Phase, r.Reason, r.Advice)
	}
	s.clock.Advance(longest)
	s.must(s.engine.Handle(t.Context(), e))
	wantRun(t, s.run(id), directory.Failed, ldap.ReasonCut)
	if diff := cmp.Diff(map[person.State]int{person.Active: 3}, s.states()); diff != "" {
		t.Error(diff)
	}
}

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

// TestTwoSchedules_MakeOneRun: however close together they fire, and whoever they
// meet.
func TestTwoSchedules_MakeOneRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{plain: true})
	s.fill(700)
	first, second := s.scheduled(), s.scheduled()
	results := make(chan error, 2)
	for _, e := range []struct{ data []byte }{{first.Data}, {second.Data}} {
		go func() {
			ev := first
			ev.Data = e.data
			results <- s.engine.Handle(t.Context(), ev)
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if runs := s.runs(); len(runs) != 1 || runs[0].Phase != directory.Done {
		t.Errorf("there are %d runs: %+v", len(runs), runs)
	}
	if s.schedule(); len(s.runs()) != 1 {
		t.Error("a late copy of the event began another run")
	}
	s.clock.Advance(pause)
	if s.schedule(); len(s.runs()) != 2 {
		t.Error("the next schedule began no run")
	}
}

// TestSchedule_Heeds: who is paused, what failed, and what is under way.
func TestSchedule_Heeds(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.LDAPOnly, options{})
	s.fill(3)
	s.configure(func(c *directory.Config) { c.Paused = true })
	if r := s.schedule(); r.ID != "" {
		t.Error("a schedule began a run of a paused enterprise")
	}
	wantRun(t, s.start(directory.Sync, false), directory.Done, "")
	s.configure(func(c *directory.Config) { c.Paused = false })
	s.clock.Advance(pause)
	s.ldap.SetFaults(ldaptest.Faults{RefuseBind: 49})
	wantRun(t, s.schedule(), directory.Failed, ldap.ReasonBindRefused)
	n := len(s.runs())
	s.clock.Advance(15 * time.Minute)
	if s.schedule(); len(s.runs()) != n {
		t.Error("a run that failed is repeated before its hour")
	}
	s.ldap.SetFaults(ldaptest.Faults{})
	s.clock.Advance(pauseAfterFailure)
	wantRun(t, s.schedule(), directory.Done, "")

	// A process dies; the schedule takes its run up.
	s.clock.Advance(pause)
	id := s.newID()
	_, err := s.engine.take(t.Context(), directory.Command{Enterprise: acme, Op: directory.Start, Run: id, Kind: directory.Sync,
		RequestedBy: ada, RequestedAt: s.clock.Now()}, false)
	s.must(err)
	if s.schedule(); s.run(id).Phase != directory.Planned {
		t.Error("a schedule took a run from a living process")
	}
	if r := s.start(directory.Sync, false); r.Phase != directory.Failed || r.Reason != reasonUnderWay {
		t.Errorf("an admin's run beside another is %s %q", r.Phase, r.Reason)
	}
	s.clock.Advance(lease)
	s.schedule()
	wantRun(t, s.run(id), directory.Done, "")
}

// TestConfiguration_ChangedUnderWay ends the run.
func TestConfiguration_ChangedUnderWay(t *testing.T) {
	t.Parallel()
	s, r := quarantined(t, directory.LDAPOnly)
	s.configure(func(c *directory.Config) { c.Revision++ })
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Failed, reasonChanged)
	if n := s.states()[person.Active]; n != 200 {
		t.Errorf("%d are active, want 200", n)
	}
	s.put(func(tx *record.Tx) error { return tx.DeleteDirectory(acme) })
	if s.schedule(); len(s.runs()) != 2 {
		t.Error("a run began without a configuration")
	}
}
