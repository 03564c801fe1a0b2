package directorysync

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func uid(rdn, ou string) string { return "uid=" + rdn + ",ou=" + ou + "," + base }

// change is one thing that happens to a directory, and what a run makes of it.
type change struct {
	name string
	do   func(*openldap) error
	// gone: somebody is gone from the directory, which is seen by a walk alone where
	// changes do not tell.
	gone bool
	// above: only entries above people changed, of which no way of telling changes
	// tells.
	above bool
	// passes: the account is somebody else's after one more run.
	passes bool
	want   map[directory.Action]int
}

func all(fns ...func() error) error {
	for _, fn := range fns {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

var changes = []change{
	{name: "nothing", do: func(*openldap) error { return nil }},
	{name: "attributes", do: func(s *openldap) error {
		return all(
			func() error { return s.srv.Set(ldapDN(0), "sn", "Łukasiewicz-Ünal 山田") },
			func() error { return s.srv.Set(ldapDN(0), "givenName", "Zoë 🦊") },
			func() error { return s.srv.Set(ldapDN(1), "displayName", "Đorđe \"D\" <x>, Jr.") },
			func() error { return s.srv.Set(ldapDN(2), "givenName") },
			func() error { return s.srv.Set(ldapDN(3), "title", "of no interest") },
		)
	}, want: map[directory.Action]int{directory.Update: 3}},
	{name: "address", do: func(s *openldap) error { return s.readdress(4, "Neue.Adresse@example.com") },
		want: map[directory.Action]int{directory.Update: 1}},
	{name: "rename", do: func(s *openldap) error { return s.srv.Rename(ldapDN(5), uid("zoë", "people")) },
		want: map[directory.Action]int{directory.Update: 1}},
	{name: "move", do: func(s *openldap) error {
		return all(
			func() error { return s.srv.Rename(ldapDN(6), uid("u00006", "sales")) },
			func() error { return s.srv.Rename(ldapDN(7), uid("moved", "Vertrieb Süd")) },
		)
	}, want: map[directory.Action]int{directory.Update: 2}},
	{name: "rename above", do: func(s *openldap) error { return s.srv.Rename("ou=sales,"+base, "ou=Sales EMEA,"+base) },
		above: true, want: map[directory.Action]int{directory.Update: 1}},
	{name: "lock", do: func(s *openldap) error {
		return all(
			func() error { return s.srv.Set(ldapDN(8), lockAttribute, lockedForEver) },
			func() error { return s.srv.Set(ldapDN(9), lockAttribute, lockedForEver) },
			func() error { return s.srv.Set(ldapDN(10), lockAttribute, tooManyTries) },
		)
	}, want: map[directory.Action]int{directory.Disable: 2}},
	{name: "unlock", do: func(s *openldap) error { return s.srv.Set(ldapDN(9), lockAttribute) },
		want: map[directory.Action]int{directory.Enable: 1}},
	{name: "join", do: func(s *openldap) error {
		return s.srv.Add(ldaptest.Entry{DN: `cn=Ünal\, Anna,ou=people,` + base, Attributes: map[string][]string{
			"objectClass": {"inetOrgPerson"}, "cn": {"Ünal, Anna"}, "sn": {"Ünal"}, "uid": {"anna"}, "mail": {"anna@example.com"}}})
	}, want: map[directory.Action]int{directory.Add: 1}},
	{name: "delete", do: func(s *openldap) error { return s.srv.Delete(ldapDN(11)) }, gone: true,
		want: map[directory.Action]int{directory.Leave: 1}},
	{name: "anew under the same DN", do: func(s *openldap) error {
		return all(
			func() error { return s.srv.Delete(ldapDN(12)) },
			func() error { return s.srv.Add(ldapPerson(12)) },
		)
	}, gone: true, passes: true, want: map[directory.Action]int{directory.Leave: 1, directory.Add: 1}},
	{name: "out of the filter", do: func(s *openldap) error { return s.srv.Set(ldapDN(13), "employeeType", "external") },
		want: map[directory.Action]int{directory.Leave: 1}},
	{name: "into the filter", do: func(s *openldap) error { return s.srv.Set(ldapDN(13), "employeeType", "staff") },
		want: map[directory.Action]int{directory.Return: 1}},
	{name: "more than the session log", do: func(s *openldap) error {
		for i := 14; i < 40; i++ {
			if err := s.srv.Set(ldapDN(i), "sn", "Nowak"); err != nil {
				return err
			}
		}
		return s.srv.Delete(ldapDN(40))
	}, gone: true, want: map[directory.Action]int{directory.Update: 26, directory.Leave: 1}},
}

// readdress gives person i another address, at Google as well.
func (s *openldap) readdress(i int, to string) error {
	if s.google != nil {
		if err := s.google.Edit(mail(i), func(u *workspacetest.User) { u.PrimaryEmail = strings.ToLower(to) }); err != nil {
			return err
		}
	}
	return s.srv.Set(ldapDN(i), "mail", to)
}

// follow makes a change and runs over what changed; over everything where that
// cannot tell all of it.
func (s *openldap) follow(t *testing.T, c change) {
	t.Helper()
	s.must(c.do(s))
	s.read = 0
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	most := 30
	if !s.deletions {
		most = staff - 4 // who changed within minutes comes again
	}
	if r.Full || s.read > most {
		t.Errorf("%s: a full run %v, %d entries read", c.name, r.Full, s.read)
	}
	done := maps.Clone(r.Counts.Done)
	if c.above || c.gone && !s.deletions {
		if n := done[directory.Leave] + done[directory.Disable]; n > 0 {
			t.Errorf("%s: %d people lost their access for what was not told", c.name, n)
		}
		r = s.start(directory.Sync, true)
		wantRun(t, r, directory.Done, "")
		done = sum(done, r.Counts.Done)
	}
	if c.passes && s.google != nil {
		r = s.sync()
		wantRun(t, r, directory.Done, "")
		if diff := cmp.Diff(map[directory.Action]int{directory.Link: 1, directory.Unlink: 1}, r.Counts.Done); diff != "" {
			t.Errorf("%s: the account (-want +got):\n%s", c.name, diff)
		}
	}
	delete(done, directory.Mirror) // of the account that was changed along
	if diff := cmp.Diff(c.want, done, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: done (-want +got):\n%s", c.name, diff)
	}
	s.agree(t, c.name)
}

func sum(a, b map[directory.Action]int) map[directory.Action]int {
	out := maps.Clone(a)
	if out == nil {
		out = map[directory.Action]int{}
	}
	for action, n := range b {
		out[action] += n
	}
	return out
}

// nothingLeft runs over everything, which finds what the changes told.
func (s *openldap) nothingLeft(t *testing.T) {
	t.Helper()
	s.read = 0
	r := s.start(directory.Sync, true)
	wantRun(t, r, directory.Done, "")
	if have := len(s.held()); !r.Full || r.Parts != 0 || s.read != have {
		t.Errorf("the full run reads %d of %d and does %v", s.read, have, s.plan(r))
	}
}
