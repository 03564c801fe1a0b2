package directorysync

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestDamaged_D8_StopsNobody: rows of people that cannot be read are told of, and
// the others get what is theirs, whoever the damage makes known first: LDAP, Google,
// or the calendar.
func TestDamaged_D8_StopsNobody(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 6)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30 })
	s.sync()
	s.must(s.ldap.Delete(ldapDN(4)))
	s.sync()
	people := s.people()
	for i := 1; i < 5; i++ {
		key := store.Key{Kind: record.People, ID: people[mail(i)].Key}
		s.must(s.driver.Update(t.Context(), func(tx store.Txn) error {
			doc, err := tx.Get(key)
			if err != nil {
				return err
			}
			doc.Body = []byte(`{"key":5}`)
			return tx.Put(doc)
		}))
	}
	s.must(s.ldap.Set(ldapDN(1), "sn", "Renamed"))
	s.must(s.google.Edit(mail(2), func(u *workspacetest.User) { u.FamilyName = "Renamed" }))
	s.google.Remove(mail(3))
	s.must(s.ldap.Set(ldapDN(5), "sn", "Renamed"))
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if u, _ := s.google.UserOf(mail(5)); u.FamilyName != "Renamed" {
		t.Errorf("the sound one was not changed: %+v", u)
	}
	if r.Counts.Failed == 0 || len(r.Problems) == 0 {
		t.Errorf("%d failed, told of %v", r.Counts.Failed, r.Problems)
	}
}

// TestPlanning_D3_HandsOn: a slice whose time is over amid the planning is one part
// further, and another one goes on.
func TestPlanning_D3_HandsOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.LDAPOnly, options{})
	s.employ(0, 450)
	s.engine.Slice = 3 * time.Second
	s.engine.Now = func() time.Time { s.clock.Advance(time.Second); return s.clock.Now() }
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	// Each part is planned and applied in a slice of its own.
	if r.Parts != 5 || r.Slices < 9 || len(s.people()) != 450 {
		t.Errorf("%d slices, %d parts, %d people", r.Slices, r.Parts, len(s.people()))
	}
}

// TestCollecting_IsGivenUp where it was begun again and again for a day, by processes
// that could not tell of their end.
func TestCollecting_IsGivenUp(t *testing.T) {
	t.Parallel()
	for slices, want := range map[int]string{inVain - 1: "", inVain: reasonEndless} {
		s := newSite(t, directory.LDAPOnly, options{})
		s.employ(0, 2)
		id := s.newID()
		s.put(func(tx *record.Tx) error {
			if err := tx.PutRun(directory.Run{ID: id, Enterprise: acme, Kind: directory.Sync, Phase: directory.Collecting,
				RequestedBy: actor, StartedAt: noon, Revision: 1, Slices: slices}); err != nil {
				return err
			}
			return tx.PutDirectoryState(directory.State{Enterprise: acme, Run: id, Fence: slices})
		})
		s.clock.Advance(longest)
		s.schedule()
		if r := s.run(id); !r.Phase.Ended() || r.Reason != want || (r.Advice == "") != (want == "") {
			t.Errorf("taken up %d times before: %s %q %q", slices, r.Phase, r.Reason, r.Advice)
		}
	}
}

// TestSheets_FitDocuments however many problems and rows a page has.
func TestSheets_FitDocuments(t *testing.T) {
	t.Parallel()
	p := directory.Page{Run: "r", Source: directory.FromLDAP, Last: true}
	for i := range 3000 {
		p.Problems = append(p.Problems, directory.Problem{ID: fmt.Sprint(i), Name: strings.Repeat("d", 700), Reason: "no-mail"})
		p.Entries = append(p.Entries, person.Entry{ID: fmt.Sprint(i), DN: strings.Repeat("d", 700)})
	}
	problems, entries := 0, 0
	for _, q := range sheets(p, make([]directory.Row, 2*pageRows), 0) {
		b, err := json.Marshal(q)
		if err != nil || len(b) > store.MaxBody {
			t.Errorf("page %d has %d bytes: %v", q.Number, len(b), err)
		}
		for _, x := range q.Problems {
			if x.ID != fmt.Sprint(problems) {
				t.Fatalf("problem %d is of %s", problems, x.ID)
			}
			problems++
		}
		entries += len(q.Entries)
	}
	if problems != 3000 || entries != 3000 {
		t.Errorf("%d problems and %d entries, want 3000 of each", problems, entries)
	}
}

// TestModes_D1_AccountsAreMissedLater: an account that is deleted while Google is not
// read is found to be gone once it is read again.
func TestModes_D1_AccountsAreMissedLater(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(3)
	s.sync()
	mode := func(m directory.Mode) {
		s.configure(func(c *directory.Config) { c.Mode = m; c.Revision++ })
		wantRun(t, s.sync(), directory.Done, "")
	}
	mode(directory.LDAPOnly)
	s.google.Remove(mail(1))
	mode(directory.ReadOnly)
	for i, gone := range []bool{false, true, false} {
		if g := s.person(mail(i)).Google; g.Deleted != gone || g.ID == "" {
			t.Errorf("the account of %d is %+v", i, g)
		}
	}
	if n := len(s.state().Manifests); n != 2 {
		t.Errorf("%d manifests, want 2", n)
	}
}

// TestManifestLost_D5_MissesNobody: what the last run knew is lost or damaged. Changes
// alone end with a reason, a full run takes nothing and remembers everybody, and the
// one after it misses who left.
func TestManifestLost_D5_MissesNobody(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*record.Tx, string) error{
		"lost":    func(tx *record.Tx, id string) error { return tx.DeleteBucket(id) },
		"damaged": func(tx *record.Tx, id string) error { return tx.PutBucket(id, []byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, directory.LDAPOnly, options{})
			s.employ(0, 4)
			s.sync()
			bucket := s.state().Manifests[directory.FromLDAP][0]
			s.put(func(tx *record.Tx) error { return harm(tx, bucket) })
			if r := s.sync(); r.Phase != directory.Failed || r.Reason == "" {
				t.Errorf("the run is %s %q", r.Phase, r.Reason)
			}
			wantRun(t, s.start(directory.Sync, true), directory.Done, "")
			if n := s.states()[person.Active]; n != 4 {
				t.Errorf("%d are active, want 4", n)
			}
			s.must(s.ldap.Delete(ldapDN(1)))
			wantRun(t, s.sync(), directory.Done, "")
			if p := s.person(mail(1)); p.State != person.Leaving {
				t.Errorf("who left is %s", p.State)
			}
		})
	}
}
