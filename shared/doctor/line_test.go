package doctor_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/password"
)

func TestWorst(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		statuses []doctor.Status
		want     doctor.Status
	}{
		{nil, doctor.Skip},
		{[]doctor.Status{doctor.Skip, doctor.Skip}, doctor.Skip},
		{[]doctor.Status{doctor.Skip, doctor.Pass}, doctor.Pass},
		{[]doctor.Status{doctor.Pass, doctor.Warn, doctor.Skip}, doctor.Warn},
		{[]doctor.Status{doctor.Fail, doctor.Warn, doctor.Pass}, doctor.Fail},
	} {
		var lines []doctor.Line
		for _, s := range tc.statuses {
			lines = append(lines, doctor.Line{Status: s})
		}
		if got := doctor.Worst(lines); got != tc.want {
			t.Errorf("the worst of %v is %s, want %s", tc.statuses, got, tc.want)
		}
	}
}

func TestNeeds_K2_LeastFirst(t *testing.T) {
	t.Parallel()
	policy := &password.Policy{}
	client := func(scope mailclient.Scope, state mailclient.State) mailclient.Client {
		return mailclient.Client{Scope: scope, State: state}
	}
	both := []mailclient.Client{client(mailclient.Full, mailclient.Active), client(mailclient.IMAPAdmin, mailclient.Active), client(mailclient.Full, mailclient.Active)}
	for _, tc := range []struct {
		name     string
		mode     directory.Mode
		policy   *password.Policy
		clients  []mailclient.Client
		want     []string
		purposes string // of the second
	}{
		{"nothing", "", nil, nil, nil, ""},
		{"LDAP alone", directory.LDAPOnly, policy, nil, nil, ""},
		{"read-only", directory.ReadOnly, nil, nil, []string{doctor.ScopeReadUsers, doctor.ScopePolicies}, ""},
		{"Google alone", directory.GoogleOnly, nil, nil, []string{doctor.ScopeReadUsers, doctor.ScopePolicies}, ""},
		{"read-only with passwords", directory.ReadOnly, policy, nil, []string{doctor.ScopeReadUsers, doctor.ScopeUsers, doctor.ScopePolicies}, "set generated passwords"},
		{"read-write", directory.ReadWrite, nil, nil, []string{doctor.ScopeUsers, doctor.ScopeSecurity, doctor.ScopePolicies}, "sign leavers out"},
		{"everything", directory.ReadWrite, policy, both, []string{doctor.ScopeUsers, doctor.ScopeSecurity, mailclient.IMAPAdmin.URL(), mailclient.Full.URL(), doctor.ScopePolicies}, "sign leavers out"},
		{"mail clients alone", "", nil, both[:1], []string{mailclient.Full.URL(), doctor.ScopePolicies}, ""},
		{"revoked clients", "", nil, []mailclient.Client{client(mailclient.Full, mailclient.Revoked)}, nil, ""},
	} {
		s := doctor.Situation{Passwords: tc.policy, Clients: tc.clients}
		if tc.mode != "" {
			s.Directory = &directory.Config{Mode: tc.mode, Google: &directory.Google{Subject: "a@example.com"}}
		}
		var got []string
		for i, n := range s.Needs() {
			got = append(got, n.Scope)
			if n.Optional != (n.Scope == doctor.ScopePolicies) || n.For == "" || i == 1 && tc.purposes != "" && n.For != tc.purposes {
				t.Errorf("%s: %+v", tc.name, n)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, d)
		}
		want := "a@example.com"
		if tc.mode == "" || tc.mode == directory.LDAPOnly {
			want = ""
		}
		if got := s.Subject(); got != want {
			t.Errorf("%s: acts as %q", tc.name, got)
		}
	}
}

func TestServiceAccountAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"sync@project.iam.gserviceaccount.com": true, "1-compute@Developer.GServiceAccount.com": true,
		"admin@example.com": false, "gserviceaccount.com@example.com": false, "": false, "x@notgserviceaccount.com": false,
	} {
		if got := doctor.ServiceAccountAddress(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		off  time.Duration
		want doctor.Status
	}{
		{0, doctor.Pass}, {-10 * time.Second, doctor.Pass}, {11 * time.Second, doctor.Warn}, {-299 * time.Second, doctor.Warn},
		{300 * time.Second, doctor.Fail}, {-24 * time.Hour, doctor.Fail},
	} {
		l := doctor.Clock(tc.off)
		if l.Status != tc.want || (l.Advice == "") != (tc.want == doctor.Pass) || (l.Where == "") != (tc.want == doctor.Pass) {
			t.Errorf("%v: %+v", tc.off, l)
		}
	}
}
