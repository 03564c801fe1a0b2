package directorysync

import (
	"context"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// TestNoChange_D4_CostsPagesNotPeople: a run that finds nothing to do costs calls
// and store operations by the page, and not one of them by the person.
func TestNoChange_D4_CostsPagesNotPeople(t *testing.T) {
	t.Parallel()
	const n, page = 432, 50
	// What a run costs beside its pages and buckets: to take the run, to begin
	// collecting, to compare, to judge, and to end.
	const reads, writes = 7, 7
	for mode, sources := range map[directory.Mode]struct{ google, ldap int }{
		directory.GoogleOnly: {1, 0}, directory.LDAPOnly: {0, 1}, directory.ReadOnly: {1, 1}, directory.ReadWrite: {1, 1},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{plain: true, page: page})
			s.fill(n)
			if mode == directory.ReadWrite {
				s.engine.Accounts = nobody{}
				s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30 })
			}
			wantRun(t, s.sync(), directory.Done, "")
			calls := 0
			if s.google != nil {
				calls = s.google.Faults.Calls(listUser)
			}
			s.clock.Advance(pause)
			ctx, ops := store.WithOps(context.Background())
			e := s.scheduled()
			if err := s.engine.Handle(ctx, e); err != nil {
				t.Fatal(err)
			}
			runs := s.runs()
			last := runs[len(runs)-1]
			wantRun(t, last, directory.Done, "")
			if len(runs) != 2 || last.Parts != 0 {
				t.Fatalf("%d runs, %d parts, want 2 and none", len(runs), last.Parts)
			}
			pages := sources.google * ((n + 1 + page - 1) / page)
			if s.google != nil {
				if got := s.google.Faults.Calls(listUser) - calls; got != pages {
					t.Errorf("%d calls to Google, want %d", got, pages)
				}
			}
			pages += sources.ldap // LDAP's rows fit one page
			buckets := sources.google + sources.ldap
			due := 0
			if mode == directory.ReadWrite {
				due = 1 // accounts to delete
			}
			if got, want := ops.Reads.Load(), int64(pages+buckets+reads+due); got != want {
				t.Errorf("%d reads, want %d pages + %d buckets + %d + %d", got, pages, buckets, reads, due)
			}
			// The last page of each source tells the run of it.
			if got, want := ops.Writes.Load(), int64(pages+buckets+writes); got != want {
				t.Errorf("%d writes, want %d pages + %d sources + %d", got, pages, buckets, writes)
			}
		})
	}
}

// scheduled returns the schedule's event for the enterprise.
func (s *site) scheduled() event.Event {
	s.t.Helper()
	if err := s.engine.Handle(context.Background(), event.Event{Topic: event.Directory}); err != nil {
		s.t.Fatal(err)
	}
	e, ok := s.next()
	if !ok {
		s.t.Fatal("the schedule made no event")
	}
	return e
}
