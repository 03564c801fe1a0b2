package ldaptest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

const base = "dc=example,dc=com"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start returns a server with three people and others, and a bound connection.
func start(t testing.TB, opt ldaptest.Options) (*ldaptest.Server, *ldap.Conn) {
	t.Helper()
	s, err := ldaptest.Start(opt)
	must(t, err)
	t.Cleanup(s.Close)
	must(t, s.Load(strings.NewReader(people)))
	return s, dial(t, s)
}

func dial(t testing.TB, s *ldaptest.Server) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(s.URL())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	password, _ := s.Password(t.Context())
	must(t, c.Bind(s.Config().BindDN, password.Reveal()))
	return c
}

const people = `version: 1

dn: dc=example,dc=com
objectClass: dcObject
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=anna,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: anna
cn:: QW5uYSDDnG5hbA==
sn: Unal
entryUUID: 128b2f33-0c5c-4fd0-a6a3-a4506513270e
mail: anna@example.com
mail: a@example.com
employeeNumber: 10
userAccountControl: 514
userPassword: {SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0
memberOf: cn=inner,dc=example,dc=com

dn: uid=bert,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bert
cn: Bert (junior)
sn: Berg
employeeNumber: 9
userAccountControl: 512
userPassword: plain

dn: uid=carl,ou=west,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: carl
cn: Carl
sn: *

dn: cn=inner,dc=example,dc=com
objectClass: groupOfNames
cn: inner
memberOf: cn=outer,dc=example,dc=com

dn: cn=outer,dc=example,dc=com
objectClass: groupOfNames
cn: outer
`

