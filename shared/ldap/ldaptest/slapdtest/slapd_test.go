package slapdtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
)

const base = "dc=example,dc=com"

func search(s *slapdtest.Server, filter string) (*ldap.SearchResult, error) {
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Bind(s.Config().BindDN, "reader's password"); err != nil {
		return nil, err
	}
	return c.Search(&ldap.SearchRequest{BaseDN: base, Scope: ldap.ScopeWholeSubtree, Filter: filter, Attributes: []string{"entryUUID", "uid", "sn"}})
}

func TestServer_HoldsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	slapdtest.Need(t)
	s := slapdtest.Start(t, slapdtest.Options{LDIF: slapdtest.LDIF(base, ldaptest.Numbered(base, 3)), SyncProvider: true, TLS: true})
	first, second := ldaptest.Person(base, 0), ldaptest.Person(base, 1)
	for i, err := range []error{
		s.Set(first.DN, "sn", "New"), s.Rename(second.DN, "uid=renamed,ou=people,"+base), s.Delete(ldaptest.Person(base, 2).DN),
		s.Add(ldaptest.Person(base, 7)),
	} {
		if err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	for filter, id := range map[string]string{
		"(&(uid=u000000)(sn=New))": first.Attributes["entryUUID"][0], "(uid=renamed)": second.Attributes["entryUUID"][0], "(uid=u000007)": "",
	} {
		res, err := search(s, filter)
		if err != nil || len(res.Entries) != 1 || id != "" && res.Entries[0].GetAttributeValue("entryUUID") != id {
			t.Errorf("%s: %v, %v", filter, res, err)
		}
	}
	if res, err := search(s, "(uid=*)"); err != nil || len(res.Entries) != 3 {
		t.Errorf("%v, %v", res, err)
	}
	s.Stop()
	s.Stop()
	if _, err := search(s, "(uid=*)"); err == nil {
		t.Error("a stopped server answers")
	}
}

func TestRun_SaysWhySlapdDoesNotStart(t *testing.T) {
	t.Parallel()
	slapdtest.Need(t)
	for name, opt := range map[string]slapdtest.Options{
		"slapadd": {LDIF: strings.NewReader("dn: uid=nobody,dc=elsewhere\nobjectClass: inetOrgPerson\n")},
		"slapd":   {Global: "no such directive"},
	} {
		_, err := slapdtest.Run(t.Context(), t.TempDir(), opt)
		if s := fmt.Sprint(err); !strings.Contains(s, name) || len(s) < 60 {
			t.Errorf("%s: %s", name, s)
		}
	}
}
