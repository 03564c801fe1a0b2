package directory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

var (
	t0 = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	t1 = t0.Add(time.Hour)
	t2 = t0.Add(2 * time.Hour)
)

// known returns a person who was read at t0 and is in the state.
func known(s person.State) person.Person {
	p := person.Person{
		Key: person.KeyOf("acme", "id-1"), Enterprise: "acme", ID: "id-1", State: s, Since: t0, Settled: s.Access(),
		Entry:   person.Entry{ID: "id-1", Mail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", Enabled: person.Yes},
		EntryAt: t0, CreatedAt: t0, UpdatedAt: t0,
	}
	switch s {
	case person.Disabled:
		p.Entry.Enabled = person.No
	case person.Leaving:
		p.DeleteAt = t0.Add(7 * 24 * time.Hour)
	}
	return p
}

// joined gives the person a Google account that was read at t0.
func joined(p person.Person) person.Person {
	p.Google = person.Google{ID: "g-1", Mail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", OrgUnit: "/",
		Suspended: person.No, Archived: person.No, Admin: person.No}
	p.GoogleAt = t0
	return p
}

func actions(steps []directory.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Action))
	}
	return strings.Join(out, " ")
}

// Every state with everything that can be found of the entry. The columns are the
// state before, what was found, the state after, and the steps.
const transitions = `
new      | silent       | active   | add
new      | enabled      | active   | add
new      | disabled     | disabled | add disable
new      | unlisted     |          |
new      | absent       |          |
active   | silent       | active   |
active   | enabled      | active   |
active   | disabled     | disabled | disable
active   | changed      | active   | update
active   | changed-off  | disabled | update disable
active   | unlisted     | missing  | miss
active   | unconfirmed  | missing  | miss
active   | absent       | leaving  | leave
active   | out-of-scope | leaving  | leave
disabled | silent       | disabled |
disabled | enabled      | active   | enable
disabled | disabled     | disabled |
disabled | changed      | active   | update enable
disabled | changed-off  | disabled | update
disabled | unlisted     | disabled |
disabled | unconfirmed  | disabled |
disabled | absent       | leaving  | leave
disabled | out-of-scope | leaving  | leave
missing  | silent       | active   | return
missing  | enabled      | active   | return
missing  | disabled     | disabled | disable
missing  | changed      | active   | update return
missing  | changed-off  | disabled | update disable
missing  | unlisted     | missing  |
missing  | unconfirmed  | missing  |
missing  | absent       | leaving  | leave
missing  | out-of-scope | leaving  | leave
leaving  | silent       | active   | return
leaving  | enabled      | active   | return
leaving  | disabled     | disabled | return
leaving  | changed      | active   | update return
leaving  | changed-off  | disabled | update return
leaving  | unlisted     | leaving  |
leaving  | unconfirmed  | leaving  |
leaving  | absent       | leaving  |
leaving  | out-of-scope | leaving  |
gone     | silent       | active   | return
gone     | enabled      | active   | return
gone     | disabled     | disabled | return
gone     | changed      | active   | update return
gone     | changed-off  | disabled | update return
gone     | unlisted     | gone     |
gone     | unconfirmed  | gone     |
gone     | absent       | gone     |
gone     | out-of-scope | gone     |
`

func TestDecide_D5_D10_EveryTransition(t *testing.T) {
	t.Parallel()
	c := configs()[directory.LDAPOnly]
	for line := range strings.Lines(strings.TrimSpace(transitions)) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		var p person.Person
		if cells[0] != "new" {
			p = known(person.State(cells[0]))
		}
		f := directory.Facts{EntryAt: t1}
		e := known(person.Active).Entry
		switch cells[1] {
		case "silent":
			e.Enabled, f.Entry = person.Unknown, &e
		case "enabled":
			f.Entry = &e
		case "disabled":
			e.Enabled, f.Entry = person.No, &e
		case "changed":
			e.FamilyName, f.Entry = "Other", &e
		case "changed-off":
			e.FamilyName, e.Enabled, f.Entry = "Other", person.No, &e
		default:
			f.EntryGone = directory.Finding(cells[1])
		}
		got, steps := c.Decide(p, "id-1", f, t2)
		if string(got.State) != cells[2] || actions(steps) != cells[3] {
			t.Errorf("%s, %s: became %q by %q, want %q by %q", cells[0], cells[1], got.State, actions(steps), cells[2], cells[3])
		}
		if moved := got.State != p.State; moved != got.Since.Equal(t2) {
			t.Errorf("%s, %s: since %v", cells[0], cells[1], got.Since)
		}
		if want := t2.Add(7 * 24 * time.Hour); (actions(steps) == "leave") != got.DeleteAt.Equal(want) {
			t.Errorf("%s, %s: deleted at %v", cells[0], cells[1], got.DeleteAt)
		}
	}
}

func TestDecideOfANewPerson(t *testing.T) {
	t.Parallel()
	e := known(person.Active).Entry
	got, steps := configs()[directory.LDAPOnly].Decide(person.Person{}, "id-1", directory.Facts{Entry: &e, EntryAt: t1}, t2)
	want := person.Person{Key: person.KeyOf("acme", "id-1"), Enterprise: "acme", ID: "id-1", Entry: e, EntryAt: t1,
		State: person.Active, Since: t2, Settled: person.Granted, CreatedAt: t2, UpdatedAt: t2}
	if diff := cmp.Diff(want, got); diff != "" || actions(steps) != "add" {
		t.Errorf("%v (-want +got):\n%s", steps, diff)
	}
}

