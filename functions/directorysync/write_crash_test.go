package directorysync

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// prepareWriting is prepare where Rollcall makes the accounts: one run for each
// person, so that Google's ids go by the number.
func prepareWriting(t *testing.T, n int) *breakable {
	t.Helper()
	return prepare(t, directory.ReadWrite, func(s *site) {
		s.writes()
		for i := range n {
			s.employ(i, 1)
			wantRun(t, s.sync(), directory.Done, "")
		}
	}, func(s *site) {
		s.must(s.ldap.Set(ldapDN(1), "sn", "Renamed"))
		s.must(s.ldap.Set(ldapDN(2), "mail", "moved@"+domain))
		s.must(s.ldap.Delete(ldapDN(3)))
		s.employ(20, 2)
	})
}

// openWriting returns a copy of the site before the run, with a Google of its own
// where somebody suspended an account, and the LDAP that all copies read.
func (b *breakable) openWriting(t *testing.T, n int) *site {
	t.Helper()
	s := newSite(t, directory.ReadWrite, options{driver: b.store(t), beside: &site{ldap: b.site.ldap, config: b.site.config}})
	s.ids = 1 << 20
	for i := range n {
		u, _ := b.site.google.UserOf(mail(i))
		if id, err := s.google.AddUser(u); err != nil || id != u.ID {
			t.Fatalf("the account of %d is %s, want %s: %v", i, id, u.ID, err)
		}
	}
	s.must(s.google.Edit(mail(4), func(u *workspacetest.User) { u.Suspended = true }))
	s.clock.Advance(time.Hour)
	s.writes()
	return s
}

// TestReadWriteKilled_D2_AtEveryOperation: a process that dies at any operation of
// the store leaves a run that another one ends: with the accounts of an unbroken
// run, and no second account of anybody.
func TestReadWriteKilled_D2_AtEveryOperation(t *testing.T) {
	t.Parallel()
	const n = 5
	b := prepareWriting(t, n)
	view := func(s *site) map[string]string {
		out := map[string]string{}
		for m, u := range s.accounts() {
			out[m] = u.FamilyName + map[bool]string{true: " suspended"}[u.Suspended]
		}
		for m, p := range s.people() {
			out["person "+m] = string(p.State) + " " + p.Google.Mail + " " + strings.Join(p.Problems, " ")
		}
		return out
	}
	whole := b.openWriting(t, n)
	whole.faulty.Fail(0, storetest.Before)
	wantRun(t, whole.broken(), directory.Done, "")
	operations, want := whole.operations, view(whole)
	reached := map[directory.Phase]int{}
	for k := 1; ; k++ {
		fired := false
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			s := b.openWriting(t, n)
			s.faulty.Crash(k, when)
			r := s.broken()
			if fired = s.stopped != ""; fired {
				reached[s.stopped]++
			}
			wantRun(t, r, directory.Done, "")
			if diff := cmp.Diff(want, view(s)); diff != "" {
				t.Fatalf("killed at operation %d (%v) (-want +got):\n%s", k, when, diff)
			}
			if r := s.sync(); len(r.Counts.Done) > 0 || r.Phase != directory.Done {
				t.Errorf("killed at operation %d (%v): the next run does %v", k, when, r.Counts.Done)
			}
		}
		if !fired {
			t.Logf("%d operations, in the phases %v", k-1, reached)
			if k-1 != operations || operations < 25 {
				t.Errorf("%d operations were broken, want all %d, and 25 at least", k-1, operations)
			}
			for _, p := range append(slices.Clone(passed), directory.Confirming) {
				if reached[p] == 0 {
					t.Errorf("no operation was broken in the phase %s", p)
				}
			}
			return
		}
	}
}
