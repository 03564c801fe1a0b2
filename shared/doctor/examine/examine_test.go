package examine_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func TestExamine_K2_AllIsWell(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, by := s.look()
	for _, l := range r.Lines {
		t.Logf("%s %s %s: %s", l.Group, l.Status, l.Check, l.What)
		if l.Status != doctor.Pass || l.Advice != "" || l.Where != "" {
			t.Errorf("%+v", l)
		}
	}
	if r.Worst != doctor.Pass || r.Enterprise != acme || !r.At.Equal(now) {
		t.Errorf("%+v", r)
	}
	want := append([]string{"store", "bus", "password-key", "key", "clock", "proof"}, "subject", "directory-api", "play", "ldap", "imap-sign-in",
		"google-password-length", "google-password-expiration", "google-less-secure-apps", "google-imap-access")
	for _, scope := range everything {
		want = append(want, "scope:"+scope)
	}
	for _, name := range want {
		if by[name] == "" {
			t.Errorf("there is no line on %s", name)
		}
	}
	if len(by) != len(want) {
		t.Errorf("%d checks, want %d", len(by), len(want))
	}
}

func TestExamine_OfNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := s.Examine(t.Context(), "beta"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}
