package directorysync

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// TestSlices_D3_GoOnWhereTheyStopped: a slice whose time is over after each page
// and part hands on, and nothing is read twice.
func TestSlices_D3_GoOnWhereTheyStopped(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		for name, b := range scenarios(t, mode) {
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				t.Parallel()
				whole := b.open(t, 0)
				lists := whole.lists()
				want := whole.outcome(whole.broken())
				lists = whole.lists() - lists
				s := b.open(t, 0)
				before := s.lists()
				// Every look at the clock takes so long that a slice does one step.
				s.engine.Slice = 3 * time.Second
				s.engine.Now = func() time.Time { s.clock.Advance(time.Second); return s.clock.Now() }
				r := s.broken()
				if r.Slices < 3 && name == "first" {
					t.Errorf("%d slices, want several", r.Slices)
				}
				if diff := differs(want, s.outcome(r)); diff != "" {
					t.Fatalf("in %d slices: %s", r.Slices, diff)
				}
				if n := s.lists() - before; n != lists {
					t.Errorf("%d pages of Google's in %d slices, want %d", n, r.Slices, lists)
				}
			})
		}
	}
}

// TestOneInFive_D3_Completes: with every fifth call failing, in one of several
// ways, the run ends as though none had, and asks Google no more than it allows.
func TestOneInFive_D3_Completes(t *testing.T) {
	t.Parallel()
	for _, mode := range []directory.Mode{directory.GoogleOnly, directory.ReadOnly} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := prepare(t, mode, func(s *site) { s.fill(400) }, func(s *site) {
				someChanges(s)
				for i := 100; i < 160; i++ {
					s.google.Remove(mail(i))
				}
			})
			b.page = 20
			whole := b.open(t, 0)
			want := whole.outcome(whole.broken())
			s := b.open(t, 0)
			for _, script := range []googletest.Script{
				{Mode: googletest.Refuse, Status: 503}, {Mode: googletest.DropAfter}, {Mode: googletest.DropBefore},
				{Mode: googletest.Refuse, Status: 403, Reason: "userRateLimitExceeded"}, {Mode: googletest.Refuse, Status: 429, RetryAfter: "2"},
			} {
				script.Method, script.Probability = "*", 0.05
				s.google.Faults.Add(script)
			}
			r := s.broken()
			s.google.Faults.Clear()
			if diff := differs(want, s.outcome(r)); diff != "" {
				t.Error(diff)
			}
			if quota := s.google.Faults.Counts()[googletest.Count{Method: listUser, Status: 403}]; quota > 3 {
				t.Errorf("Google refused %d lists for its quota", quota)
			}
		})
	}
}

// TestFence_D3_RefusesWhoIsLate: a process that comes back from a long sleep, after
// another one took the run up, writes nothing.
func TestFence_D3_RefusesWhoIsLate(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	s.fill(crowd)
	id := s.newID()
	cmd := directory.Command{Enterprise: acme, Op: directory.Start, Run: id, Kind: directory.Sync, RequestedBy: ada, RequestedAt: s.clock.Now()}
	late, err := s.engine.take(t.Context(), cmd, false)
	s.must(err)
	s.must(late.enter(t.Context(), directory.Collecting))
	if other, err := s.engine.take(t.Context(), cmd, false); other != nil || fault.KindOf(err) != fault.Transient {
		t.Fatalf("a second process has the run as well: %v", err)
	}
	s.clock.Advance(lease)
	next, err := s.engine.take(t.Context(), cmd, false)
	s.must(err)
	before := s.dump()
	if err := late.work(t.Context()); fault.ReasonOf(err) != reasonFenced {
		t.Errorf("the late one ends with %v", err)
	}
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		t.Errorf("the late one wrote (-before +after):\n%s", diff)
	}
	s.must(next.work(t.Context()))
	wantRun(t, s.run(id), directory.Done, "")
}

// dump returns what a late process might overwrite.
func (s *site) dump() []string {
	var out []string
	add := func(v any, err error) { out = append(out, fmt.Sprintf("%+v %v", v, err)) }
	add(s.db.DirectoryState(s.t.Context(), acme))
	for _, r := range s.runs() {
		add(r, nil)
	}
	for n := range 4 {
		p, err := s.db.DirectoryPage(s.t.Context(), acme, directory.FromGoogle, n)
		add(p.At, err)
	}
	add(len(s.people()), nil)
	slices.Sort(out)
	return out
}
