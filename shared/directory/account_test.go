package directory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func readWrite() directory.Config {
	c := configs()[directory.ReadWrite]
	c.Google.PasswordHashes, c.Google.DeleteAfterDays = true, 30
	c.Google.Units = []directory.UnitRule{
		{DN: "dc=example, dc=com", OrgUnit: "/Staff"}, {DN: "OU=Sales,DC=example,DC=com", OrgUnit: "/Staff/Sales"},
	}
	return c
}

func TestAccountSteps_D2_D9(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		state    person.State
		change   func(*directory.Config, *person.Person)
		steps    string
		problems string
	}{
		{"as it is", person.Active, func(*directory.Config, *person.Person) {}, "", ""},
		{"in another mode", person.Active, func(c *directory.Config, p *person.Person) { c.Mode, p.Google = directory.ReadOnly, person.Google{} }, "", ""},
		{"without an account", person.Active, func(_ *directory.Config, p *person.Person) { p.Google = person.Google{} }, "create-account", ""},
		{"whose account is being made", person.Active, func(_ *directory.Config, p *person.Person) { p.Google = person.Google{Mail: "anna@example.com"} }, "create-account", ""},
		{"without an address", person.Active, func(_ *directory.Config, p *person.Person) { p.Google, p.Entry.Mail = person.Google{}, "" }, "", ""},
		{"with an address of several", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google, p.Problems = person.Google{}, []string{directory.ProblemSharedMail}
		}, "", ""},
		{"with an address of several and another account", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google.Mail, p.Problems = "a@example.com", []string{directory.ProblemSharedMail}
		}, "", ""},
		{"with an address elsewhere", person.Active, func(c *directory.Config, p *person.Person) {
			p.Google, c.Google.Domain = person.Google{}, "example.org"
		}, "", directory.ProblemOutOfScope},
		{"without a family name", person.Active, func(_ *directory.Config, p *person.Person) { p.Google, p.Entry.FamilyName = person.Google{}, " " }, "", directory.ProblemNameMissing},
		{"with a name of 40 characters", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google, p.Entry.GivenName = person.Google{}, strings.Repeat("ž", 40)
		}, "create-account", ""},
		{"with a name of 41 characters", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google, p.Entry.GivenName = person.Google{}, strings.Repeat("ž", 41)
		}, "", directory.ProblemNameTooLong},
		{"with an earlier address beside the account's", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Entry.Mail, p.Entry.Aliases, p.Entry.Unranked = "aaa@example.com", []string{"Anna@example.com"}, true
		}, "", ""},
		{"with a first address before the account's", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Entry.Mail, p.Entry.Aliases = "aaa@example.com", []string{"anna@example.com"}
		}, "rename-account", ""},
		{"with several addresses that are others", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Entry.Mail, p.Entry.Aliases, p.Entry.Unranked = "aaa@example.com", []string{"bbb@example.com"}, true
		}, "rename-account", ""},
		{"with a longer name and an account", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.GivenName = strings.Repeat("ž", 41) }, "", directory.ProblemNameTooLong},
		{"whose account is deleted", person.Active, func(_ *directory.Config, p *person.Person) { p.Google.Deleted, p.Google.Suspended = true, person.Yes }, "restore-account", ""},
		{"whom Rollcall suspended", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google.Suspended, p.Google.SuspendedByUs = person.Yes, true
		}, "unsuspend-account", ""},
		{"whom somebody suspended", person.Active, func(_ *directory.Config, p *person.Person) { p.Google.Suspended = person.Yes }, "", directory.ProblemSuspended},
		{"whom somebody archived", person.Active, func(_ *directory.Config, p *person.Person) { p.Google.Archived = person.Yes }, "", directory.ProblemSuspended},
		{"renamed", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Mail = "anna.b@example.com" }, "rename-account", ""},
		{"written otherwise", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Mail = " Anna@Example.com" }, "", ""},
		{"married", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.FamilyName = "Other" }, "update-account", ""},
		{"with spaces in the name", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Entry.GivenName, p.Google.GivenName = " Anna  Maria ", "Anna Maria"
		}, "", ""},
		{"moved", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Unit = "ou=inside,ou=sales,dc=example,dc=com" }, "move-account", ""},
		{"in a unit written otherwise", person.Active, func(_ *directory.Config, p *person.Person) { p.Google.OrgUnit = "/staff" }, "", ""},
		{"in a unit that no rule means", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Unit, p.Google.OrgUnit = "dc=elsewhere", "/X" }, "", ""},
		{"with a hash", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Hash = "h" }, "send-password-hash", ""},
		{"with a hash that was sent", person.Active, func(_ *directory.Config, p *person.Person) { p.Entry.Hash, p.Google.Hash = "h", "h" }, "", ""},
		{"with a hash, and they stay here", person.Active, func(c *directory.Config, p *person.Person) { p.Entry.Hash, c.Google.PasswordHashes = "h", false }, "", ""},
		{"with everything at once", person.Active, func(_ *directory.Config, p *person.Person) {
			p.Google.Suspended, p.Google.SuspendedByUs = person.Yes, true
			p.Entry.Mail, p.Entry.GivenName, p.Entry.Unit, p.Entry.Hash = "b@example.com", "B", "ou=sales,dc=example,dc=com", "h"
		}, "unsuspend-account rename-account update-account move-account send-password-hash", ""},

		{"not listed", person.Missing, func(_ *directory.Config, p *person.Person) { p.Entry.Mail = "b@example.com" }, "", ""},
		{"locked", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Entry.Mail = "b@example.com" }, "suspend-account", ""},
		{"locked, without an account", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google = person.Google{} }, "", ""},
		{"locked, suspended already", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Suspended = person.Yes }, "", ""},
		{"locked, archived already", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Archived = person.Yes }, "", ""},
		{"locked, and Google does not say", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Suspended = person.Unknown }, "", ""},
		{"locked, an administrator", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Admin = person.Yes }, "", directory.ProblemAdministrator},
		{"locked, perhaps an administrator", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Admin = person.Unknown }, "", directory.ProblemAdministrator},
		{"locked, deleted", person.Disabled, func(_ *directory.Config, p *person.Person) { p.Google.Deleted = true }, "", ""},

		{"left", person.Leaving, func(*directory.Config, *person.Person) {}, "suspend-account", ""},
		{"left, before the time", person.Leaving, func(_ *directory.Config, p *person.Person) {
			p.Google.Suspended, p.Google.DeleteAt = person.Yes, t2.Add(1)
		}, "", ""},
		{"left, at the time", person.Gone, func(_ *directory.Config, p *person.Person) { p.Google.Suspended, p.Google.DeleteAt = person.Yes, t2 }, "delete-account", ""},
		{"left, at the time, where accounts are kept by now", person.Gone, func(c *directory.Config, p *person.Person) {
			c.Google.DeleteAfterDays, p.Google.Suspended, p.Google.DeleteAt = 0, person.Yes, t2
		}, "", ""},
		{"left, at the time, not suspended", person.Gone, func(_ *directory.Config, p *person.Person) { p.Google.DeleteAt = t2 }, "suspend-account", ""},
		{"left, at the time, archived", person.Gone, func(_ *directory.Config, p *person.Person) { p.Google.Archived, p.Google.DeleteAt = person.Yes, t2 }, "delete-account", ""},
		{"left, at the time, an administrator", person.Gone, func(_ *directory.Config, p *person.Person) {
			p.Google.Suspended, p.Google.DeleteAt, p.Google.Admin = person.Yes, t2, person.Yes
		}, "", directory.ProblemAdministrator},
		{"left, at the time, perhaps an administrator", person.Leaving, func(_ *directory.Config, p *person.Person) {
			p.Google.DeleteAt, p.Google.Admin = t2, person.Unknown
		}, "", directory.ProblemAdministrator},
		{"left, deleted", person.Gone, func(_ *directory.Config, p *person.Person) { p.Google.Deleted, p.Google.DeleteAt = true, t2 }, "", ""},
	} {
		c, p := readWrite(), joined(known(tc.state))
		p.Entry.Unit, p.Google.OrgUnit = "ou=it,dc=example,dc=com", "/Staff"
		tc.change(&c, &p)
		steps, problems := c.AccountSteps(p, t2)
		if actions(steps) != tc.steps || strings.Join(problems, " ") != tc.problems {
			t.Errorf("somebody %s: %q with %v, want %q with %q", tc.name, actions(steps), problems, tc.steps, tc.problems)
		}
	}
}

