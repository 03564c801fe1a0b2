package directorysync

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// refreshNow has a notification of users taken in as it comes.
func (b *watchBench) refreshNow(users ...string) error {
	b.t.Helper()
	return b.engine.refresh(b.t.Context(), directory.Command{Enterprise: "acme", Op: directory.Refresh, Users: users,
		RequestedBy: "system:directorywatch", RequestedAt: b.clock()})
}

// told is refreshNow, which must do.
func (b *watchBench) told(users ...string) {
	b.t.Helper()
	if err := b.refreshNow(users...); err != nil {
		b.t.Fatal(err)
	}
}

// listing reports whether the next run lists Google although a channel is open.
func (b *watchBench) listing() bool {
	b.t.Helper()
	b.advance(time.Minute)
	return !b.keep()
}

// watched opens a channel after which Google was listed.
func (b *watchBench) watched() {
	b.t.Helper()
	b.keep()
	b.walk(false)
	if !b.keep() {
		b.t.Fatal("no channel is live")
	}
	b.advance(time.Second)
}

// trail is what an auditor reads.
func (b *watchBench) trail() []string {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 100})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := []string{}
	for _, r := range records {
		if strings.HasPrefix(r.Action, "person.") {
			lines = append(lines, r.Actor+" "+r.Action)
		}
	}
	return lines
}

