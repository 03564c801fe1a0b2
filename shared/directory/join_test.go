package directory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestDecideJoinsGoogle(t *testing.T) {
	t.Parallel()
	ro, rw := configs()[directory.ReadOnly], configs()[directory.ReadWrite]
	rw.Google.DeleteAfterDays = 30
	account := func(change func(*person.Google)) *person.Google {
		g := joined(known(person.Active)).Google
		change(&g)
		return &g
	}
	same := func(*person.Google) {}
	key := known(person.Active).Key
	later := t2.AddDate(0, 0, 30)
	for _, tc := range []struct {
		name  string
		c     directory.Config
		p     person.Person
		facts directory.Facts
		want  string
		check func(person.Google) bool
	}{
		{"found by address", ro, known(person.Active), directory.Facts{Google: account(same)}, "link",
			func(g person.Google) bool { return g.ID == "g-1" }},
		{"found by an alias", ro, known(person.Active), directory.Facts{Google: account(func(g *person.Google) {
			g.Mail, g.Aliases = "other@example.com", []string{"anna@example.com"}
		})}, "link", func(g person.Google) bool { return g.ID == "g-1" }},
		{"found by an alias, and to be renamed", rw, known(person.Active), directory.Facts{Google: account(func(g *person.Google) {
			g.Mail, g.Aliases = "other@example.com", []string{"anna@example.com"}
		})}, "", func(g person.Google) bool { return g.ID == "" }},
		{"an address of several", ro, known(person.Active), directory.Facts{Google: account(same), Unclear: true}, "",
			func(g person.Google) bool { return g.ID == "" }},
		{"an address of several, and Rollcall's mark", rw, known(person.Active),
			directory.Facts{Google: account(func(g *person.Google) { g.Owner = key }), Unclear: true}, "link",
			func(g person.Google) bool { return g.ID == "g-1" }},
		{"the mark of another", rw, known(person.Active), directory.Facts{Google: account(func(g *person.Google) { g.Owner = "other" })}, "",
			func(g person.Google) bool { return g.ID == "" }},
		{"the mark of another, which nobody writes any more", ro, known(person.Active),
			directory.Facts{Google: account(func(g *person.Google) { g.Owner = "other" })}, "link",
			func(g person.Google) bool { return g.ID == "g-1" }},
		{"the address of one who left", rw, known(person.Gone), directory.Facts{Google: account(same)}, "",
			func(g person.Google) bool { return g.ID == "" }},
		{"made for one who left meanwhile", rw, known(person.Leaving), directory.Facts{Google: account(func(g *person.Google) { g.Owner = key })},
			"link", func(g person.Google) bool { return g.ID == "g-1" && g.DeleteAt.Equal(later) }},
		{"another account", ro, joined(known(person.Active)), directory.Facts{Google: account(func(g *person.Google) { g.ID = "g-2" })}, "",
			func(g person.Google) bool { return g.ID == "g-1" }},
		{"another account after the deleted one", ro, deleted(joined(known(person.Active))),
			directory.Facts{Google: account(func(g *person.Google) { g.ID = "g-2" })}, "link",
			func(g person.Google) bool { return g.ID == "g-2" && !g.Deleted }},
		{"restored", ro, deleted(joined(known(person.Active))), directory.Facts{Google: account(same)}, "mirror",
			func(g person.Google) bool { return g.ID == "g-1" && !g.Deleted }},
		{"restored although the person left", rw, deleted(joined(known(person.Gone))), directory.Facts{Google: account(same)}, "mirror",
			func(g person.Google) bool { return !g.Deleted && g.DeleteAt.Equal(later) }},
		{"as it was", ro, joined(known(person.Active)), directory.Facts{Google: account(same)}, "",
			func(g person.Google) bool { return g.ID == "g-1" }},
		{"suspended there", ro, joined(known(person.Active)), directory.Facts{Google: account(func(g *person.Google) { g.Suspended = person.Yes })},
			"mirror", func(g person.Google) bool { return g.Suspended == person.Yes && !g.SuspendedByUs }},
		{"not listed", ro, joined(known(person.Active)), directory.Facts{GoogleGone: directory.Unlisted}, "",
			func(g person.Google) bool { return !g.Deleted }},
		{"not listed, yet there", ro, joined(known(person.Active)), directory.Facts{GoogleGone: directory.Unconfirmed}, "",
			func(g person.Google) bool { return !g.Deleted }},
		{"deleted", ro, joined(known(person.Active)), directory.Facts{GoogleGone: directory.Absent}, "unlink",
			func(g person.Google) bool { return g.ID == "g-1" && g.Deleted }},
		{"deleted, of one who left", rw, due(joined(known(person.Leaving))), directory.Facts{GoogleGone: directory.Absent}, "unlink",
			func(g person.Google) bool { return g.Deleted && g.DeleteAt.IsZero() }},
		{"out of scope", ro, joined(known(person.Active)), directory.Facts{GoogleGone: directory.OutOfScope}, "unlink",
			func(g person.Google) bool { return g.ID == "" }},
		{"deleted, and another made", ro, joined(known(person.Active)),
			directory.Facts{GoogleGone: directory.Absent, Google: account(func(g *person.Google) { g.ID = "g-2" })}, "unlink link",
			func(g person.Google) bool { return g.ID == "g-2" && !g.Deleted }},
		{"out of scope, and another made", ro, joined(known(person.Active)),
			directory.Facts{GoogleGone: directory.OutOfScope, Google: account(func(g *person.Google) { g.ID = "g-2" })}, "unlink link",
			func(g person.Google) bool { return g.ID == "g-2" && !g.Deleted }},
		{"not listed, yet there, and another made", ro, joined(known(person.Active)),
			directory.Facts{GoogleGone: directory.Unconfirmed, Google: account(func(g *person.Google) { g.ID = "g-2" })}, "",
			func(g person.Google) bool { return g.ID == "g-1" && !g.Deleted }},
		{"gone was another one", ro, joined(known(person.Active)), directory.Facts{GoogleGone: directory.Absent, Google: account(same)}, "",
			func(g person.Google) bool { return g.ID == "g-1" && !g.Deleted }},
		{"no account, and none there", ro, known(person.Active), directory.Facts{GoogleGone: directory.Absent}, "",
			func(g person.Google) bool { return g.ID == "" }},
		{"with people of Google alone", configs()[directory.GoogleOnly], known(person.Active), directory.Facts{Google: account(same)}, "",
			func(g person.Google) bool { return g.ID == "" }},
		{"without Google", configs()[directory.LDAPOnly], known(person.Active), directory.Facts{Google: account(same)}, "",
			func(g person.Google) bool { return g.ID == "" }},
	} {
		tc.facts.GoogleAt = t1
		got, steps := tc.c.Decide(tc.p, tc.p.ID, tc.facts, t2)
		if actions(steps) != tc.want || !tc.check(got.Google) || got.State != tc.p.State {
			t.Errorf("%s: %v, %+v", tc.name, steps, got.Google)
		}
		for _, s := range steps {
			if s.Action == directory.Unlink && s.From != "anna@example.com" {
				t.Errorf("%s: unlinked from %q", tc.name, s.From)
			}
		}
		tc.facts.GoogleAt = t0.Add(-time.Second)
		old, steps := tc.c.Decide(joined(tc.p), tc.p.ID, tc.facts, t2)
		if diff := cmp.Diff(joined(tc.p).Google, old.Google); diff != "" || len(steps) > 0 {
			t.Errorf("%s, of before: %v\n%s", tc.name, steps, diff)
		}
	}
}

