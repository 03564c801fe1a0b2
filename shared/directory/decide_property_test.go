package directory_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

var (
	tris   = rapid.SampledFrom([]person.Tri{person.Unknown, person.No, person.Yes})
	times  = rapid.Map(rapid.IntRange(0, 6), func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) })
	mails  = rapid.SampledFrom([]string{"", "anna@example.com", "Anna@Example.com", "bert@example.com"})
	words  = rapid.SampledFrom([]string{"", "Anna", "Bert", " Bert ", "Žofia"})
	units  = rapid.SampledFrom([]string{"", "ou=sales,dc=example,dc=com", "ou=staff,dc=example,dc=com"})
	hashes = rapid.SampledFrom([]string{"", "h1", "h2"})
)

func drawEntry(t *rapid.T) person.Entry {
	return person.Entry{ID: "id-1", Mail: mails.Draw(t, "mail"), GivenName: words.Draw(t, "given"), FamilyName: words.Draw(t, "family"),
		Unit: units.Draw(t, "unit"), Enabled: tris.Draw(t, "enabled"), Hash: hashes.Draw(t, "hash"),
		Aliases: rapid.SliceOfN(mails, 0, 2).Draw(t, "aliases")}
}

func drawGoogle(t *rapid.T) person.Google {
	return person.Google{
		ID: rapid.SampledFrom([]string{"g-1", "g-2"}).Draw(t, "google"), Mail: mails.Draw(t, "google mail"),
		GivenName: words.Draw(t, "google given"), FamilyName: words.Draw(t, "google family"),
		OrgUnit:   rapid.SampledFrom([]string{"/", "/Sales", "/sales"}).Draw(t, "org unit"),
		Suspended: tris.Draw(t, "suspended"), Archived: tris.Draw(t, "archived"), Admin: tris.Draw(t, "admin"),
		Owner:   rapid.SampledFrom([]string{"", "other", person.KeyOf("acme", "id-1")}).Draw(t, "owner"),
		Deleted: rapid.Bool().Draw(t, "deleted"),
	}
}

// drawPerson makes a row as runs leave it: the state fits the entry.
func drawPerson(t *rapid.T) person.Person {
	if rapid.IntRange(0, 5).Draw(t, "known") == 0 {
		return person.Person{}
	}
	p := known(rapid.SampledFrom([]person.State{person.Active, person.Disabled, person.Missing, person.Leaving, person.Gone}).Draw(t, "state"))
	e := drawEntry(t)
	switch {
	case p.State == person.Disabled:
		e.Enabled = person.No
	case p.State.Access() == person.Granted && e.Enabled == person.No:
		e.Enabled = person.Yes
	}
	p.Entry, p.EntryAt = e, times.Draw(t, "entry at")
	if rapid.Bool().Draw(t, "joined") {
		p.Google, p.GoogleAt = drawGoogle(t), times.Draw(t, "google at")
		p.Google.SuspendedByUs, p.Google.Hash = rapid.Bool().Draw(t, "by us"), hashes.Draw(t, "sent hash")
		if p.State == person.Leaving || p.State == person.Gone {
			p.Google.DeleteAt = times.Draw(t, "delete at")
		}
	}
	p.Problems = rapid.SampledFrom([][]string{nil, {directory.ProblemHash}, {directory.ProblemSharedMail}}).Draw(t, "problems")
	p.Attempts = rapid.IntRange(0, 3).Draw(t, "attempts")
	return p
}

func drawFacts(t *rapid.T) directory.Facts {
	f := directory.Facts{EntryAt: times.Draw(t, "facts at"), GoogleAt: times.Draw(t, "google facts at"), Unclear: rapid.Bool().Draw(t, "unclear")}
	gone := rapid.SampledFrom([]directory.Finding{directory.Listed, directory.Unlisted, directory.Unconfirmed, directory.Absent, directory.OutOfScope})
	if rapid.Bool().Draw(t, "has entry") {
		e := drawEntry(t)
		f.Entry = &e
	} else {
		f.EntryGone = gone.Draw(t, "entry gone")
	}
	if rapid.Bool().Draw(t, "has google") {
		g := drawGoogle(t)
		f.Google = &g
	} else {
		f.GoogleGone = gone.Draw(t, "google gone")
	}
	return f
}

