package directorysync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
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
	const n, page = 124, 105
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
		}, directory.Done, ""}, // 20 of 125 are asked for one by one, and are there
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
			s.ldap.SetFaults(ldaptest.Faults{SizeLimit: 60})
		}, directory.Quarantined, directory.BreachIncomplete},
		{"a referral", directory.ReadOnly, func(s *site) {
			s.ldap.SetFaults(ldaptest.Faults{Result: 10})
		}, directory.Quarantined, directory.BreachIncomplete},
		{"no delegation", directory.GoogleOnly, func(s *site) {
			s.google.Tokens.Delegate(s.account.Email)
			s.openGoogle(options{page: page}) // without the token that it has
		}, directory.Failed, "google-config"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.mode, options{page: page})
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