func deleted(p person.Person) person.Person {
	p.Google.Deleted = true
	return p
}

func due(p person.Person) person.Person {
	p.Google.DeleteAt = t2
	return p
}

func TestLeaverWhoReturnsKeepsTheAccount(t *testing.T) {
	t.Parallel()
	c := configs()[directory.ReadWrite]
	c.Google.DeleteAfterDays = 30
	p := joined(known(person.Active))
	e := p.Entry
	left, _ := c.Decide(p, p.ID, directory.Facts{EntryGone: directory.Absent, EntryAt: t1}, t1)
	if !left.Google.DeleteAt.Equal(t1.AddDate(0, 0, 30)) {
		t.Errorf("deleted at %v", left.Google.DeleteAt)
	}
	g := left.Google
	g.DeleteAt = time.Time{} // Google does not say
	back, steps := c.Decide(left, p.ID, directory.Facts{Entry: &e, EntryAt: t2, Google: &g, GoogleAt: t2}, t2)
	if back.State != person.Active || !back.DeleteAt.IsZero() || !back.Google.DeleteAt.IsZero() || back.Google.ID != "g-1" || actions(steps) != "return" {
		t.Errorf("%v: %+v", steps, back)
	}
	gone := deleted(left)
	if gone, _ = c.Decide(gone, p.ID, directory.Facts{Entry: &e, EntryAt: t2}, t2); !gone.Google.DeleteAt.IsZero() {
		t.Error("whose account is deleted meanwhile")
	}
	withoutAccount, _ := c.Decide(known(person.Active), p.ID, directory.Facts{EntryGone: directory.Absent, EntryAt: t1}, t1)
	if !withoutAccount.Google.DeleteAt.IsZero() {
		t.Error("an account that is not there is to be deleted")
	}
}

func TestMergeKeepsWhatGoogleLeavesOut(t *testing.T) {
	t.Parallel()
	old := joined(known(person.Active)).Google
	old.Suspended, old.Archived, old.Admin, old.SuspendedByUs = person.Yes, person.Yes, person.Yes, true
	old.Hash, old.DeleteAt, old.CreatedAt = "h", t1, t0
	said := person.Google{ID: "g-1", Mail: "new@example.com"}
	want := old
	want.Mail, want.GivenName, want.FamilyName, want.OrgUnit = "new@example.com", "", "", ""
	if diff := cmp.Diff(want, directory.Merge(old, said, person.Active)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	said.Suspended = person.No
	for s, kept := range map[person.State]bool{person.Active: false, person.Missing: false, person.Disabled: true, person.Leaving: true, person.Gone: true} {
		if got := directory.Merge(old, said, s); got.SuspendedByUs != kept || got.Suspended != person.No {
			t.Errorf("%s: suspended by us %v, want %v", s, got.SuspendedByUs, kept)
		}
	}
}
