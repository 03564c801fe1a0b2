package directory_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// configs returns a sound configuration of each mode.
func configs() map[directory.Mode]directory.Config {
	ldap := func() *directory.LDAP {
		return &directory.LDAP{URL: "ldaps://ldap.example.com", BaseDN: "ou=people,dc=example,dc=com"}
	}
	google := func() *directory.Google { return &directory.Google{Subject: "admin@example.com"} }
	return map[directory.Mode]directory.Config{
		directory.LDAPOnly:   {Enterprise: "acme", Mode: directory.LDAPOnly, LDAP: ldap()},
		directory.ReadOnly:   {Enterprise: "acme", Mode: directory.ReadOnly, LDAP: ldap(), Google: google()},
		directory.ReadWrite:  {Enterprise: "acme", Mode: directory.ReadWrite, LDAP: ldap(), Google: google()},
		directory.GoogleOnly: {Enterprise: "acme", Mode: directory.GoogleOnly, Google: google()},
	}
}

func certificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func days(n int) *int { return &n }

func TestConfigThatIsSound(t *testing.T) {
	t.Parallel()
	ca := certificate(t)
	full := configs()[directory.ReadWrite]
	full.LDAP = &directory.LDAP{
		URL: "ldap://[2001:db8::1]:1389/", Security: directory.StartTLS, CA: ca + "\n" + ca, BindDN: `cn=Müller\, Anna,dc=example,dc=com`,
		Schema: directory.OpenLDAP, BaseDN: "dc=example,dc=com", Filter: `(&(objectClass=person)(!(cn=a\28b\29)))`, Groups: []string{"cn=staff,dc=example,dc=com"},
		Attributes: directory.Attributes{
			ID: "entryUUID", Mail: "2.5.4.3", GivenName: "givenName;lang-de", Disabled: "loginDisabled", DisabledValues: []string{"yes"},
			PasswordHash: "userPassword", Custom: map[string]string{"cost_centre": "departmentNumber"},
		},
		Incremental: directory.SyncCookie, PageSize: 10,
	}
	full.Google = &directory.Google{
		Subject: "admin@example.com", Domain: "example.com", OrgUnits: []string{"/Staff"}, Watch: true, DefaultUnit: "/Staff/New",
		Units: []directory.UnitRule{{DN: "ou=sales,dc=example,dc=com", OrgUnit: "/staff/Sales"}}, PasswordHashes: true, DeleteAfterDays: 365,
	}
	full.Exclude = directory.Exclude{Mails: []string{"@guests.example.com", "root@example.com"}, Units: []string{"/Robots", "ou=robots,dc=example,dc=com"}, IDs: []string{"x"}}
	full.Guard = directory.Guard{Population: 1, DropPercent: 100, Withdraw: directory.Limit{Count: 1, Percent: 1}, Delete: directory.Limit{Count: 1_000_000, Percent: 100}}
	full.Leavers.GraceDays = days(0)
	full.SignIn = &directory.SignIn{LDAP: true, Labels: []string{"byod"}, OIDC: &directory.OIDC{
		Issuer: "http://localhost:8080/realms/acme", Audience: "client", Claim: "https://example.com/login", Match: directory.MatchLogin}}
	full.FullEveryHours, full.Revision, full.UpdatedBy = 168, 3, "admin:anna@example.com"
	all := configs()
	all["full"] = full
	for name, c := range all {
		for what, c := range map[string]directory.Config{"as it is": c, "with its defaults": c.WithDefaults(), "with its defaults twice": c.WithDefaults().WithDefaults()} {
			if err := c.Validate(); err != nil {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
		if diff := cmp.Diff(c.WithDefaults(), c.WithDefaults().WithDefaults()); diff != "" {
			t.Errorf("%s: the defaults of the defaults differ:\n%s", name, diff)
		}
	}
}

func TestDefaultsLeaveTheConfigAlone(t *testing.T) {
	t.Parallel()
	c, want := configs()[directory.ReadWrite], configs()[directory.ReadWrite]
	c.SignIn = &directory.SignIn{OIDC: &directory.OIDC{}}
	want.SignIn = &directory.SignIn{OIDC: &directory.OIDC{}}
	got := c.WithDefaults()
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the configuration changed:\n%s", diff)
	}
	if got.LDAP.Security != directory.TLS || got.LDAP.PageSize != 500 || got.Google.DefaultUnit != "/" || *got.Leavers.GraceDays != 7 ||
		got.SignIn.OIDC.Claim != "sub" || got.Guard.Delete.Percent != 5 || got.FullEveryHours != 24 {
		t.Errorf("defaults %+v", got)
	}
}

func TestConfigThatIsWrong(t *testing.T) {
	t.Parallel()
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}))
	long := strings.Repeat("a", 5000)
	many := func(n int, s string) []string { return strings.Split(strings.Repeat(s+"\n", n)+s, "\n") }
	type change = func(*directory.Config)
	for _, tc := range []struct {
		mode   directory.Mode
		field  string
		change change
	}{
		{directory.LDAPOnly, "enterprise", func(c *directory.Config) { c.Enterprise = "Acme" }},
		{directory.LDAPOnly, "mode", func(c *directory.Config) { c.Mode = "" }},
		{directory.LDAPOnly, "ldap", func(c *directory.Config) { c.LDAP = nil }},
		{directory.LDAPOnly, "google", func(c *directory.Config) { c.Google = &directory.Google{Subject: "a@example.com"} }},
		{directory.GoogleOnly, "ldap", func(c *directory.Config) { c.LDAP = &directory.LDAP{} }},
		{directory.GoogleOnly, "google", func(c *directory.Config) { c.Google = nil }},
		{directory.ReadOnly, "google", func(c *directory.Config) { c.Google = nil }},

		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "http://ldap.example.com" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldap.example.com:636" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://cn:secret@ldap.example.com" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://ldap.example.com/dc=example" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://ldap.example.com?x" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://ldap.example.com:0" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://ldap.example.com:65536" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://ldap.example.com:" }},
		{directory.LDAPOnly, "ldap.url", func(c *directory.Config) { c.LDAP.URL = "ldaps://" + long }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.Security = "ssl" }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.Security = directory.StartTLS }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.URL, c.LDAP.Security = "ldap://a", directory.TLS }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.URL, c.LDAP.Security = "ldap://a", directory.Plain }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) {
			c.LDAP.URL, c.LDAP.Security = "ldap://localhost.example.com", directory.Plain
		}},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.URL, c.LDAP.Security = "ldap://127.0.0.1.nip.io", directory.Plain }},
		{directory.LDAPOnly, "ldap.security", func(c *directory.Config) { c.LDAP.URL, c.LDAP.Security = "ldaps://localhost", directory.Plain }},
		{directory.LDAPOnly, "ldap.ca", func(c *directory.Config) { c.LDAP.CA = "MIIB" }},
		{directory.LDAPOnly, "ldap.ca", func(c *directory.Config) { c.LDAP.CA = key }},
		{directory.LDAPOnly, "ldap.ca", func(c *directory.Config) {
			c.LDAP.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no")}))
		}},
		{directory.LDAPOnly, "ldap.ca", func(c *directory.Config) { c.LDAP.CA = strings.Repeat(" ", 64<<10+1) }},
		{directory.LDAPOnly, "ldap.bindDn", func(c *directory.Config) { c.LDAP.BindDN = "reader@example.com" }},
		{directory.LDAPOnly, "ldap.schema", func(c *directory.Config) { c.LDAP.Schema = "novell" }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = "" }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = "example.com" }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = "dc=example," }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = `dc=exam\zz` }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = `dc=example\` }},
		{directory.LDAPOnly, "ldap.baseDn", func(c *directory.Config) { c.LDAP.BaseDN = "ou=" + long }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "mail=*" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(mail=*" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(mail=*))" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(a=1)(b=2)" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(&())" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(mail=\x00)" }},
		{directory.LDAPOnly, "ldap.filter", func(c *directory.Config) { c.LDAP.Filter = "(cn=" + long + ")" }},
		{directory.LDAPOnly, "ldap.groups[1]", func(c *directory.Config) { c.LDAP.Groups = []string{"cn=a", "staff"} }},
		{directory.LDAPOnly, "ldap.groups", func(c *directory.Config) { c.LDAP.Groups = many(100, "cn=a") }},
		{directory.LDAPOnly, "ldap.incremental", func(c *directory.Config) { c.LDAP.Incremental = "always" }},
		{directory.LDAPOnly, "ldap.incremental", func(c *directory.Config) { c.LDAP.Incremental = directory.DirSync }},
		{directory.LDAPOnly, "ldap.incremental", func(c *directory.Config) {
			c.LDAP.Incremental, c.LDAP.Schema = directory.SyncCookie, directory.ActiveDirectory
		}},
		{directory.LDAPOnly, "ldap.pageSize", func(c *directory.Config) { c.LDAP.PageSize = 9 }},
		{directory.LDAPOnly, "ldap.pageSize", func(c *directory.Config) { c.LDAP.PageSize = 1001 }},
		{directory.LDAPOnly, "ldap.attributes.mail", func(c *directory.Config) { c.LDAP.Attributes.Mail = "e mail" }},
		{directory.LDAPOnly, "ldap.attributes.id", func(c *directory.Config) { c.LDAP.Attributes.ID = "1.02" }},
		{directory.LDAPOnly, "ldap.attributes.login", func(c *directory.Config) { c.LDAP.Attributes.Login = "uid;" }},
		{directory.LDAPOnly, "ldap.attributes.login", func(c *directory.Config) { c.LDAP.Attributes.Login = "UserPassword;binary" }},
		{directory.LDAPOnly, "ldap.attributes.passwordHash", func(c *directory.Config) { c.LDAP.Attributes.PasswordHash = long }},
		{directory.LDAPOnly, "ldap.attributes.disabledValues[0]", func(c *directory.Config) { c.LDAP.Attributes.DisabledValues = []string{" "} }},
		{directory.LDAPOnly, "ldap.attributes.disabledValues", func(c *directory.Config) { c.LDAP.Attributes.DisabledValues = many(20, "x") }},
		{directory.LDAPOnly, "ldap.attributes.custom", func(c *directory.Config) { c.LDAP.Attributes.Custom = map[string]string{"1st": "cn"} }},
		{directory.LDAPOnly, "ldap.attributes.custom", func(c *directory.Config) {
			c.LDAP.Attributes.Custom = map[string]string{strings.Repeat("a", 41): "cn"}
		}},
		{directory.LDAPOnly, "ldap.attributes.custom.a", func(c *directory.Config) { c.LDAP.Attributes.Custom = map[string]string{"a": "", "b": ""} }},
		{directory.LDAPOnly, "ldap.attributes.custom", func(c *directory.Config) {
			c.LDAP.Attributes.Custom = map[string]string{}
			for i := range 21 {
				c.LDAP.Attributes.Custom[fmt.Sprintf("a%d", i)] = "cn"
			}
		}},

		{directory.GoogleOnly, "google.subject", func(c *directory.Config) { c.Google.Subject = "admin" }},
		{directory.GoogleOnly, "google.subject", func(c *directory.Config) { c.Google.Subject = "admin@@example.com" }},
		{directory.GoogleOnly, "google.subject", func(c *directory.Config) { c.Google.Subject = "ad min@example.com" }},
		{directory.GoogleOnly, "google.subject", func(c *directory.Config) { c.Google.Subject = "Admin <admin@example.com>" }},
		{directory.GoogleOnly, "google.domain", func(c *directory.Config) { c.Google.Domain = "@example.com" }},
		{directory.GoogleOnly, "google.orgUnits[0]", func(c *directory.Config) { c.Google.OrgUnits = []string{"Staff"} }},
		{directory.GoogleOnly, "google.orgUnits[0]", func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff/"} }},
		{directory.GoogleOnly, "google.orgUnits[0]", func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff//Sales"} }},
		{directory.GoogleOnly, "google.orgUnits", func(c *directory.Config) { c.Google.OrgUnits = many(100, "/Staff") }},
		{directory.ReadOnly, "google.units", func(c *directory.Config) { c.Google.Units = []directory.UnitRule{{DN: "ou=a", OrgUnit: "/A"}} }},
		{directory.ReadOnly, "google.defaultUnit", func(c *directory.Config) { c.Google.DefaultUnit = "/A" }},
		{directory.ReadOnly, "google.passwordHashes", func(c *directory.Config) { c.Google.PasswordHashes = true }},
		{directory.GoogleOnly, "google.deleteAfterDays", func(c *directory.Config) { c.Google.DeleteAfterDays = 30 }},
		{directory.ReadWrite, "google.units[0].dn", func(c *directory.Config) { c.Google.Units = []directory.UnitRule{{OrgUnit: "/A"}} }},
		{directory.ReadWrite, "google.units[0].orgUnit", func(c *directory.Config) { c.Google.Units = []directory.UnitRule{{DN: "ou=a"}} }},
		{directory.ReadWrite, "google.units[0].orgUnit", func(c *directory.Config) {
			c.Google.OrgUnits, c.Google.DefaultUnit = []string{"/Staff"}, "/Staff"
			c.Google.Units = []directory.UnitRule{{DN: "ou=a", OrgUnit: "/Staffing"}}
		}},
		{directory.ReadWrite, "google.units", func(c *directory.Config) { c.Google.Units = make([]directory.UnitRule, 501) }},
		{directory.ReadWrite, "google.defaultUnit", func(c *directory.Config) { c.Google.DefaultUnit = "New" }},
		{directory.ReadWrite, "google.defaultUnit", func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff"} }},
		{directory.ReadWrite, "google.passwordHashes", func(c *directory.Config) {
			c.LDAP.Schema, c.Google.PasswordHashes = directory.ActiveDirectory, true
		}},
		{directory.ReadWrite, "google.deleteAfterDays", func(c *directory.Config) { c.Google.DeleteAfterDays = 366 }},
		{directory.ReadWrite, "google.deleteAfterDays", func(c *directory.Config) { c.Google.DeleteAfterDays = -1 }},

		{directory.ReadOnly, "exclude.mails[0]", func(c *directory.Config) { c.Exclude.Mails = []string{"example.com"} }},
		{directory.ReadOnly, "exclude.mails[0]", func(c *directory.Config) { c.Exclude.Mails = []string{"@"} }},
		{directory.ReadOnly, "exclude.units[0]", func(c *directory.Config) { c.Exclude.Units = []string{""} }},
		{directory.LDAPOnly, "exclude.units[0]", func(c *directory.Config) { c.Exclude.Units = []string{"/Staff"} }},
		{directory.GoogleOnly, "exclude.units[0]", func(c *directory.Config) { c.Exclude.Units = []string{"ou=staff"} }},
		{directory.ReadOnly, "exclude.ids[0]", func(c *directory.Config) { c.Exclude.IDs = []string{""} }},
		{directory.ReadOnly, "exclude.ids", func(c *directory.Config) { c.Exclude.IDs = many(1000, "x") }},
		{directory.ReadOnly, "guard.population", func(c *directory.Config) { c.Guard.Population = -1 }},
		{directory.ReadOnly, "guard.dropPercent", func(c *directory.Config) { c.Guard.DropPercent = 101 }},
		{directory.ReadOnly, "guard.withdraw.count", func(c *directory.Config) { c.Guard.Withdraw.Count = 1_000_001 }},
		{directory.ReadOnly, "guard.withdraw.percent", func(c *directory.Config) { c.Guard.Withdraw.Percent = -5 }},
		{directory.ReadOnly, "guard.delete.percent", func(c *directory.Config) { c.Guard.Delete.Percent = 101 }},
		{directory.ReadOnly, "leavers.graceDays", func(c *directory.Config) { c.Leavers.GraceDays = days(366) }},
		{directory.ReadOnly, "leavers.graceDays", func(c *directory.Config) { c.Leavers.GraceDays = days(-1) }},
		{directory.ReadOnly, "fullEveryHours", func(c *directory.Config) { c.FullEveryHours = 169 }},
		{directory.ReadOnly, "revision", func(c *directory.Config) { c.Revision = -1 }},
		{directory.ReadOnly, "updatedBy", func(c *directory.Config) { c.UpdatedBy = long }},

		{directory.GoogleOnly, "signIn.ldap", func(c *directory.Config) { c.SignIn = &directory.SignIn{LDAP: true} }},
		{directory.ReadOnly, "signIn", func(c *directory.Config) { c.SignIn = &directory.SignIn{} }},
		{directory.ReadOnly, "signIn.labels[0]", func(c *directory.Config) { c.SignIn = &directory.SignIn{LDAP: true, Labels: []string{"B Y"}} }},
		{directory.ReadOnly, "signIn.labels", func(c *directory.Config) { c.SignIn = &directory.SignIn{LDAP: true, Labels: many(20, "a")} }},
		{directory.ReadOnly, "signIn.oidc.issuer", oidc(directory.OIDC{Issuer: "http://idp.example.com", Audience: "a"})},
		{directory.ReadOnly, "signIn.oidc.issuer", oidc(directory.OIDC{Issuer: "https://idp.example.com?a=b", Audience: "a"})},
		{directory.ReadOnly, "signIn.oidc.issuer", oidc(directory.OIDC{Issuer: "https://idp.example.com#", Audience: "a"})},
		{directory.ReadOnly, "signIn.oidc.issuer", oidc(directory.OIDC{Issuer: "https://", Audience: "a"})},
		{directory.ReadOnly, "signIn.oidc.audience", oidc(directory.OIDC{Issuer: "https://idp.example.com"})},
		{directory.ReadOnly, "signIn.oidc.claim", oidc(directory.OIDC{Issuer: "https://idp.example.com", Audience: "a", Claim: "a b"})},
		{directory.ReadOnly, "signIn.oidc.match", oidc(directory.OIDC{Issuer: "https://idp.example.com", Audience: "a", Match: "name"})},
		{directory.GoogleOnly, "signIn.oidc.match", oidc(directory.OIDC{Issuer: "https://idp.example.com", Audience: "a", Match: directory.MatchLogin})},
	} {
		c := configs()[tc.mode]
		tc.change(&c)
		err := fault.As(c.Validate())
		if err == nil || err.Kind != fault.Invalid || err.Field != tc.field || err.Public == "" {
			t.Errorf("%s, want %s to be refused: %v", tc.mode, tc.field, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats what was given: %v", tc.field, err)
		}
	}
}

func oidc(o directory.OIDC) func(*directory.Config) {
	return func(c *directory.Config) { c.SignIn = &directory.SignIn{OIDC: &o} }
}

func TestConfigThatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := configs()[directory.LDAPOnly]
	for i := range 1000 {
		c.Exclude.Units = append(c.Exclude.Units, fmt.Sprintf("ou=%0400d,dc=example,dc=com", i))
	}
	if err := c.Validate(); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("a configuration of 400 KB: %v", err)
	}
}

func TestActiveDirectoryKnowsAccountsByOtherNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"reader@example.com": true, `EXAMPLE\reader`: true, "cn=reader,dc=example,dc=com": true, "": true,
		"reader": false, `EXAMPLE\`: false, "@example.com": false,
	} {
		c := configs()[directory.LDAPOnly]
		c.LDAP.Schema, c.LDAP.BindDN = directory.ActiveDirectory, name
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