// done is what Google makes of a step.
func done(c directory.Config, p person.Person, s directory.Step) person.Google {
	g := p.Google
	given, family := directory.GoogleNames(p.Entry)
	switch s.Action {
	case directory.CreateAccount:
		return person.Google{ID: "g-9", Mail: s.To, GivenName: given, FamilyName: family, OrgUnit: c.Google.NewUnit(p.Entry.Unit),
			Suspended: person.No, Archived: person.No, Admin: person.No, Hash: p.Entry.Hash}
	case directory.RestoreAccount:
		g.Deleted = false
	case directory.OpenAccount:
		g.Suspended, g.SuspendedByUs = person.No, false
	case directory.RenameAccount:
		g.Mail = s.To
	case directory.UpdateAccount:
		g.GivenName, g.FamilyName = given, family
	case directory.MoveAccount:
		g.OrgUnit = s.To
	case directory.SendHash:
		g.Hash = p.Entry.Hash
	case directory.CloseAccount:
		g.Suspended, g.SuspendedByUs = person.Yes, true
	case directory.DeleteAccount:
		g.Deleted, g.DeleteAt = true, time.Time{}
	}
	return g
}

func TestAccountSteps_D2_D9_Converge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, p := drawConfig(t), drawPerson(t)
		now := t0.Add(24 * time.Hour)
		for n := 0; ; n++ {
			steps, problems := c.AccountSteps(p, now)
			if len(steps) == 0 {
				return
			}
			if n > 8 {
				t.Fatalf("no end: %v", steps)
			}
			for _, s := range steps {
				switch takes := s.Action == directory.CloseAccount || s.Action == directory.DeleteAccount; {
				case takes && p.Google.Admin != person.No:
					t.Fatalf("%s for an administrator", s.Action)
				case takes && (p.State.Access() == person.Granted || p.Google.Suspended == person.Unknown && s.Action == directory.CloseAccount):
					t.Fatalf("%s for somebody %s, suspended %q", s.Action, p.State, p.Google.Suspended)
				case !s.Action.AtGoogle():
					t.Fatalf("%s", s.Action)
				}
			}
			p.Google = done(c, p, steps[0])
			if again, _ := c.AccountSteps(p, now); slices.ContainsFunc(again, func(s directory.Step) bool { return s.Action == steps[0].Action }) {
				t.Fatalf("%s is to be done again, problems %v", steps[0].Action, problems)
			}
		}
	})
}

