package directorysync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
	"github.com/rollcall-emm/rollcall/shared/person"
)

var overlays = map[string]slapdtest.Options{
	"without":                          {},
	"sync provider":                    {SyncProvider: true},
	"sync provider with a session log": {SyncProvider: true, SessionLog: 20},
}

// TestSlapd_D7_PeopleAreThoseOfOpenLDAP: whatever happens to a real directory, the
// people are those whom it has, entry by entry, and the same as who begins anew
// finds.
func TestSlapd_D7_PeopleAreThoseOfOpenLDAP(t *testing.T) {
	t.Parallel()
	slapdtest.Need(t)
	for _, mode := range []directory.Mode{directory.LDAPOnly, directory.ReadOnly} {
		for name, opt := range overlays {
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newOpenLDAP(t, mode, opt)
				first := s.sync()
				wantRun(t, first, directory.Done, "")
				s.agree(t, "first import")
				if first.Counts.Done[directory.Add] != staff || s.state().Cursor == "" {
					t.Errorf("done %v, cursor %q", first.Counts.Done, s.state().Cursor)
				}
				for _, c := range changes {
					s.follow(t, c)
				}
				s.nothingLeft(t)
				s.wrongPassword(t)
				s.nobodyMatches(t)
				s.sizeLimit(t)
				s.importAnew(t)
			})
		}
	}
}

// unharmed compares the people with those of before.
func (s *openldap) unharmed(t *testing.T, step string, before map[string]person.Person) {
	t.Helper()
	after, _ := rows(s.site)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s changed people (-before +after):\n%s", step, diff)
	}
}

func (s *openldap) wrongPassword(t *testing.T) {
	t.Helper()
	reader, _ := s.srv.Password(t.Context())
	before, _ := rows(s.site)
	s.must(s.srv.Set(s.srv.Config().BindDN, "userPassword", "another"))
	s.must(s.srv.Set(ldapDN(1), "sn", "Meanwhile"))
	wantRun(t, s.sync(), directory.Failed, ldap.ReasonBindRefused)
	s.unharmed(t, "a refused account", before)
	s.must(s.srv.Set(s.srv.Config().BindDN, "userPassword", reader.Reveal()))
	wantRun(t, s.sync(), directory.Done, "")
	s.agree(t, "the right password again")
}

func (s *openldap) nobodyMatches(t *testing.T) {
	t.Helper()
	before, _ := rows(s.site)
	filter := s.config.LDAP.Filter
	refilter := func(to string) {
		l := *s.config.LDAP
		l.Filter = to
		s.configure(func(c *directory.Config) { c.LDAP = &l; c.Revision++ })
	}
	refilter("(uid=nobody)")
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachEmpty)
	s.unharmed(t, "a filter that matches nobody", before)
	refilter(filter)
	again := s.sync()
	wantRun(t, again, directory.Done, "")
	if again.Parts != 0 || s.run(r.ID).Phase != directory.Superseded {
		t.Errorf("the filter again: does %v; the run before is %s", s.plan(again), s.run(r.ID).Phase)
	}
	s.unharmed(t, "the filter again", before)
}

func (s *openldap) sizeLimit(t *testing.T) {
	t.Helper()
	before, leftBefore := rows(s.site)
	s.must(s.srv.Add(ldaptest.Entry{DN: limitGroup, Attributes: map[string][]string{
		"objectClass": {"groupOfNames"}, "cn": {"limited"}, "member": {s.srv.Config().BindDN}}}))
	s.must(s.srv.Set(ldapDN(1), "sn", "Among the first"))
	s.must(s.srv.Delete(ldapDN(2)))
	s.clock.Advance(time.Minute)
	r := s.start(directory.Sync, true)
	wantRun(t, r, directory.Quarantined, directory.BreachIncomplete)
	if r.Incomplete != ldap.ReasonSizeLimit || r.Counts.Absent == 0 {
		t.Errorf("incomplete %q, %d absent", r.Incomplete, r.Counts.Absent)
	}
	s.unharmed(t, "a size limit", before)
	r = s.decide(directory.Approve, r.ID, false)
	wantRun(t, r, directory.Done, "")
	after, left := rows(s.site)
	if len(after) != len(before) || len(left) != len(leftBefore) || r.Counts.Done[directory.Update] != 1 {
		t.Errorf("what was read in part: %d people of %d, %d left of %d, done %v", len(after), len(before), len(left), len(leftBefore), r.Counts.Done)
	}
	s.must(s.srv.Delete(limitGroup))
	r = s.sync()
	wantRun(t, r, directory.Done, "")
	if !r.Full {
		t.Error("what was read in part is not read in full")
	}
	s.agree(t, "the limit lifted")
}

// importAnew imports the directory into a fresh store.
func (s *openldap) importAnew(t *testing.T) {
	t.Helper()
	fresh := newSite(t, s.config.Mode, options{beside: s.site, plain: true})
	s.attach(fresh)
	fresh.configure(func(*directory.Config) {})
	wantRun(t, fresh.sync(), directory.Done, "")
	want, _ := rows(fresh)
	got, left := rows(s.site)
	times := cmpopts.IgnoreTypes(time.Time{})
	if diff := cmp.Diff(want, got, times); diff != "" || len(left) == 0 {
		t.Errorf("%d left; (-imported anew +followed):\n%s", len(left), diff)
	}
	joined := 0
	for _, p := range got {
		if p.Google.ID != "" {
			joined++
		}
	}
	if (joined > 30) != (s.google != nil) {
		t.Errorf("%d people have an account", joined)
	}
}
