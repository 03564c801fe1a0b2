package signin_test

import (
	"regexp"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

var open = person.Google{ID: "g1", Suspended: person.No}

func TestSignsIn_D10_WhoMayEnrol(t *testing.T) {
	t.Parallel()
	closed, archived, deleted, unclear := open, open, open, open
	closed.Suspended, archived.Archived, deleted.Deleted, unclear.Suspended = person.Yes, person.Yes, true, person.Unknown
	for _, tc := range []struct {
		name   string
		mode   directory.Mode
		person person.Person
		want   string
	}{
		{"active", directory.LDAPOnly, person.Person{State: person.Active}, ""},
		{"missing", directory.LDAPOnly, person.Person{State: person.Missing}, ""},
		{"disabled", directory.LDAPOnly, person.Person{State: person.Disabled}, "person-withdrawn"},
		{"leaving", directory.LDAPOnly, person.Person{State: person.Leaving}, "person-withdrawn"},
		{"gone", directory.LDAPOnly, person.Person{State: person.Gone}, "person-withdrawn"},
		{"of no state", directory.LDAPOnly, person.Person{}, "person-withdrawn"},
		{"without an account where none is needed", directory.LDAPOnly, person.Person{State: person.Active}, ""},
		{"open account", directory.ReadOnly, person.Person{State: person.Active, Google: open}, ""},
		{"open account, leaving", directory.ReadOnly, person.Person{State: person.Leaving, Google: open}, "person-withdrawn"},
		{"no account", directory.ReadOnly, person.Person{State: person.Active}, "google-account-missing"},
		{"suspended account", directory.ReadWrite, person.Person{State: person.Active, Google: closed}, "google-account-closed"},
		{"archived account", directory.ReadWrite, person.Person{State: person.Active, Google: archived}, "google-account-closed"},
		{"deleted account", directory.ReadWrite, person.Person{State: person.Active, Google: deleted}, "google-account-closed"},
		{"account of which nothing is known", directory.ReadWrite, person.Person{State: person.Active, Google: unclear}, "google-account-closed"},
		{"Google's own person", directory.GoogleOnly, person.Person{State: person.Active}, ""},
		{"Google's own person, enabled", directory.GoogleOnly, person.Person{State: person.Active, Entry: person.Entry{Enabled: person.Yes}}, ""},
		{"Google's own person, suspended", directory.GoogleOnly, person.Person{State: person.Active, Entry: person.Entry{Enabled: person.No}}, "person-withdrawn"},
	} {
		err := signin.SignsIn(tc.mode, tc.person)
		if fault.ReasonOf(err) != tc.want || (err != nil) != (tc.want != "") || err != nil && fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("%s: %v (%s), want %q", tc.name, err, fault.ReasonOf(err), tc.want)
		}
	}
}

func TestOne_NamesOnePerson(t *testing.T) {
	t.Parallel()
	who := func(id, mail, login string, s person.State) person.Person {
		return person.Person{Key: person.KeyOf("acme", id), ID: id, State: s, Entry: person.Entry{ID: id, Mail: mail, Login: login}}
	}
	ada, bob := who("a", "Ada@Example.com", "Ada", person.Active), who("b", "bob@example.com", "bob", person.Disabled)
	gone, twin := who("c", "ada@example.com", "ada", person.Gone), who("d", "ada@example.com", "ada", person.Missing)
	for _, tc := range []struct {
		name, value string
		match       directory.Match
		people      []person.Person
		want        string // id, or the reason
	}{
		{"by id", "a", directory.MatchID, []person.Person{ada}, "a"},
		{"by id by default", "a", "", []person.Person{ada}, "a"},
		{"by id in another case", "A", directory.MatchID, []person.Person{ada}, "person-unknown"},
		{"by mail", "ada@EXAMPLE.com ", directory.MatchMail, []person.Person{ada, bob}, "a"},
		{"by login", "ADA", directory.MatchLogin, []person.Person{bob, ada}, "a"},
		{"disabled is found", "bob", directory.MatchLogin, []person.Person{bob}, "b"},
		{"one who left does not count", "ada", directory.MatchLogin, []person.Person{gone, ada}, "a"},
		{"one who left, alone", "ada", directory.MatchLogin, []person.Person{gone}, "person-withdrawn"},
		{"two", "ada", directory.MatchLogin, []person.Person{ada, twin}, "person-ambiguous"},
		{"two of one mail", "ada@example.com", directory.MatchMail, []person.Person{ada, twin}, "person-ambiguous"},
		{"nobody", "eve", directory.MatchLogin, []person.Person{ada}, "person-unknown"},
		{"no value", "", directory.MatchMail, []person.Person{{Key: "k", State: person.Active}}, "person-unknown"},
	} {
		p, err := signin.One(tc.match, tc.value, tc.people)
		got := p.ID
		if err != nil {
			got = fault.ReasonOf(err)
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestIDs_ToldApartAndSayNothing: a count is one login's in one enterprise, however
// the login is written, and its id is no way back.
func TestIDs_ToldApartAndSayNothing(t *testing.T) {
	t.Parallel()
	key, other := secret.New("0123456789abcdef0123456789abcdef"), secret.New("fedcba9876543210fedcba9876543210")
	id := signin.LoginID(key, "acme", "ada")
	if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	// U+212A is the Kelvin sign, which lower case makes a k.
	if id != signin.LoginID(key, "acme", " ADA ") || signin.LoginID(key, "acme", "\u212Aim") != signin.LoginID(key, "acme", "kim") {
		t.Error("one login has several ids")
	}
	for name, o := range map[string]string{
		"another login": signin.LoginID(key, "acme", "adam"), "another enterprise": signin.LoginID(key, "acme2", "ada"),
		"an address": signin.AddressID(key, "acme", "ada"), "another key": signin.LoginID(other, "acme", "ada"),
	} {
		if o == id {
			t.Errorf("%s has the same id", name)
		}
	}
	if a, b := signin.Nobody(key, "acme", "ada"), signin.Nobody(key, "acme", "bob"); a == b || len(a) != 16 {
		t.Errorf("nobody is %q and %q", a, b)
	}
}
