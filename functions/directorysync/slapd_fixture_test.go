package directorysync

import (
	"context"
	"regexp"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// staff are whom the directory has at first, and limited how many of them a
	// search finds while the limit holds.
	staff, limited = 45, "20"
	limitGroup     = "cn=limited," + base
	lockAttribute  = "pwdAccountLockedTime"
	lockedForEver  = "000001010000Z"
	tooManyTries   = "20261121120000Z"
)

// openldap is a site whose people are those of a real slapd.
type openldap struct {
	*site
	srv *slapdtest.Server
	// deletions: its changes tell who is gone.
	deletions bool
	// read counts the entries of the last run.
	read int
}

// counter counts the entries that a directory gives.
type counter struct {
	ldapSource
	entries *int
}

func (c counter) counting(fn func(ldap.Page) error) func(ldap.Page) error {
	return func(p ldap.Page) error {
		*c.entries += len(p.Entries)
		return fn(p)
	}
}

func (c counter) Walk(ctx context.Context, fn func(ldap.Page) error) (ldap.Cursor, error) {
	return c.ldapSource.Walk(ctx, c.counting(fn))
}

func (c counter) Changes(ctx context.Context, from ldap.Cursor, fn func(ldap.Page) error) (ldap.Delta, error) {
	return c.ldapSource.Changes(ctx, from, c.counting(fn))
}

func newOpenLDAP(t *testing.T, mode directory.Mode, opt slapdtest.Options) *openldap {
	t.Helper()
	opt.Global = "moduleload ppolicy"
	// The service account is limited for as long as it is a member of the group.
	opt.Database = "limits group/groupOfNames/member=" + limitGroup + " size=" + limited + " size.prtotal=" + limited + "\noverlay ppolicy"
	opt.LDIF = slapdtest.LDIF(base, func(yield func(ldaptest.Entry) bool) {
		for _, ou := range []string{"sales", "Vertrieb Süd"} {
			yield(ldaptest.Entry{DN: "ou=" + ou + "," + base, Attributes: map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {ou}}})
		}
		for i := range staff {
			e := ldapPerson(i)
			// Long ago, so that the time of a change tells the changed ones apart.
			e.Attributes["modifyTimestamp"] = []string{"20200101000000Z"}
			if !yield(e) {
				return
			}
		}
	})
	s := &openldap{site: newSite(t, mode, options{plain: true}), srv: slapdtest.Start(t, opt), deletions: opt.SyncProvider}
	l := s.srv.Config()
	l.PageSize, l.Filter = 10, "(&(objectClass=inetOrgPerson)(!(employeeType=external)))"
	s.configure(func(c *directory.Config) { c.LDAP = &l })
	s.attach(s.site)
	if s.google != nil {
		s.hire(0, staff)
	}
	return s
}

// attach has the engine of a site read slapd.
func (s *openldap) attach(to *site) {
	to.engine.LDAP = func(_ context.Context, c directory.Config) (ldapSource, error) {
		return counter{ldap.New(ldap.Options{Config: *c.LDAP, Password: s.srv.Password}), &s.read}, nil
	}
}

var firstRDN = regexp.MustCompile(`^(?:[^,\\]|\\.)*,`)

// held returns what slapd has, by id, as an independent client reads it.
func (s *openldap) held() map[string]person.Entry {
	s.t.Helper()
	password, err := s.srv.Password(s.t.Context())
	s.must(err)
	conn, err := goldap.DialURL(s.srv.URL())
	s.must(err)
	defer conn.Close()
	s.must(conn.Bind(s.srv.Config().BindDN, password.Reveal()))
	res, err := conn.Search(&goldap.SearchRequest{BaseDN: base, Scope: goldap.ScopeWholeSubtree, Filter: "(objectClass=inetOrgPerson)",
		Attributes: []string{"*", "entryUUID", lockAttribute}})
	s.must(err)
	out := map[string]person.Entry{}
	for _, e := range res.Entries {
		if e.GetAttributeValue("employeeType") == "external" {
			continue
		}
		p := person.Entry{
			ID: e.GetAttributeValue("entryUUID"), DN: e.DN, Mail: e.GetAttributeValue("mail"), Login: e.GetAttributeValue("uid"),
			GivenName: e.GetAttributeValue("givenName"), FamilyName: e.GetAttributeValue("sn"), DisplayName: e.GetAttributeValue("displayName"),
			Unit: firstRDN.ReplaceAllString(e.DN, ""), Enabled: person.TriOf(e.GetAttributeValue(lockAttribute) != lockedForEver),
		}
		if p.DisplayName == "" {
			p.DisplayName = e.GetAttributeValue("cn")
		}
		out[p.ID] = p
	}
	return out
}

// rows returns everybody by id, those whom the directory has apart from those who
// left.
func rows(s *site) (here, left map[string]person.Person) {
	s.t.Helper()
	here, left = map[string]person.Person{}, map[string]person.Person{}
	ps, next, err := s.db.People(s.t.Context(), acme, "", record.Page{Limit: 1000})
	s.must(err)
	if next != "" {
		s.t.Fatal("there are more people than a page has")
	}
	for _, p := range ps {
		if to := here; p.State != person.Leaving {
			to[p.ID] = p
		} else {
			left[p.ID] = p
		}
	}
	return here, left
}

// agree compares the people with what slapd has, entry by entry.
func (s *openldap) agree(t *testing.T, step string) {
	t.Helper()
	got, left := rows(s.site)
	want := s.held()
	entries := map[string]person.Entry{}
	for id, p := range got {
		entries[id] = p.Entry
		state := person.Active
		if want[id].Enabled == person.No {
			state = person.Disabled
		}
		if p.State != state || p.Key != person.KeyOf(acme, id) {
			t.Errorf("%s: %s is %s, want %s", step, p.Entry.Name(), p.State, state)
		}
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Errorf("%s (-slapd +people):\n%s", step, diff)
	}
	for id, p := range left {
		if _, there := want[id]; there {
			t.Errorf("%s: %s left and is there", step, p.Entry.Name())
		}
	}
}
