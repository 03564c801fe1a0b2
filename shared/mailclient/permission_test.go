package mailclient_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestID_OneForEachKeyAndAccount(t *testing.T) {
	t.Parallel()
	ids := []string{
		mailclient.KeyID([]byte("a")), mailclient.KeyID([]byte("b")), mailclient.AccountID("a"), mailclient.AccountID("b"),
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if len(id) != 26 || id[0] != 'm' || seen[id] {
			t.Errorf("the id %q is one of %v", id, ids)
		}
		seen[id] = true
	}
	if mailclient.KeyID([]byte("a")) != ids[0] {
		t.Error("the id of a key changes")
	}
}

// TestDigest_IsFoundByTheAddress in any case, and differs from enterprise to
// enterprise.
func TestDigest_IsFoundByTheAddress(t *testing.T) {
	t.Parallel()
	d := mailclient.Digest("acme", "anna@example.com")
	if len(d) != 12 || d != mailclient.Digest("acme", " Anna@Example.COM") {
		t.Errorf("%q", d)
	}
	if d == mailclient.Digest("beta", "anna@example.com") || d == mailclient.Digest("acme", "ann@example.com") {
		t.Error("another's digest is the same")
	}
}

func TestByAddress_ListAndDomainInAnyCase(t *testing.T) {
	t.Parallel()
	p := mailclient.NewPermission(mailclient.Allow{Mailboxes: []string{"Anna@Example.com"}, Domains: []string{"Example.ORG"}})
	for mailbox, want := range map[string]bool{
		"anna@example.com": true, "ANNA@EXAMPLE.COM": true, "bert@example.com": false,
		"bert@example.org": true, "bert@EXAMPLE.org": true, "bert@sub.example.org": false,
		"example.org":                       true, // is no address, which the caller has checked
		"bert@example.org.attacker.example": false, "bert@notexample.org": false, "a@example.org@example.com": false,
	} {
		if got := p.ByAddress(mailbox); got != want {
			t.Errorf("%s: %v, want %v", mailbox, got, want)
		}
	}
	if p.UsesLabels() || !mailclient.NewPermission(mailclient.Allow{Labels: []string{"a"}}).UsesLabels() {
		t.Error("whether labels allow anything")
	}
	none := mailclient.NewPermission(mailclient.Allow{})
	if none.ByAddress("a@example.com") || none.ByAddress("") || none.ByLabels([]string{"a"}) || none.ByLabels(nil) {
		t.Error("who is allowed nothing is allowed something")
	}
}

func TestByLabels(t *testing.T) {
	t.Parallel()
	p := mailclient.NewPermission(mailclient.Allow{Labels: []string{"voicemail", "sales"}})
	if !p.ByLabels([]string{"x", "sales"}) || p.ByLabels([]string{"x"}) || p.ByLabels(nil) {
		t.Error("a label of the two allows, and another does not")
	}
}

// TestLabelsOf_OfThePersonWhoseMailboxItIs: the labels count of one person who may
// have devices, whose Google account is not known to be closed, and whose mailbox it
// is by Google's own word, where there is one.
func TestLabelsOf_OfThePersonWhoseMailboxItIs(t *testing.T) {
	t.Parallel()
	const mailbox = "anna@example.com"
	labels := []string{"voicemail"}
	anna := func(change ...func(*person.Person)) person.Person {
		p := person.Person{
			Key: "anna", ID: "1", State: person.Active, Labels: labels, Entry: person.Entry{ID: "1", Mail: "Anna@Example.com"},
			Google: person.Google{ID: "g1", Mail: mailbox, Suspended: person.No, Archived: person.No},
		}
		for _, c := range change {
			c(&p)
		}
		return p
	}
	other := func(p *person.Person) { p.Key, p.ID, p.Labels = "bert", "2", []string{"voicemail"} }
	state := func(s person.State) func(*person.Person) { return func(p *person.Person) { p.State = s } }
	google := func(change func(*person.Google)) func(*person.Person) {
		return func(p *person.Person) { change(&p.Google) }
	}
	bare := func(p *person.Person) { p.Google = person.Google{} }
	enabled := func(e person.Tri) func(*person.Person) { return func(p *person.Person) { p.Entry.Enabled = e } }
	for _, tc := range []struct {
		name   string
		mode   directory.Mode
		people []person.Person
		want   []string
	}{
		{"hers", directory.ReadOnly, []person.Person{anna()}, labels},
		{"nobody", directory.ReadOnly, nil, nil},
		{"missing, which changes nothing", directory.ReadOnly, []person.Person{anna(state(person.Missing))}, labels},
		{"disabled", directory.ReadOnly, []person.Person{anna(state(person.Disabled))}, nil},
		{"leaving", directory.ReadOnly, []person.Person{anna(state(person.Leaving))}, nil},
		{"gone", directory.ReadOnly, []person.Person{anna(state(person.Gone))}, nil},
		{"suspended at Google", directory.ReadOnly, []person.Person{anna(google(func(g *person.Google) { g.Suspended = person.Yes }))}, nil},
		{"archived at Google", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Archived = person.Yes }))}, nil},
		{"deleted at Google", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Deleted = true }))}, nil},
		{"Google does not say", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Suspended, g.Archived = "", "" }))}, labels},
		{"no Google account is known", directory.ReadWrite, []person.Person{anna(bare)}, labels},
		{"there are no Google accounts", directory.LDAPOnly, []person.Person{anna(bare)}, labels},
		{"Google's own person", directory.GoogleOnly, []person.Person{anna(bare, enabled(person.Yes))}, labels},
		{"Google's own person, suspended", directory.GoogleOnly, []person.Person{anna(bare, enabled(person.No))}, nil},
		{"by Google's address alone", directory.ReadOnly, []person.Person{anna(func(p *person.Person) { p.Entry.Mail = "a.b@example.com" })}, labels},
		{"an alias at Google", directory.ReadOnly, []person.Person{anna(google(func(g *person.Google) { g.Mail, g.Aliases = "a@example.com", []string{"ANNA@example.com"} }))}, labels},
		{"she wrote another's address into the directory", directory.ReadOnly,
			[]person.Person{anna(google(func(g *person.Google) { g.Mail = "mallory@example.com" }))}, nil},
		{"and its owner is asked for", directory.ReadOnly,
			[]person.Person{anna(other, google(func(g *person.Google) { g.Mail = "mallory@example.com" })), anna()}, labels},
		{"two people", directory.ReadOnly, []person.Person{anna(), anna(other)}, nil},
		{"two people, one of them not granted", directory.ReadOnly, []person.Person{anna(), anna(other, state(person.Disabled))}, nil},
		{"given again after who left", directory.ReadOnly, []person.Person{anna(other, state(person.Gone)), anna()}, labels},
		{"found twice", directory.ReadOnly, []person.Person{anna(), anna()}, labels},
	} {
		if diff := cmp.Diff(tc.want, mailclient.LabelsOf(tc.mode, mailbox, tc.people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
