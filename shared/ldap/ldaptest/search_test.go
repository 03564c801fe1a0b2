package ldaptest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

func request(filter string, attributes ...string) *ldap.SearchRequest {
	return &ldap.SearchRequest{BaseDN: base, Scope: ldap.ScopeWholeSubtree, Filter: filter, Attributes: attributes}
}

func uids(res *ldap.SearchResult) string {
	var out []string
	for _, e := range res.Entries {
		out = append(out, e.GetAttributeValue("uid"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestSearch_Filters(t *testing.T) {
	t.Parallel()
	_, c := start(t, ldaptest.Options{})
	for filter, exp := range map[string]string{
		"(uid=*)": "anna bert carl", "(UID=ANNA)": "anna", "(uid=nobody)": "", "(mail=A@example.com)": "anna",
		"(!(uid=anna))(": "error", "(&(uid=*)(!(uid=anna)))": "bert carl", "(|(uid=anna)(sn=berg))": "anna bert",
		"(&(objectClass=inetOrgPerson)(|(uid=anna)(uid=carl)))": "anna carl", "(&(uid=anna)(sn=berg))": "",
		"(cn=*nn*ü*)": "anna", "(cn=bert*)": "bert", "(cn=*\\29)": "bert", "(cn=b*t*r\\29)": "bert", "(cn=b*x*)": "",
		"(sn=\\2a)": "carl", "(cn=Bert \\28junior\\29)": "bert", "(cn~=carl)": "carl",
		"(employeeNumber>=10)": "anna", "(employeeNumber<=9)": "bert", "(employeeNumber>=1)": "anna bert",
		"(userAccountControl:1.2.840.113556.1.4.803:=2)":                           "anna",
		"(userAccountControl:1.2.840.113556.1.4.804:=514)":                         "anna bert",
		"(memberOf=CN=Inner, dc=example,dc=com)":                                   "anna",
		"(memberOf=cn=outer,dc=example,dc=com)":                                    "",
		"(&(uid=*)(memberOf:1.2.840.113556.1.4.1941:=cn=outer,dc=example,dc=com))": "anna",
		"(entryUUID=128B2F33-0c5c-4fd0-a6a3-a4506513270e)":                         "anna",
		"(&(uid=*)(modifyTimestamp>=19990101000000Z))":                             "anna bert carl",
		"(modifyTimestamp>=29990101000000Z)":                                       "",
		"(userPassword=PLAIN)":                                                     "", "(userPassword=plain)": "bert",
	} {
		res, err := c.Search(request(filter, "uid"))
		if exp == "error" {
			if err == nil {
				t.Errorf("%s found %q", filter, uids(res))
			}
			continue
		}
		must(t, err)
		if got := uids(res); got != exp {
			t.Errorf("%s found %q, want %q", filter, got, exp)
		}
	}
}

func TestSearch_ScopesAndBases(t *testing.T) {
	t.Parallel()
	_, c := start(t, ldaptest.Options{})
	for _, tt := range []struct {
		base  string
		scope int
		exp   string
		code  uint16
	}{
		{"ou=people," + base, ldap.ScopeWholeSubtree, "anna bert carl", 0},
		{"OU=People , " + base, ldap.ScopeSingleLevel, "anna bert", 0},
		{"uid=anna,ou=people," + base, ldap.ScopeBaseObject, "anna", 0},
		{"ou=west,ou=people," + base, ldap.ScopeWholeSubtree, "carl", 0},
		{"ou=nowhere," + base, ldap.ScopeWholeSubtree, "", ldap.LDAPResultNoSuchObject},
		{"nowhere", ldap.ScopeWholeSubtree, "", ldap.LDAPResultInvalidDNSyntax},
	} {
		req := request("(uid=*)", "uid")
		req.BaseDN, req.Scope = tt.base, tt.scope
		res, err := c.Search(req)
		if tt.code != 0 {
			if !ldap.IsErrorWithCode(err, tt.code) {
				t.Errorf("%s: %v", tt.base, err)
			}
			continue
		}
		must(t, err)
		if got := uids(res); got != tt.exp {
			t.Errorf("%s: %q", tt.base, got)
		}
	}
}

func TestSearch_GivesWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }
	_, c := start(t, ldaptest.Options{Now: now})
	for _, tt := range []struct{ asked, exp []string }{
		{[]string{"UID", "entryuuid", "nothing"}, []string{"uid", "entryUUID"}},
		{[]string{"1.1"}, nil},
		{nil, []string{"cn", "employeeNumber", "mail", "objectClass", "sn", "uid", "userAccountControl", "userPassword"}},
		{[]string{"+"}, []string{"createTimestamp", "entryDN", "entryUUID", "memberOf", "modifyTimestamp"}},
		{[]string{"*", "modifyTimestamp"}, []string{"cn", "employeeNumber", "mail", "modifyTimestamp", "objectClass", "sn", "uid", "userAccountControl", "userPassword"}},
	} {
		res, err := c.Search(request("(uid=anna)", tt.asked...))
		must(t, err)
		var got []string
		for _, a := range res.Entries[0].Attributes {
			got = append(got, a.Name)
		}
		if diff := cmp.Diff(tt.exp, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.asked, diff)
		}
		if v := res.Entries[0].GetAttributeValue("modifyTimestamp"); v != "" && v != "20300102030405Z" {
			t.Error(v)
		}
	}
}

func TestSearch_PagesAreOfOneConnection(t *testing.T) {
	t.Parallel()
	s, c := start(t, ldaptest.Options{})
	must(t, s.AddAll(ldaptest.Numbered(base, 95)))
	req := request("(uid=u*)", "uid")
	paging := ldap.NewControlPaging(10)
	req.Controls = []ldap.Control{paging}
	res, err := c.Search(req)
	must(t, err)
	paging.SetCookie(ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging).Cookie)
	if len(res.Entries) != 10 || len(paging.Cookie) == 0 {
		t.Fatalf("%d entries, cookie %q", len(res.Entries), paging.Cookie)
	}
	if _, err := dial(t, s).Search(req); !ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform) {
		t.Errorf("another connection took the cookie: %v", err)
	}
	// What happens between two pages neither repeats nor loses others.
	must(t, s.Delete(ldaptest.Person(base, 3).DN))
	must(t, s.Delete(ldaptest.Person(base, 30).DN))
	must(t, s.Rename(ldaptest.Person(base, 40).DN, "uid=u-renamed,ou=people,"+base))
	seen := len(res.Entries)
	for len(paging.Cookie) > 0 {
		res, err = c.Search(req)
		must(t, err)
		seen += len(res.Entries)
		paging.SetCookie(ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging).Cookie)
	}
	if seen != 94 {
		t.Errorf("%d entries", seen)
	}
	if n := s.Counters(); n.Pages != 11 || n.Searches != 11 || n.Binds != 2 || n.Connections != 2 || n.Entries != 94 || n.BytesOut < 94*50 || n.BytesIn == 0 {
		t.Errorf("%+v", n)
	}
}

func TestSearch_SizeLimits(t *testing.T) {
	t.Parallel()
	s, c := start(t, ldaptest.Options{SizeLimit: 25})
	must(t, s.AddAll(ldaptest.Numbered(base, 30)))
	res, err := c.SearchWithPaging(request("(uid=u*)", "uid"), 10)
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || len(res.Entries) != 25 {
		t.Errorf("%d entries, %v", len(res.Entries), err)
	}
	req := request("(uid=u*)", "uid")
	req.SizeLimit = 2
	if res, err = c.Search(req); !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || len(res.Entries) != 2 {
		t.Errorf("%d entries, %v", len(res.Entries), err)
	}
}