// TestRefresh_PeopleOfGoogle: what one look at a user makes of the person.
func TestRefresh_PeopleOfGoogle(t *testing.T) {
	t.Parallel()
	const nobody = person.State("")
	for name, tt := range map[string]struct {
		config func(*directory.Config)
		known  bool // Anna is a person already
		change func(*watchBench, string)
		want   person.State
		settle bool
		trail  string
	}{
		"unchanged":           {nil, true, nil, person.Active, false, ""},
		"renamed":             {nil, true, func(b *watchBench, id string) { b.edit(id, rename) }, person.Active, false, ""},
		"suspended":           {nil, true, func(b *watchBench, id string) { b.edit(id, suspend) }, person.Disabled, true, "disable"},
		"archived":            {nil, true, func(b *watchBench, id string) { b.edit(id, func(u *workspacetest.User) { u.Archived = true }) }, person.Disabled, true, "disable"},
		"deleted":             {nil, true, func(b *watchBench, id string) { b.sim.Remove(id) }, person.Leaving, true, "leave"},
		"new":                 {nil, false, nil, person.Active, false, ""},
		"new and suspended":   {nil, false, func(b *watchBench, id string) { b.edit(id, suspend) }, person.Disabled, true, "disable"},
		"unknown and deleted": {nil, false, func(b *watchBench, id string) { b.sim.Remove(id) }, nobody, false, ""},
		"new, excluded by address": {func(c *directory.Config) { c.Exclude.Mails = []string{"@example.com"} }, false, nil,
			nobody, false, ""},
		"new, in another unit": {func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff"} }, false, nil, nobody, false, ""},
		"new, in the unit": {func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff"} }, false,
			func(b *watchBench, id string) {
				b.edit(id, func(u *workspacetest.User) { u.OrgUnitPath = "/Staff/Berlin" })
			}, person.Active, false, ""},
		"new, of another domain": {func(c *directory.Config) { c.Google.Domain = "example.net" }, false, nil, nobody, false, ""},
		"moved out of the unit": {func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff"} }, true, nil,
			person.Leaving, true, "leave"},
		"renamed to an excluded address": {func(c *directory.Config) { c.Exclude.Mails = []string{"left@example.com"} }, true,
			func(b *watchBench, id string) {
				b.edit(id, func(u *workspacetest.User) { u.PrimaryEmail = "left@example.com" })
			}, person.Leaving, true, "leave"},
		"paused":    {func(c *directory.Config) { c.Paused = true }, true, func(b *watchBench, id string) { b.edit(id, suspend) }, person.Active, false, ""},
		"only LDAP": {func(c *directory.Config) { c.Mode = directory.LDAPOnly }, true, func(b *watchBench, id string) { b.edit(id, suspend) }, person.Active, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			id := b.user("anna@example.com")
			if tt.known {
				b.told(id)
			}
			b.take()
			if tt.config != nil {
				b.configure(tt.config)
			}
			if tt.change != nil {
				tt.change(b, id)
			}
			b.advance(time.Hour)
			b.told(id)
			p := b.person(id)
			if p.State != tt.want || tt.want != nobody && b.config.Mode == directory.GoogleOnly && !b.config.Paused && !p.EntryAt.Equal(b.clock()) {
				t.Errorf("%q as of %v, want %q as of %v", p.State, p.EntryAt, tt.want, b.clock())
			}
			var want, trail []string
			if tt.settle {
				want = []string{p.Key}
			}
			if tt.trail != "" {
				trail = []string{"system:directorywatch person." + tt.trail}
			}
			if diff := cmp.Diff(want, b.deliver()); diff != "" {
				t.Errorf("to settle (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(trail, b.trail()); diff != "" && len(trail)+len(b.trail()) > 0 {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefresh_AccountsOfPeople: where LDAP gives the people, Google's word is about
// their accounts and takes nobody's access.
func TestRefresh_AccountsOfPeople(t *testing.T) {
	t.Parallel()
	anna := person.Entry{ID: "uuid-1", Mail: "Anna@example.com", GivenName: "Anna", FamilyName: "Example", Enabled: person.Yes}
	twin := person.Entry{ID: "uuid-2", Mail: "anna@EXAMPLE.com"}
	for name, tt := range map[string]struct {
		people []person.Entry
		linked bool
		config func(*directory.Config)
		change func(*watchBench, string)
		check  func(person.Google) bool
	}{
		"found by address": {[]person.Entry{anna}, false, nil, nil, func(g person.Google) bool { return g.CanSignIn() }},
		"found by an alias": {[]person.Entry{anna}, false, nil, func(b *watchBench, id string) {
			b.edit(id, func(u *workspacetest.User) { u.PrimaryEmail = "anna.new@example.com" })
		}, func(g person.Google) bool { return g.CanSignIn() && g.Mail == "anna.new@example.com" }},
		"two have the address": {[]person.Entry{anna, twin}, false, nil, nil, func(g person.Google) bool { return g.ID == "" }},
		"nobody's":             {nil, false, nil, nil, func(g person.Google) bool { return g.ID == "" }},
		"not in scope":         {[]person.Entry{anna}, false, func(c *directory.Config) { c.Google.Domain = "example.net" }, nil, func(g person.Google) bool { return g.ID == "" }},
		"suspended":            {[]person.Entry{anna}, true, nil, func(b *watchBench, id string) { b.edit(id, suspend) }, func(g person.Google) bool { return g.ID != "" && g.Suspended == person.Yes }},
		"deleted":              {[]person.Entry{anna}, true, nil, func(b *watchBench, id string) { b.sim.Remove(id) }, func(g person.Google) bool { return g.Deleted }},
		"out of scope":         {[]person.Entry{anna}, true, func(c *directory.Config) { c.Google.OrgUnits = []string{"/Staff"} }, nil, func(g person.Google) bool { return g.ID == "" }},
		"renamed, still joined": {[]person.Entry{anna}, true, nil, func(b *watchBench, id string) {
			b.edit(id, func(u *workspacetest.User) { u.PrimaryEmail = "b@example.com" })
		}, func(g person.Google) bool { return g.Mail == "b@example.com" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t, func(c *directory.Config) { c.Mode = directory.ReadOnly })
			for _, e := range tt.people {
				p, _ := b.config.Decide(person.Person{}, e.ID, directory.Facts{Entry: &e, EntryAt: watchNoon, Unclear: len(tt.people) > 1}, watchNoon)
				b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
			}
			id := b.user("anna@example.com")
			if tt.linked {
				b.told(id)
			}
			if tt.config != nil {
				b.configure(tt.config)
			}
			if tt.change != nil {
				tt.change(b, id)
			}
			b.take()
			b.advance(time.Minute)
			b.told(id)
			for _, e := range tt.people {
				p, err := b.db.Person(t.Context(), person.KeyOf("acme", e.ID))
				if err != nil {
					t.Fatal(err)
				}
				if !tt.check(p.Google) || p.State != person.Active {
					t.Errorf("%s, account %+v", p.State, p.Google)
				}
				if shared := slices.Contains(p.Problems, directory.ProblemSharedMail); shared != (len(tt.people) > 1) {
					t.Errorf("problems %v", p.Problems)
				}
			}
			if tt.people == nil {
				if ps, _, err := b.db.People(t.Context(), "acme", "", record.Page{}); err != nil || len(ps) != 0 {
					t.Errorf("people %+v, %v", ps, err)
				}
			}
		})
	}
}

// TestRefresh_AskedSince: of two notifications of one change the second costs no
// call, and an event that was lost is sent anew.
func TestRefresh_AskedSince(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	id := b.user("anna@example.com")
	b.edit(id, suspend)
	b.advance(10 * time.Second)
	b.told(id)
	key := b.person(id).Key
	b.deliver()
	calls := b.sim.Faults.Calls(getMethod)
	b.hint(b.clock().Add(-10*time.Second), id)
	if got := b.deliver(); !slices.Equal(got, []string{key}) {
		t.Errorf("to settle %v", got)
	}
	if n := b.sim.Faults.Calls(getMethod) - calls; n != 0 {
		t.Errorf("%d calls", n)
	}
	b.hint(b.clock().Add(-time.Second), id) // may be later by the other's clock
	b.deliver()
	if n := b.sim.Faults.Calls(getMethod) - calls; n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// TestRefresh_LeavesProblemsOfTheDirectory: Google's word about an account does not
// mend an address that two people have.
func TestRefresh_LeavesProblemsOfTheDirectory(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t, func(c *directory.Config) { c.Mode = directory.ReadOnly })
	id := b.user("anna@example.com")
	e := person.Entry{ID: "uuid-1", Mail: "anna@example.com"}
	p, _ := b.config.Decide(person.Person{}, e.ID, directory.Facts{Entry: &e, EntryAt: watchNoon, Unclear: true}, watchNoon)
	p.Google, p.GoogleAt = person.Google{ID: id, Mail: "anna@example.com"}, watchNoon
	b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	b.advance(time.Minute)
	b.edit(id, suspend)
	b.told(id)
	p, err := b.db.Person(t.Context(), p.Key)
	if err != nil || p.Google.Suspended != person.Yes || !slices.Equal(p.Problems, []string{directory.ProblemSharedMail}) {
		t.Errorf("account %+v, problems %v, %v", p.Google, p.Problems, err)
	}
}