func TestBind(t *testing.T) {
	t.Parallel()
	s, c := start(t, ldaptest.Options{})
	must(t, c.Bind("UID=anna, ou=people,"+base, "correct horse"))
	must(t, c.Bind("uid=bert,ou=people,"+base, "plain"))
	must(t, s.SetPassword("uid=bert,ou=people,"+base, "new"))
	for _, tt := range [][2]string{{"uid=anna,ou=people," + base, "wrong"}, {"uid=bert,ou=people," + base, "plain"}, {"uid=carl,ou=people," + base, "x"}, {"nobody", "x"}} {
		if err := c.Bind(tt[0], tt[1]); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
			t.Errorf("%v: %v", tt, err)
		}
	}
	// The trap of RFC 4513, 5.1.2: success, as nobody.
	must(t, c.UnauthenticatedBind("uid=anna,ou=people,"+base))
	if _, err := c.Search(request("(uid=*)")); !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) {
		t.Errorf("nobody found somebody: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s, plain := start(t, ldaptest.Options{})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s.CA()))
	config := &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	must(t, plain.StartTLS(config))
	secure, err := ldap.DialURL(s.SecureURL(), ldap.DialWithTLSConfig(config))
	must(t, err)
	defer secure.Close()
	for _, c := range []*ldap.Conn{plain, secure} {
		password, _ := s.Password(t.Context())
		must(t, c.Bind(s.Config().BindDN, password.Reveal()))
		res, err := c.Search(request("(uid=*)", "uid"))
		if err != nil || len(res.Entries) != 3 {
			t.Errorf("%v, %v", res, err)
		}
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	for _, schema := range []directory.Schema{directory.OpenLDAP, directory.DirectoryServer, directory.ActiveDirectory} {
		s, c := start(t, ldaptest.Options{Schema: schema})
		anna, carl := "uid=anna,ou=people,"+base, "uid=carl,ou=west,ou=people,"+base
		id := s.ID(anna)
		must(t, s.Rename(anna, "uid=anne,ou=new,"+base))
		if s.ID("uid=anne,ou=new,"+base) != id || id == "" || s.ID(anna) != "" {
			t.Error("a rename changed the id")
		}
		must(t, s.Set("uid=anne,ou=new,"+base, "mail"))
		must(t, s.Delete(carl))
		res, err := c.Search(request("(|(uid=anne)(mail=*)(uid=carl)(uid=anna))", "uid"))
		must(t, err)
		if got := uids(res); got != "anne" {
			t.Errorf("%s: %q", schema, got)
		}
		must(t, s.Add(ldaptest.Entry{DN: carl, Attributes: map[string][]string{"uid": {"carl"}}}))
		for i, err := range []error{
			s.Delete("uid=nobody," + base), s.Set("nobody", "a", "b"), s.Rename(carl, "uid=bert,ou=people,"+base),
			s.Rename("uid=nobody,"+base, "uid=x,"+base), s.Rename(carl, "x"), s.Delete("ou=people," + base),
			s.Add(ldaptest.Entry{DN: carl}), s.Add(ldaptest.Entry{DN: "dc=org"}), s.Add(ldaptest.Entry{DN: "x"}),
			s.Load(strings.NewReader("dn: uid=x\nchangetype: delete\n")),
		} {
			if err == nil {
				t.Errorf("%s: wrong change %d was made", schema, i)
			}
		}
	}
}

func TestActiveDirectory_KeepsTombstones(t *testing.T) {
	t.Parallel()
	s, c := start(t, ldaptest.Options{Schema: directory.ActiveDirectory})
	must(t, s.AddAll(ldaptest.NumberedAD(base, 3)))
	dn := "CN=u000001,OU=people," + base
	id := s.ID(dn)
	if id != "00000001-0000-4000-8000-000000000001" {
		t.Error(id)
	}
	must(t, s.Delete(dn))
	req := request("(isDeleted=TRUE)", "objectGUID", "isDeleted", "sAMAccountName", "userPassword")
	res, err := c.Search(req)
	if err != nil || len(res.Entries) != 0 {
		t.Errorf("%v, %v", res, err)
	}
	req.Controls = []ldap.Control{ldap.NewControlMicrosoftShowDeleted()}
	res, err = c.Search(req)
	must(t, err)
	if len(res.Entries) != 1 || len(res.Entries[0].Attributes) != 2 ||
		fmt.Sprintf("%x", res.Entries[0].GetRawAttributeValue("objectGUID")) != "01000000000000408000000000000001" {
		t.Errorf("%+v", res.Entries)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s, c := start(t, ldaptest.Options{})
	s.SetFaults(ldaptest.Faults{RefuseBind: ldap.LDAPResultBusy})
	if err := c.Bind(s.Config().BindDN, "x"); !ldap.IsErrorWithCode(err, ldap.LDAPResultBusy) {
		t.Error(err)
	}
	for _, tt := range []struct {
		faults ldaptest.Faults
		n      int
		code   uint16
	}{
		{ldaptest.Faults{Empty: true}, 0, 0},
		{ldaptest.Faults{Result: ldap.LDAPResultReferral}, 3, ldap.LDAPResultReferral},
		{ldaptest.Faults{SizeLimit: 2}, 2, ldap.LDAPResultSizeLimitExceeded},
		{ldaptest.Faults{CutPage: 1}, 1, ldap.ErrorNetwork},
	} {
		s.SetFaults(ldaptest.Faults{})
		c := dial(t, s)
		var told []ldaptest.Request
		tt.faults.Hook = func(r ldaptest.Request) { told = append(told, r) }
		s.SetFaults(tt.faults)
		res, err := c.SearchWithPaging(request("(uid=*)", "uid"), 10)
		cut := tt.faults.CutPage > 0
		if cut && err == nil || !cut && (err != nil) != (tt.code != 0) || !cut && err != nil && !ldap.IsErrorWithCode(err, tt.code) || !cut && len(res.Entries) != tt.n {
			t.Errorf("%+v: %d entries, %v", tt.faults, len(res.Entries), err)
		}
		if cut {
			continue // the hook's call may not be seen yet
		}
		exp := []ldaptest.Request{{Operation: "search", DN: base, Filter: "(uid=*)", Attributes: []string{"uid"}, Page: 1}}
		if diff := cmp.Diff(exp, told); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestClose_EndsConnections(t *testing.T) {
	t.Parallel()
	s, err := ldaptest.Start(ldaptest.Options{})
	must(t, err)
	c := dial(t, s)
	s.Close()
	s.Close()
	if _, err := c.Search(request("(uid=*)")); err == nil {
		t.Error("a closed server answered")
	}
	if _, err := ldap.DialURL(s.URL()); err == nil {
		t.Error("a closed server listens")
	}
}
