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

// TestAllows_ListAndDomainInAnyCase: of everybody but who left.
func TestAllows_ListAndDomainInAnyCase(t *testing.T) {
	t.Parallel()
	p := mailclient.NewPermission(mailclient.Allow{Mailboxes: []string{"Anna@Example.com"}, Domains: []string{"Example.ORG"}})
	for mailbox, want := range map[string]bool{
		"anna@example.com": true, "ANNA@EXAMPLE.COM": true, "bert@example.com": false,
		"bert@example.org": true, "bert@EXAMPLE.org": true, "bert@sub.example.org": false,
		"example.org":                       true, // is no address, which the caller has checked
		"bert@example.org.attacker.example": false, "bert@notexample.org": false, "a@example.org@example.com": false,
	} {
		if got, may := p.Allows(mailbox, mailclient.Owner{}), p.Concerns(mailbox); got != want || may != want {
			t.Errorf("%s: %v, %v, want %v", mailbox, got, may, want)
		}
		if p.Allows(mailbox, mailclient.Owner{Left: true}) {
			t.Errorf("%s is allowed although its owner left", mailbox)
		}
	}
	none := mailclient.NewPermission(mailclient.Allow{})
	for _, mailbox := range []string{"a@example.com", ""} {
		if none.Concerns(mailbox) || none.Allows(mailbox, mailclient.Owner{Labels: []string{"a"}}) {
			t.Error("who is allowed nothing is allowed something")
		}
	}
}

func TestAllows_ByLabel(t *testing.T) {
	t.Parallel()
	const mailbox = "anna@example.com"
	p := mailclient.NewPermission(mailclient.Allow{Labels: []string{"voicemail", "sales"}})
	may := func(labels ...string) bool { return p.Allows(mailbox, mailclient.Owner{Labels: labels}) }
	if !p.Concerns(mailbox) || !may("x", "sales") || may("x") || may() {
		t.Error("a label of the two allows, and another does not")
	}
}

// TestOwnerOf_D10_IsThePersonWhoseMailboxItIs: by Google's own word, where there is one.
// The labels count of one who may have devices and whose Google account is not known to
// be closed; one with whom nobody who may have devices shares the mailbox, left.
func TestOwnerOf_D10_IsThePersonWhoseMailboxItIs(t *testing.T) {
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
		left   bool
	}{
		{"hers", directory.ReadOnly, []person.Person{anna()}, labels, false},
		{"nobody", directory.ReadOnly, nil, nil, false},
		{"missing, which changes nothing", directory.ReadOnly, []person.Person{anna(state(person.Missing))}, labels, false},
		{"disabled", directory.ReadOnly, []person.Person{anna(state(person.Disabled))}, nil, true},
		{"leaving", directory.ReadOnly, []person.Person{anna(state(person.Leaving))}, nil, true},
		{"gone", directory.ReadOnly, []person.Person{anna(state(person.Gone))}, nil, true},
		{"suspended at Google", directory.ReadOnly, []person.Person{anna(google(func(g *person.Google) { g.Suspended = person.Yes }))}, nil, false},
		{"archived at Google", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Archived = person.Yes }))}, nil, false},
		{"deleted at Google", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Deleted = true }))}, nil, false},
		{"Google does not say", directory.ReadWrite, []person.Person{anna(google(func(g *person.Google) { g.Suspended, g.Archived = "", "" }))}, labels, false},
		{"no Google account is known", directory.ReadWrite, []person.Person{anna(bare)}, labels, false},
		{"there are no Google accounts", directory.LDAPOnly, []person.Person{anna(bare)}, labels, false},
		{"Google's own person", directory.GoogleOnly, []person.Person{anna(bare, enabled(person.Yes))}, labels, false},
		{"Google's own person, suspended", directory.GoogleOnly, []person.Person{anna(bare, enabled(person.No))}, nil, false},
		{"by Google's address alone", directory.ReadOnly, []person.Person{anna(func(p *person.Person) { p.Entry.Mail = "a.b@example.com" })}, labels, false},
		{"an alias at Google", directory.ReadOnly, []person.Person{anna(google(func(g *person.Google) { g.Mail, g.Aliases = "a@example.com", []string{"ANNA@example.com"} }))}, labels, false},
		{"she wrote another's address into the directory", directory.ReadOnly,
			[]person.Person{anna(google(func(g *person.Google) { g.Mail = "mallory@example.com" }))}, nil, false},
		{"and its owner is asked for", directory.ReadOnly,
			[]person.Person{anna(other, google(func(g *person.Google) { g.Mail = "mallory@example.com" })), anna()}, labels, false},
		{"two people", directory.ReadOnly, []person.Person{anna(), anna(other)}, nil, false},
		{"two people, one of them not granted", directory.ReadOnly, []person.Person{anna(), anna(other, state(person.Disabled))}, nil, false},
		{"two people, both locked", directory.ReadOnly, []person.Person{anna(state(person.Disabled)), anna(other, state(person.Disabled))}, nil, true},
		{"two people, both gone", directory.ReadOnly, []person.Person{anna(state(person.Gone)), anna(other, state(person.Leaving))}, nil, true},
		{"who left had another mailbox", directory.ReadOnly,
			[]person.Person{anna(state(person.Gone), google(func(g *person.Google) { g.Mail = "a.b@example.com" }))}, nil, false},
		{"given again after who left", directory.ReadOnly, []person.Person{anna(other, state(person.Gone)), anna()}, labels, false},
		{"found twice", directory.ReadOnly, []person.Person{anna(), anna()}, labels, false},
	} {
		if diff := cmp.Diff(mailclient.Owner{Labels: tc.want, Left: tc.left}, mailclient.OwnerOf(tc.mode, mailbox, tc.people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