// Silence about whether a person is locked leaves what was known.
func TestDecideKeepsWhatTheDirectoryDoesNotSay(t *testing.T) {
	t.Parallel()
	p := known(person.Disabled)
	e := p.Entry
	e.Enabled, e.Login = person.Unknown, "anna"
	got, _ := configs()[directory.LDAPOnly].Decide(p, p.ID, directory.Facts{Entry: &e, EntryAt: t1}, t2)
	if got.State != person.Disabled || got.Entry.Enabled != person.No || got.Entry.Login != "anna" {
		t.Errorf("became %+v", got)
	}
}

// A leaver who is read again by a run that began before is not brought back.
func TestDecide_D5_OlderFactsUndoNothing(t *testing.T) {
	t.Parallel()
	c := configs()[directory.ReadOnly]
	p := joined(known(person.Active))
	left, _ := c.Decide(p, p.ID, directory.Facts{EntryGone: directory.Absent, EntryAt: t2}, t2)
	e := p.Entry
	if got, steps := c.Decide(left, p.ID, directory.Facts{Entry: &e, EntryAt: t1}, t2.Add(time.Minute)); len(steps) > 0 || got.State != person.Leaving {
		t.Errorf("an older entry: %s by %v", got.State, steps)
	}
	back, _ := c.Decide(left, p.ID, directory.Facts{Entry: &e, EntryAt: t2.Add(time.Minute)}, t2.Add(time.Minute))
	if got, steps := c.Decide(back, p.ID, directory.Facts{EntryGone: directory.Absent, EntryAt: t2}, t2.Add(time.Hour)); len(steps) > 0 || got.State != person.Active {
		t.Errorf("an older absence: %s by %v", got.State, steps)
	}
}

func TestDecideTriesSettlingAnewWhenAccessChanges(t *testing.T) {
	t.Parallel()
	p := known(person.Active)
	p.Attempts = 9
	e := p.Entry
	e.Enabled = person.No
	got, _ := configs()[directory.LDAPOnly].Decide(p, p.ID, directory.Facts{Entry: &e, EntryAt: t1}, t2)
	if got.Attempts != 0 || got.Settled != person.Granted || !got.Due().Equal(t2.Add(2*time.Minute)) {
		t.Errorf("attempts %d, settled %s, due %v", got.Attempts, got.Settled, got.Due())
	}
}

func TestDecideNamesProblems(t *testing.T) {
	t.Parallel()
	c, rw := configs()[directory.ReadOnly], configs()[directory.ReadWrite]
	p := known(person.Active)
	p.Problems = []string{directory.ProblemSharedMail, directory.ProblemHash}
	e := p.Entry
	e.Mail = ""
	for _, tc := range []struct {
		name  string
		c     directory.Config
		facts directory.Facts
		want  []string
	}{
		{"an address of several", c, directory.Facts{Unclear: true}, []string{directory.ProblemSharedMail}},
		{"all is well", c, directory.Facts{}, nil},
		{"no address", c, directory.Facts{Entry: &e, EntryAt: t1}, []string{directory.ProblemNoMail}},
		{"those of the account stay", rw, directory.Facts{Unclear: true}, []string{directory.ProblemSharedMail, directory.ProblemHash}},
		{"and alone", rw, directory.Facts{}, []string{directory.ProblemHash}},
	} {
		got, _ := tc.c.Decide(p, p.ID, tc.facts, t2)
		if !slices.Equal(got.Problems, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got.Problems, tc.want)
		}
		if changed := !slices.Equal(tc.want, p.Problems); changed != got.UpdatedAt.Equal(t2) {
			t.Errorf("%s: updated at %v", tc.name, got.UpdatedAt)
		}
	}
}

func TestStepsAndFindings(t *testing.T) {
	t.Parallel()
	withdraws := []directory.Action{directory.Disable, directory.Leave, directory.CloseAccount, directory.DeleteAccount}
	atGoogle := []directory.Action{directory.CreateAccount, directory.RestoreAccount, directory.UpdateAccount, directory.RenameAccount,
		directory.MoveAccount, directory.OpenAccount, directory.CloseAccount, directory.DeleteAccount, directory.SendHash}
	rest := []directory.Action{directory.Add, directory.Update, directory.Enable, directory.Miss, directory.Return, directory.Link,
		directory.Unlink, directory.Mirror}
	for _, a := range slices.Concat(withdraws, atGoogle, rest) {
		if a.Withdraws() != slices.Contains(withdraws, a) || a.AtGoogle() != slices.Contains(atGoogle, a) {
			t.Errorf("%s: withdraws %v, at Google %v", a, a.Withdraws(), a.AtGoogle())
		}
	}
	for f, want := range map[directory.Finding]bool{directory.Listed: false, directory.Unlisted: false, directory.Unconfirmed: false,
		directory.Absent: true, directory.OutOfScope: true} {
		if f.Confirmed() != want {
			t.Errorf("%q confirmed: %v", f, !want)
		}
	}
}