func drawConfig(t *rapid.T) directory.Config {
	c := configs()[rapid.SampledFrom([]directory.Mode{directory.LDAPOnly, directory.ReadOnly, directory.ReadWrite, directory.GoogleOnly}).Draw(t, "mode")]
	if c.Mode == directory.ReadWrite {
		c.Google.DeleteAfterDays = rapid.SampledFrom([]int{0, 30}).Draw(t, "delete after")
		c.Google.PasswordHashes = rapid.Bool().Draw(t, "hashes")
		c.Google.Units = []directory.UnitRule{{DN: "ou=sales,dc=example,dc=com", OrgUnit: "/Sales"}}
	}
	return c
}

// rank is how much a person's devices may.
func rank(s person.State) int {
	return map[person.Access]int{person.Granted: 2, person.Withdrawn: 1, person.Removed: 0}[s.Access()]
}

func asJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecideProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, p, f := drawConfig(t), drawPerson(t), drawFacts(t)
		before := asJSON(t, []any{p, f})
		now := t0.Add(24 * time.Hour)
		got, steps := c.Decide(p, "id-1", f, now)

		// Applied to its own result it is done.
		again, more := c.Decide(got, "id-1", f, now.Add(time.Hour))
		if diff := cmp.Diff(got, again); diff != "" || len(more) > 0 {
			t.Fatalf("not idempotent: %v after %v\n%s", more, steps, diff)
		}
		// D6: a dry run decides what a run does, and changes nothing.
		dry, planned := c.Decide(p, "id-1", f, now)
		if !cmp.Equal(dry, got) || !cmp.Equal(planned, steps) || asJSON(t, []any{p, f}) != before {
			t.Fatalf("a second look differs, or the first left traces")
		}
		withdraws := slices.ContainsFunc(steps, func(s directory.Step) bool { return s.Action.Withdraws() })
		was := p.State
		if p.Key == "" {
			was = person.Active
		}
		if got.Key != "" {
			loses := rank(got.State) < rank(was) || got.State == person.Leaving && was != person.Leaving && was != person.Gone
			if loses != withdraws {
				t.Fatalf("from %s to %s by %v", was, got.State, steps)
			}
		}
		// D5: absence that nothing confirms, and silence, withdraw nothing.
		said := f.Entry != nil && f.Entry.Enabled == person.No
		if withdraws && !said && !f.EntryGone.Confirmed() {
			t.Fatalf("from %s to %s by %v, and nobody said so", was, got.State, steps)
		}
		if changed := len(steps) > 0 || !slices.Equal(p.Problems, got.Problems); changed != got.UpdatedAt.Equal(now) {
			t.Fatalf("updated at %v after %v", got.UpdatedAt, steps)
		}
		if got.State != person.Leaving && got.State != person.Gone && !got.Google.DeleteAt.IsZero() {
			t.Fatalf("the account of somebody %s is to be deleted", got.State)
		}
	})
}

func TestDecide_D5_OlderFactsChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, p, f := drawConfig(t), drawPerson(t), drawFacts(t)
		if p.Key == "" {
			return
		}
		p.EntryAt, p.GoogleAt = f.EntryAt.Add(time.Second), f.GoogleAt.Add(time.Second)
		got, steps := c.Decide(p, "id-1", f, t0.Add(24*time.Hour))
		got.Problems, got.UpdatedAt = p.Problems, p.UpdatedAt
		if diff := cmp.Diff(p, got); diff != "" || len(steps) > 0 {
			t.Fatalf("%v\n%s", steps, diff)
		}
	})
}
