package ldap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Invariant D8: whatever is in one entry, the walk goes on, and the entry is
// reported.
func TestWalk_D8_MapsOddEntries(t *testing.T) {
	t.Parallel()
	const id = "00000001-0000-4000-8000-000000000001"
	long, many := strings.Repeat("x", ldap.MaxValue+1), make([]string, ldap.MaxValues+1)
	for i := range many {
		many[i] = "a" + strings.Repeat("a", i) + "@example.com"
	}
	for _, tt := range []struct {
		name     string
		schema   directory.Schema
		dn       string
		add      map[string][]string
		config   func(*directory.LDAP)
		exp      person.Entry
		problems []string
	}{
		{
			name: "several addresses, in whatever order", dn: "uid=a," + base,
			add: map[string][]string{"mail": {"z@example.com", "A@example.com", "b@example.com", "a@example.com"}},
			exp: person.Entry{DN: "uid=a," + base, Mail: "A@example.com", Aliases: []string{"b@example.com", "z@example.com"}, Unranked: true, Unit: base, Enabled: person.Yes},
		},
		{
			name: "a comma, a plus and a space", dn: `cn=M\C3\BCller\2C Anna \2B Co ,OU=Sales\, West , DC=example,dc=com`,
			add: map[string][]string{"mail": {"a@example.com"}},
			exp: person.Entry{DN: `cn=M\C3\BCller\2C Anna \2B Co ,OU=Sales\, West , DC=example,dc=com`, Mail: "a@example.com", Unit: `ou=Sales\, West,dc=example,dc=com`, Enabled: person.Yes},
		},
		{
			name: "no mail", dn: "uid=a," + base, add: map[string][]string{"uid": {"a"}, "cn": {"Anna Ünal"}},
			exp:      person.Entry{DN: "uid=a," + base, Login: "a", DisplayName: "Anna Ünal", Unit: base, Enabled: person.Yes},
			problems: []string{ldap.ProblemNoMail},
		},
		{
			name: "what is no text, and what is too long", dn: "uid=a," + base,
			add: map[string][]string{"mail": {"a@example.com", "\xff\xfe", long}, "sn": {"a\x00b"}, "givenName": {"Anna"}, "uid": {long}},
			exp: person.Entry{DN: "uid=a," + base, Mail: "a@example.com", GivenName: "Anna", Unit: base, Enabled: person.Yes},
			problems: []string{
				ldap.ProblemNotText, ldap.ProblemTooLong,
			},
		},
		{
			name: "locked by an administrator", dn: "uid=a," + base,
			add: map[string][]string{"mail": {"a@example.com"}, "pwdAccountLockedTime": {"000001010000Z"}},
			exp: person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unit: base, Enabled: person.No},
		},
		{
			name: "locked by wrong passwords, which anybody can type", dn: "uid=a," + base,
			add: map[string][]string{"mail": {"a@example.com"}, "pwdAccountLockedTime": {"20300102030405Z"}},
			exp: person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unit: base, Enabled: person.Yes},
		},
		{
			name: "locked by an attribute's presence", dn: "uid=a," + base,
			add:    map[string][]string{"mail": {"a@example.com"}, "loginDisabled": {"whatever"}},
			config: func(l *directory.LDAP) { l.Attributes.Disabled = "loginDisabled" },
			exp:    person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unit: base, Enabled: person.No},
		},
		{
			name: "389 Directory Server's lock", schema: directory.DirectoryServer, dn: "uid=a," + base,
			add: map[string][]string{"mail": {"a@example.com"}, "nsAccountLock": {"true"}},
			exp: person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unit: base, Enabled: person.No},
		},
		{
			name: "custom attributes", dn: "uid=a," + base,
			add: map[string][]string{"mail": {"a@example.com"}, "employeeNumber": {"12", "11"}, "userPassword": {"secret"}},
			config: func(l *directory.LDAP) {
				l.Attributes.Custom = map[string]string{"NUMBER": "employeenumber", "TRICK": "userPassword", "NONE": "title"}
			},
			exp: person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unit: base, Enabled: person.Yes, Attributes: map[string]string{"NUMBER": "11"}},
		},
		{
			name: "Active Directory's addresses", schema: directory.ActiveDirectory, dn: "CN=Anna,OU=Staff," + base,
			add: map[string][]string{
				"proxyAddresses":     {"smtp:second@example.com", "X400:c=us;a= ;p=x", "SMTP:First@example.com", "sip:anna@example.com", "smtp:first@example.com"},
				"userAccountControl": {"66050"}, "sAMAccountName": {"anna"},
			},
			exp: person.Entry{DN: "CN=Anna,OU=Staff," + base, Mail: "First@example.com", Aliases: []string{"second@example.com"}, Login: "anna", Unit: "ou=Staff," + base, Enabled: person.No},
		},
		{
			name: "Active Directory without the right to see flags", schema: directory.ActiveDirectory, dn: "CN=Anna," + base,
			add: map[string][]string{"mail": {"a@example.com"}},
			exp: person.Entry{DN: "CN=Anna," + base, Mail: "a@example.com", Unit: base},
		},
		{
			name: "flags that are no number", schema: directory.ActiveDirectory, dn: "CN=Anna," + base,
			add: map[string][]string{"mail": {"a@example.com"}, "userAccountControl": {"normal"}},
			exp: person.Entry{DN: "CN=Anna," + base, Mail: "a@example.com", Unit: base}, problems: []string{ldap.ProblemBadControl},
		},
		{
			name: "a name without end", dn: "uid=" + strings.Repeat("a", ldap.MaxDN) + "," + base, add: map[string][]string{"mail": {"a@example.com"}},
			exp:      person.Entry{Mail: "a@example.com", Enabled: person.Yes},
			problems: []string{ldap.ProblemBadDN},
		},
		{
			name: "too many values", dn: "uid=a," + base, add: map[string][]string{"mail": many},
			exp:      person.Entry{DN: "uid=a," + base, Mail: "a@example.com", Unranked: true, Unit: base, Enabled: person.Yes},
			problems: []string{ldap.ProblemTooLong},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, ldaptest.Options{Schema: tt.schema}, 0)
			attributes := map[string][]string{"objectClass": {"inetOrgPerson"}, "entryUUID": {id}}
			if tt.schema == directory.ActiveDirectory {
				attributes["objectClass"], attributes["objectCategory"] = []string{"user"}, []string{"person"}
			}
			for name, v := range tt.add {
				attributes[name] = v
			}
			must(t, b.sim.Add(ldaptest.Entry{DN: tt.dn, Attributes: attributes}))
			c := b.as(func(o *ldap.Options) {
				if tt.config != nil {
					tt.config(&o.Config)
				}
			})
			var page ldap.Page
			_, err := c.Walk(t.Context(), func(p ldap.Page) error { page = p; return nil })
			must(t, err)
			if len(page.Entries) != 1 || page.Unidentified != 0 {
				t.Fatalf("%+v", page)
			}
			tt.exp.ID = b.sim.ID(tt.dn)
			got := page.Entries[0]
			if tt.name == "too many values" {
				got.Aliases = nil
			}
			if diff := cmp.Diff(tt.exp, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var reasons []string
			for _, p := range page.Problems {
				if p.ID != tt.exp.ID || p.DN != tt.exp.DN {
					t.Errorf("a problem of %+v", p)
				}
				reasons = append(reasons, p.Reason)
			}
			slices.Sort(reasons)
			if diff := cmp.Diff(tt.problems, reasons); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWalk_D8_CountsEntriesWithoutAnID(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	c := b.as(func(o *ldap.Options) { o.Config.Attributes.ID = "employeeNumber" })
	must(t, b.sim.Set(personDN(3), "employeeNumber", "3"))
	must(t, b.sim.Set(personDN(4), "employeeNumber", "4", "5"))
	var all ldap.Page
	_, err := c.Walk(t.Context(), func(p ldap.Page) error { all = p; return nil })
	must(t, err)
	if len(all.Entries) != 1 || all.Entries[0].ID != "3" || all.Unidentified != 19 || len(all.Problems) != 19 {
		t.Errorf("%d entries, %d unidentified, %d problems", len(all.Entries), all.Unidentified, len(all.Problems))
	}
}

func TestWalk_KeepsWithinGroupsAndOffComputers(t *testing.T) {
	t.Parallel()
	ad := newBench(t, ldaptest.Options{Schema: directory.ActiveDirectory}, 20)
	inner, outer := "CN=inner (1),OU=groups,"+base, "CN=outer,OU=groups,"+base
	must(t, ad.sim.Add(
		ldaptest.Entry{DN: outer, Attributes: map[string][]string{"objectClass": {"group"}}},
		ldaptest.Entry{DN: inner, Attributes: map[string][]string{"objectClass": {"group"}, "memberOf": {outer}}},
		ldaptest.Entry{DN: "CN=pc,OU=people," + base, Attributes: map[string][]string{
			"objectClass": {"user", "computer"}, "objectCategory": {"computer"}, "memberOf": {outer},
		}},
	))
	must(t, ad.sim.Set(adDN(1), "memberOf", inner))
	must(t, ad.sim.Set(adDN(2), "memberOf", outer))
	logins := func(c *ldap.Client) (out []string) {
		s, _ := walk(t, c)
		for _, e := range s {
			out = append(out, e.Login)
		}
		slices.Sort(out)
		return out
	}
	for group, exp := range map[string][]string{outer: {"u000001", "u000002"}, inner: {"u000001"}} {
		c := ad.as(func(o *ldap.Options) {
			o.Config.Groups = []string{group, "CN=none," + base}
			o.Config.Filter = "(objectClass=user)"
		})
		if got := logins(c); !slices.Equal(got, exp) {
			t.Errorf("%s: %v", group, got)
		}
	}
	open := newBench(t, ldaptest.Options{}, 20)
	must(t, open.sim.Set(personDN(1), "memberOf", "cn=staff,"+base))
	c := open.as(func(o *ldap.Options) { o.Config.Groups = []string{"CN=Staff, " + base} })
	if got := logins(c); !slices.Equal(got, []string{"u000001"}) {
		t.Error(got)
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	for in, exp := range map[string]string{
		"":                        "",
		"DC=Example , dc=com":     "dc=Example,dc=com",
		`OU=Sales\2c West,DC=com`: `ou=Sales\, West,dc=com`,
		`OU=M\c3\bcller,DC=com`:   "ou=Müller,dc=com",
		"OU=Müller;DC=com":        "ou=Müller,dc=com",
		`ou=\20a\20 ,dc=com`:      `ou=\ a\ ,dc=com`,
		`ou=\#1\+2\"\\,dc=com`:    `ou=\#1\+2\"\\,dc=com`,
		"sn=b+CN=a,dc=com":        "cn=a+sn=b,dc=com",
		`cn=a\0ADEL:1,dc=com`:     `cn=a\0aDEL:1,dc=com`,
	} {
		got, err := ldap.Normal(in)
		if err != nil || got != exp {
			t.Errorf("Normal(%q) = %q, %v, want %q", in, got, err, exp)
		}
		if again, err := ldap.Normal(got); err != nil || again != got {
			t.Errorf("Normal(%q) = %q, %v", got, again, err)
		}
	}
	if _, err := ldap.Normal("nothing"); err == nil {
		t.Error("what is no DN has a normal form")
	}
}
