package directorysync

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// fill gives a site n people in each of its directories.
func (s *site) fill(n int) {
	s.t.Helper()
	if s.google != nil {
		s.hire(0, n)
	}
	if s.ldap != nil {
		s.employ(0, n)
	}
}

// everyone is how many people a site of n has: Google's administrator is one.
func (s *site) everyone(n int) int {
	if s.config.Mode == directory.GoogleOnly {
		return n + 1
	}
	return n
}

var readingModes = []directory.Mode{directory.GoogleOnly, directory.LDAPOnly, directory.ReadOnly}

// TestFirstImport_D1_EveryMode: everybody is there after one run, and a second one
// finds nothing to do.
func TestFirstImport_D1_EveryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			const n = 123 // in three pages, the last of them not full, and two parts
			s := newSite(t, mode, options{page: 50})
			s.fill(n)
			r := s.sync()
			wantRun(t, r, directory.Done, "")
			all := s.everyone(n)
			if diff := cmp.Diff(map[person.State]int{person.Active: all}, s.states()); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if r.Parts != 2 || s.google != nil && r.Counts.GooglePages != 3 {
				t.Errorf("%d pages of Google's, %d parts, want 3 and 2", r.Counts.GooglePages, r.Parts)
			}
			if r.Counts.Listed != all || r.Counts.Done[directory.Add] != all {
				t.Errorf("listed %d, added %d, want %d", r.Counts.Listed, r.Counts.Done[directory.Add], all)
			}
			for mail, p := range s.people() {
				if joined := p.Google.ID != ""; joined != (mode == directory.ReadOnly) {
					t.Fatalf("%s: joined %v in mode %s", mail, joined, mode)
				}
			}
			again := s.sync()
			wantRun(t, again, directory.Done, "")
			if again.Parts != 0 || again.Counts.Before != all {
				t.Errorf("the second run has %d parts and %d before, want none and %d", again.Parts, again.Counts.Before, all)
			}
		})
	}
}

// nobody does nothing at Google.
type nobody struct{}

func (nobody) Bring(_ context.Context, _ directory.Config, p person.Person, _ func(directory.Action) bool, _ func(person.Person) error) (person.Person, []directory.Step, error) {
	return p, nil, nil
}
