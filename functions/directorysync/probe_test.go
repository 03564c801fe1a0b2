package directorysync

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

// TestProbe_SaysWhatItFound in words, and changes nothing.
func TestProbe_SaysWhatItFound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		mode   directory.Mode
		spoil  func(*site)
		phase  directory.Phase
		reason string
		want   []string
	}{
		{"both are well", directory.ReadOnly, nil, directory.Done, "", []string{
			"pass: LDAP: 20 people are found", "pass: Google: 21 accounts are found", "pass: Google: 5 of 5 sample people"}},
		{"Google alone", directory.GoogleOnly, nil, directory.Done, "", []string{"pass: Google: 21 accounts are found"}},
		{"LDAP refuses", directory.ReadOnly, func(s *site) { s.ldap.SetFaults(ldaptest.Faults{RefuseBind: 49}) },
			directory.Failed, ldap.ReasonBindRefused, []string{"fail: LDAP: ", "pass: Google: 21"}},
		{"Google refuses", directory.ReadOnly, func(s *site) { s.google.Tokens.Delegate(s.account.Email) },
			directory.Failed, "google-config", []string{"pass: LDAP: 20", "fail: Google: "}},
		{"nobody matches", directory.LDAPOnly, func(s *site) {
			s.configure(func(c *directory.Config) { c.LDAP.Filter = "(uid=nobody)" })
		}, directory.Done, "", []string{"warn: LDAP: nobody is found"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.mode, options{})
			s.fill(20)
			if tc.spoil != nil {
				tc.spoil(s)
			}
			before := s.state()
			r := s.start(directory.Probe, false)
			wantRun(t, r, tc.phase, tc.reason)
			all := strings.Join(r.Findings, "\n")
			for _, w := range tc.want {
				if !strings.Contains(all, w) {
					t.Errorf("it does not say %q:\n%s", w, all)
				}
			}
			for _, f := range r.Findings {
				if !strings.HasPrefix(f, directory.Pass) && !strings.HasPrefix(f, directory.Warn) && !strings.HasPrefix(f, directory.Fail) {
					t.Errorf("a finding begins otherwise: %q", f)
				}
			}
			if tc.phase == directory.Done && !strings.Contains(all, "nobody") && len(r.Sample) != 5 {
				t.Errorf("the sample has %d people", len(r.Sample))
			}
			if len(s.people()) != 0 || s.state().Fence != before.Fence {
				t.Error("it changed something")
			}
		})
	}
}

// TestProbe_GoesBesideARun and can be delivered twice.
func TestProbe_GoesBesideARun(t *testing.T) {
	t.Parallel()
	s, waiting := quarantined(t, directory.LDAPOnly)
	id := s.newID()
	cmd := directory.Command{Enterprise: acme, Op: directory.Start, Kind: directory.Probe, Run: id, RequestedBy: ada, RequestedAt: s.clock.Now()}
	s.must(s.engine.Do(t.Context(), cmd))
	first := s.run(id)
	binds := s.ldap.Counters().Binds
	s.must(s.engine.Do(t.Context(), cmd))
	if first.Phase != directory.Done || s.ldap.Counters().Binds != binds {
		t.Errorf("the probe is %s, and again %d binds", first.Phase, s.ldap.Counters().Binds-binds)
	}
	if got := s.run(waiting.ID); got.Phase != directory.Quarantined {
		t.Errorf("the run beside it is %s", got.Phase)
	}
}
