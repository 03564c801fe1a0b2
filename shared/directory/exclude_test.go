package directory_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestWithin_D9(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		unit, above string
		want        bool
	}{
		{"dc=example,dc=com", "dc=example,dc=com", true},
		{"ou=sales,dc=example,dc=com", "dc=example,dc=com", true},
		{"OU=Sales,DC=Example,DC=com", "dc=example, dc=COM", true},
		{"ou=Été,dc=example", "OU=éTÉ,dc=example", true},
		{"ou=ΟΔΟΣ,dc=example", "ou=οδος,dc=example", true},
		{"ou=\u212Aelvin,dc=example", "ou=kelvin,dc=example", true},
		{`ou=a\2Cb,dc=example`, `ou=a\,b,dc=example`, true},
		{`ou=\41nna,dc=example`, "ou=anna,dc=example", true},
		{"cn=a+ou=b,dc=example", "ou=b + cn=a,dc=example", true},
		{`ou=\ a\ ,dc=example`, `ou=\20a\20,dc=example`, true},
		{"ou=presales,dc=example", "ou=sales,dc=example", false},
		{"ou=sales,dc=notexample", "dc=example", false},
		{`ou=x\,dc=example`, "dc=example", false},
		{`ou=x\\,dc=example`, "dc=example", true},
		{"dc=example", "ou=sales,dc=example", false},
		{`ou=\ a,dc=example`, "ou=a,dc=example", false},
		{"dc=example", "", false},
		{"", "dc=example", false},
		{"no dn", "no dn", true},
		{"no dn", "dn", false},
		{"/Staff", "/Staff", true},
		{"/staff/Sales", "/Staff", true},
		{"/Staff/Sales", "/Staff/", true},
		{"/Staffing", "/Staff", false},
		{"/Staff", "/Staff/Sales", false},
		{"/ÉTÉ/x", "/été", true},
		{"/", "/", true},
		{"/Staff", "/", true},
		{"", "/", false},
		{"dc=example", "/", false},
		{"/a,dc=example", "dc=example", false},
	} {
		if got := directory.Within(tc.unit, tc.above); got != tc.want {
			t.Errorf("%q within %q: %v", tc.unit, tc.above, got)
		}
	}
}

func TestExclude_D9(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		rules directory.Exclude
		entry person.Entry
		want  bool
	}{
		{"no rules", directory.Exclude{}, person.Entry{ID: "1"}, false},
		{"an id", directory.Exclude{IDs: []string{"0", "ABC"}}, person.Entry{ID: "abc"}, true},
		{"another id", directory.Exclude{IDs: []string{"ab"}}, person.Entry{ID: "abc"}, false},
		{"an address", directory.Exclude{Mails: []string{" Root@Example.com"}}, person.Entry{Mail: "root@example.COM "}, true},
		{"an address that ends alike", directory.Exclude{Mails: []string{"root@example.com"}}, person.Entry{Mail: "chroot@example.com"}, false},
		{"a domain", directory.Exclude{Mails: []string{"@Example.com"}}, person.Entry{Mail: "a@example.com"}, true},
		{"a domain within", directory.Exclude{Mails: []string{"@example.com"}}, person.Entry{Mail: "a@sub.example.com"}, false},
		{"a domain that ends alike", directory.Exclude{Mails: []string{"@example.com"}}, person.Entry{Mail: "a@notexample.com"}, false},
		{"no address", directory.Exclude{Mails: []string{"", "@example.com"}}, person.Entry{}, false},
		{"a unit", directory.Exclude{Units: []string{"ou=robots,dc=example"}}, person.Entry{Unit: "OU=Robots,DC=example"}, true},
		{"a unit below", directory.Exclude{Units: []string{"/x", "/Robots"}}, person.Entry{Unit: "/robots/old"}, true},
		{"another unit", directory.Exclude{Units: []string{"/Robots"}}, person.Entry{Unit: "/Staff"}, false},
	} {
		if got := tc.rules.Excludes(tc.entry); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestInScope_D9(t *testing.T) {
	t.Parallel()
	c := configs()[directory.ReadWrite]
	g := person.Google{ID: "1", Mail: "Anna@Example.com", OrgUnit: "/Staff/Sales"}
	for name, tc := range map[string]struct {
		change func(*directory.Config)
		want   bool
	}{
		"everybody":      {func(*directory.Config) {}, true},
		"the domain":     {func(c *directory.Config) { c.Google.Domain = "example.COM" }, true},
		"another domain": {func(c *directory.Config) { c.Google.Domain = "ple.com" }, false},
		"the unit":       {func(c *directory.Config) { c.Google.OrgUnits = []string{"/Other", "/staff"} }, true},
		"another unit":   {func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff/Sales/East"} }, false},
		"excluded":       {func(c *directory.Config) { c.Exclude.IDs = []string{"1"} }, false},
		"without Google": {func(c *directory.Config) { c.Google = nil }, false},
	} {
		c := c
		if c.Google != nil {
			copied := *c.Google
			c.Google = &copied
		}
		tc.change(&c)
		if got := c.InScope(g); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzWithin(f *testing.F) {
	f.Add("ou=sales,dc=example,dc=com")
	f.Add(`cn=M\C3\BCller\, Anna+uid=a,ou=\ x\ ,dc=com`)
	f.Add("2.5.4.3=#04024869")
	f.Add("/Staff/Sales")
	f.Add(`a=\`)
	f.Fuzz(func(t *testing.T, unit string) {
		if !directory.Within(unit, unit) {
			t.Fatal("a unit is not within itself")
		}
		c := configs()[directory.LDAPOnly]
		c.LDAP.BaseDN = unit
		if c.Validate() == nil && (!directory.Within("ou=x, "+unit, unit) || directory.Within(unit, "OU=X,"+unit)) {
			t.Fatal("what lies below is above")
		}
	})
}
