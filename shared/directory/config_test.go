package directory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestModes(t *testing.T) {
	t.Parallel()
	for mode, c := range configs() {
		if mode.UsesLDAP() != (c.LDAP != nil) || mode.UsesGoogle() != (c.Google != nil) {
			t.Errorf("%s uses LDAP %v, Google %v", mode, mode.UsesLDAP(), mode.UsesGoogle())
		}
		if s := mode.Sources(); s[0] != mode.Primary() || slices.Contains(s, directory.FromLDAP) != mode.UsesLDAP() ||
			slices.Contains(s, directory.FromGoogle) != mode.UsesGoogle() {
			t.Errorf("%s reads %v, people from %s", mode, s, mode.Primary())
		}
	}
}

func TestGrace_D10(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		days *int
		want time.Duration
	}{{nil, 7 * 24 * time.Hour}, {days(0), 0}, {days(365), 365 * 24 * time.Hour}} {
		if got := (directory.Leavers{GraceDays: tc.days}).Grace(); got != tc.want {
			t.Errorf("%v, want %v", got, tc.want)
		}
	}
}

// With people of Google alone, only Google's word locks somebody.
// TestAccount: where people are Google's own, a person's account is the person.
func TestAccount(t *testing.T) {
	t.Parallel()
	p := joined(known(person.Active))
	p.Entry.Unit, p.Entry.Enabled = "/Sales", person.Yes
	for _, mode := range []directory.Mode{directory.LDAPOnly, directory.ReadOnly, directory.ReadWrite} {
		if diff := cmp.Diff(p.Google, mode.Account(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
	p.Google = person.Google{} // as runs leave it
	want := person.Google{ID: p.ID, Mail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", OrgUnit: "/Sales", Suspended: person.No}
	if diff := cmp.Diff(want, directory.GoogleOnly.Account(p)); diff != "" {
		t.Errorf("google-only (-want +got):\n%s", diff)
	}
	for enabled, suspended := range map[person.Tri]person.Tri{person.No: person.Yes, person.Unknown: person.Unknown} {
		p.Entry.Enabled = enabled
		if got := directory.GoogleOnly.Account(p).Suspended; got != suspended {
			t.Errorf("enabled %q: suspended %q", enabled, got)
		}
	}
}

func TestEntryOf(t *testing.T) {
	t.Parallel()
	g := joined(known(person.Active)).Google
	g.Aliases, g.DisplayName = []string{"a@example.com"}, "Anna E."
	want := person.Entry{ID: "g-1", Mail: "anna@example.com", Aliases: g.Aliases, GivenName: "Anna", FamilyName: "Example",
		DisplayName: "Anna E.", Unit: "/", Enabled: person.Yes}
	if diff := cmp.Diff(want, directory.EntryOf(g)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tc := range []struct {
		suspended, archived person.Tri
		deleted             bool
		want                person.Tri
	}{
		{person.No, person.No, false, person.Yes}, {person.Yes, person.No, false, person.No}, {person.No, person.Yes, false, person.No},
		{person.Unknown, person.Unknown, false, person.Unknown}, {person.Unknown, person.No, false, person.Unknown},
		{person.No, person.No, true, person.No}, {person.Unknown, person.Unknown, true, person.No},
	} {
		g.Suspended, g.Archived, g.Deleted = tc.suspended, tc.archived, tc.deleted
		if got := directory.EntryOf(g).Enabled; got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
