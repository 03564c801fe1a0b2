package directorysync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

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

// TestTwoSchedules_MakeOneRun: however close together they fire, and whoever they
// meet.
func TestTwoSchedules_MakeOneRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{plain: true, page: 20})
	s.fill(70)
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
