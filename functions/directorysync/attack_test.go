package directorysync

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestSharedMail_D8_NewAccountIsNobodys: an account that appears with the address of
// two people is neither's, though LDAP tells nothing new.
func TestSharedMail_D8_NewAccountIsNobodys(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.employ(0, 3)
	twin := ldapPerson(77)
	twin.Attributes["mail"] = []string{mail(1)}
	s.must(s.ldap.Add(twin))
	s.sync()
	s.hire(1, 1)
	wantRun(t, s.sync(), directory.Done, "")
	shared := 0
	for _, p := range s.people() {
		if p.Entry.Mail != mail(1) {
			continue
		}
		shared++
		if p.Google.ID != "" || len(p.Problems) != 1 || p.Problems[0] != directory.ProblemSharedMail {
			t.Errorf("%s has the account %q and the problems %v", p.Entry.Login, p.Google.ID, p.Problems)
		}
	}
	if shared != 2 {
		t.Errorf("%d people have the address, want 2", shared)
	}
}

// TestAccount_D1_DeletedAndMadeAnew: between two runs somebody deletes an account
// and makes another with its address. The person gets the new one once Google says
// that the old one is gone, and not before.
func TestAccount_D1_DeletedAndMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.ReadOnly, options{})
	s.fill(3)
	s.sync()
	old := s.person(mail(1)).Google.ID
	s.google.Remove(mail(1))
	s.hire(1, 1)
	anew, _ := s.google.UserOf(mail(1))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if g := s.person(mail(1)).Google; anew.ID == old || g.ID != anew.ID || g.Deleted {
		t.Errorf("the account is %+v, want %s in place of %s", g, anew.ID, old)
	}
	if r := s.sync(); r.Parts != 0 {
		t.Errorf("the next run does %v", s.plan(r))
	}
}

// TestApproval_D5_AsksOnceMore: what a plan would take is asked for again when it is
// let through, for by then it may be old.
func TestApproval_D5_AsksOnceMore(t *testing.T) {
	t.Parallel()
	for _, mode := range readingModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, mode, options{})
			if s.ldap != nil {
				s.configure(func(c *directory.Config) { c.LDAP.Attributes.Disabled = "employeeType" })
			}
			s.fill(6)
			s.configure(func(c *directory.Config) { c.Guard.Withdraw.Count = 1 })
			wantRun(t, s.sync(), directory.Done, "")
			lock := func(i int, on bool) {
				if mode == directory.GoogleOnly {
					s.must(s.google.Edit(mail(i), func(u *workspacetest.User) { u.Suspended = on }))
				} else if on {
					s.must(s.ldap.Set(ldapDN(i), "employeeType", "locked"))
				} else {
					s.must(s.ldap.Set(ldapDN(i), "employeeType"))
				}
			}
			for i := range 4 {
				lock(i, true)
			}
			r := s.sync()
			wantRun(t, r, directory.Quarantined, directory.BreachWithdraw)
			for i := 1; i < 4; i++ {
				lock(i, false)
			}
			s.clock.Advance(5 * time.Hour)
			wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
			for i := range 4 {
				want := person.Active
				if i == 0 {
					want = person.Disabled
				}
				if p := s.person(mail(i)); p.State != want {
					t.Errorf("%d is %s, want %s", i, p.State, want)
				}
			}
			if n := s.run(r.ID).Counts.Done[directory.Disable]; n != 1 {
				t.Errorf("%d were disabled, want 1", n)
			}
			wantRun(t, s.sync(), directory.Done, "")
			if n := s.states()[person.Disabled]; n != 1 {
				t.Errorf("%d are disabled afterwards, want 1", n)
			}
		})
	}
}

// TestApproval_D5_SparesWhoIsBack: an account that was due for deletion is kept if
// its person came back while the plan waited.
func TestApproval_D5_SparesWhoIsBack(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 6)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30; c.Guard.Delete.Count = 1 })
	wantRun(t, s.sync(), directory.Done, "")
	var back []func()
	for i := range 3 {
		leave, ret := s.leaver(i)
		leave()
		back = append(back, ret)
	}
	wantRun(t, s.sync(), directory.Done, "")
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachDelete)
	back[1]()
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
	for i, gone := range []bool{true, false, true} {
		p := s.person(mail(i))
		if u, there := s.google.UserOf(mail(i)); p.Google.Deleted != gone || there == gone || there && u.Suspended {
			t.Errorf("%d is %s, deleted %v, there %v, suspended %v", i, p.State, p.Google.Deleted, there, u.Suspended)
		}
	}
}

// TestReadWrite_D2_KeptAfterAll: where leavers' accounts are no longer deleted, that
// holds for those who left before.
func TestReadWrite_D2_KeptAfterAll(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 3)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30 })
	s.sync()
	s.must(s.ldap.Delete(ldapDN(1)))
	s.sync()
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 0; c.Revision++ })
	s.clock.Advance(31 * 24 * time.Hour)
	wantRun(t, s.sync(), directory.Done, "")
	if u, ok := s.google.UserOf(mail(1)); !ok || !u.Suspended {
		t.Errorf("the leaver's account is there %v, suspended %v", ok, u.Suspended)
	}
}

// TestReadWrite_D2_AnotherAddressRenamesNobody: LDAP has no order among several
// addresses, so that one which comes to them, or sorts first, is no new name for an
// account that has another of them. One that is taken away is.
func TestReadWrite_D2_AnotherAddressRenamesNobody(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 2)
	s.sync()
	s.must(s.ldap.Set(ldapDN(1), "mail", mail(1), "aaa@"+domain))
	wantRun(t, s.sync(), directory.Done, "")
	if u, ok := s.google.UserOf(mail(1)); !ok || u.PrimaryEmail != mail(1) {
		t.Errorf("the account was renamed to %s", u.PrimaryEmail)
	}
	s.must(s.ldap.Set(ldapDN(1), "mail", "bbb@"+domain, "aaa@"+domain))
	wantRun(t, s.sync(), directory.Done, "")
	if u, _ := s.google.UserOf(mail(1)); u.PrimaryEmail != "aaa@"+domain {
		t.Errorf("the account is still called %s", u.PrimaryEmail)
	}
}

// TestIncremental_D5_NobodyIsLeft: changes that leave nobody are believed as little
// as a list of nobody, however few there were.
func TestIncremental_D5_NobodyIsLeft(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 3)
	wantRun(t, s.sync(), directory.Done, "")
	for i := range 3 {
		s.must(s.ldap.Delete(adUser(i)))
	}
	r := s.sync()
	if !r.Incremental {
		t.Error("the run is no incremental one")
	}
	wantRun(t, r, directory.Quarantined, directory.BreachEmpty)
}

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

// TestReadWrite_E5_TellsTheAuditor what became of whose account at Google, and at
// whose word.
func TestReadWrite_E5_TellsTheAuditor(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 3)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30; c.Guard.Delete.Count = 1 })
	s.sync()
	key := s.person(mail(1)).Key
	s.must(s.ldap.Set(ldapDN(1), "mail", "moved@"+domain))
	s.sync()
	for i := 1; i < 3; i++ {
		s.must(s.ldap.Delete(ldapDN(i)))
	}
	s.sync()
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
	want := []string{"google.create-account by " + actor, "google.delete-account by " + ada, "google.rename-account by " + actor,
		"google.suspend-account by " + actor, "person.leave by " + actor}
	if diff := cmp.Diff(want, s.actions("person:"+key)); diff != "" {
		t.Errorf("the trail (-want +got):\n%s", diff)
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