func TestUnitForTakesTheNearest(t *testing.T) {
	t.Parallel()
	g := directory.Google{DefaultUnit: "/New", Units: []directory.UnitRule{
		{DN: "ou=sales,dc=example,dc=com", OrgUnit: "/Sales"},
		{DN: "OU=People ,  DC=example,DC=com", OrgUnit: "/People"},
		{DN: "ou=é,ou=sales,dc=example,dc=com", OrgUnit: "/Sales/É"},
		{DN: `ou=R\2cD,dc=example,dc=com`, OrgUnit: "/R&D"},
	}}
	for dn, want := range map[string]string{
		"ou=sales,dc=example,dc=com":                "/Sales",
		"ou=x,OU=Sales,dc=example,dc=com":           "/Sales",
		"ou=É,ou=sales,dc=example,dc=com":           "/Sales/É",
		`ou=x,ou=\C3\A9,ou=SALES,DC=example,dc=com`: "/Sales/É",
		"ou=people,dc=example,dc=com":               "/People",
		`ou=r\,d,dc=example,dc=com`:                 "/R&D",
		"ou=presales,dc=example,dc=com":             "",
		`ou=x\,ou=sales,dc=example,dc=com`:          "",
		"dc=example,dc=com":                         "",
		"":                                          "",
	} {
		if got := g.UnitFor(dn); got != want {
			t.Errorf("%q: %q, want %q", dn, got, want)
		}
		if want == "" {
			want = "/New"
		}
		if got := g.NewUnit(dn); got != want {
			t.Errorf("a new account for %q: %q, want %q", dn, got, want)
		}
	}
	if got := (directory.Google{}).NewUnit("dc=x"); got != "/" {
		t.Errorf("without a default: %q", got)
	}
}
