package directorysync

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// writes lets a site make Google accounts.
func (s *site) writes() {
	random := rand.NewChaCha8([32]byte{1})
	s.engine.Accounts = &AccountWriter{Google: s.engine.Google, Joined: s.db.PersonByGoogle, Random: random, Now: s.clock.Now}
}

func newWriting(t *testing.T, n int) *site {
	t.Helper()
	s := newSite(t, directory.ReadWrite, options{})
	s.writes()
	s.employ(0, n)
	return s
}

// accounts returns Google's users but the administrator, by address.
func (s *site) accounts() map[string]workspacetest.User {
	out := map[string]workspacetest.User{}
	for _, u := range s.google.Snapshot(s.customer).Users {
		if u.PrimaryEmail != boss {
			out[u.PrimaryEmail] = u
		}
	}
	return out
}

// TestReadWrite_D2_MakesAccountsAfterLDAP: from nobody at Google to everybody, and
// each change after it.
func TestReadWrite_D2_MakesAccountsAfterLDAP(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 12)
	s.hire(11, 1) // is there already, made by somebody else
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if got := s.accounts(); len(got) != 12 || r.Counts.Done[directory.CreateAccount] != 11 || r.Counts.Done[directory.Link] != 1 {
		t.Fatalf("%d accounts, done %v", len(got), r.Counts.Done)
	}
	for m, p := range s.people() {
		u, ok := s.google.UserOf(p.Google.ID)
		if !ok || u.PrimaryEmail != m || u.FamilyName != p.Entry.FamilyName {
			t.Errorf("%s has the account %+v", m, u)
		}
	}
	r = s.sync()
	if r.Parts != 0 {
		// What Google says of the accounts that were made is new to the manifest,
		// and changes nothing.
		for name, it := range s.plan(r) {
			t.Errorf("%s is planned %v", name, it.Steps)
		}
	}

	s.must(s.ldap.Set(ldapDN(1), "sn", "Renamed"))
	s.must(s.ldap.Set(ldapDN(2), "mail", "moved@"+domain))
	s.must(s.ldap.Delete(ldapDN(3)))
	s.employ(20, 1)
	dry := s.start(directory.DryRun, false)
	r = s.sync()
	wantRun(t, r, directory.Done, "")
	if diff := cmp.Diff(dry.Counts.Planned, r.Counts.Planned); diff != "" {
		t.Errorf("planned (-dry +run):\n%s", diff)
	}
	want := map[directory.Action]int{directory.Update: 2, directory.UpdateAccount: 1, directory.RenameAccount: 1, directory.Leave: 1,
		directory.CloseAccount: 1, directory.Add: 1, directory.CreateAccount: 1}
	if diff := cmp.Diff(want, r.Counts.Done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	got := s.accounts()
	if got[mail(1)].FamilyName != "Renamed" || got["moved@"+domain].ID == "" || !got[mail(3)].Suspended || got[mail(20)].ID == "" {
		t.Errorf("the accounts are %+v", got)
	}
	if r := s.sync(); len(r.Counts.Done) > 0 {
		t.Errorf("the next run does %v", r.Counts.Done)
	}
}

// TestReadWrite_D2_DeletesLate: an account is deleted when its time has come, and
// the guard counts it.
func TestReadWrite_D2_DeletesLate(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 120)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 30 })
	wantRun(t, s.sync(), directory.Done, "")
	for i := range 10 {
		s.must(s.ldap.Delete(ldapDN(i)))
	}
	wantRun(t, s.sync(), directory.Done, "")
	if p := s.person(mail(1)); p.State != person.Leaving || p.Google.Suspended != person.Yes {
		t.Fatalf("the leaver is %s, suspended %q", p.State, p.Google.Suspended)
	}
	s.clock.Advance(31 * 24 * time.Hour)
	r := s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachDelete)
	if r.Counts.Deletes != 10 || len(s.accounts()) != 120 {
		t.Errorf("%d are to be deleted, %d accounts are there", r.Counts.Deletes, len(s.accounts()))
	}
	r = s.decide(directory.Approve, r.ID, true)
	wantRun(t, r, directory.Done, "")
	if len(s.accounts()) != 120 || r.Counts.Withheld != 10 {
		t.Errorf("additions only: %d accounts, %d withheld", len(s.accounts()), r.Counts.Withheld)
	}
	r = s.sync()
	wantRun(t, r, directory.Quarantined, directory.BreachDelete)
	wantRun(t, s.decide(directory.Approve, r.ID, false), directory.Done, "")
	if len(s.accounts()) != 110 || !s.person(mail(1)).Google.Deleted {
		t.Errorf("%d accounts are there, want 110", len(s.accounts()))
	}
	if r := s.sync(); len(r.Counts.Done) > 0 {
		t.Errorf("the next run does %v", r.Counts.Done)
	}
}

// TestReadWrite_D9_SparesAdministrators whatever LDAP says.
func TestReadWrite_D9_SparesAdministrators(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 5)
	s.configure(func(c *directory.Config) { c.Google.DeleteAfterDays = 1 })
	s.sync()
	s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Admin = true }))
	s.must(s.google.Edit(mail(2), func(u *workspacetest.User) { u.DelegatedAdmin = true }))
	s.sync()
	for i := 1; i < 3; i++ {
		s.must(s.ldap.Delete(ldapDN(i)))
	}
	s.sync()
	s.clock.Advance(48 * time.Hour)
	wantRun(t, s.sync(), directory.Done, "")
	for i := 1; i < 3; i++ {
		u, ok := s.google.UserOf(mail(i))
		if !ok || u.Suspended {
			t.Errorf("administrator %d is suspended or gone: %+v", i, u)
		}
		if p := s.person(mail(i)); p.State != person.Leaving || !slices.Contains(p.Problems, directory.ProblemAdministrator) {
			t.Errorf("administrator %d is %s with problems %v", i, p.State, p.Problems)
		}
	}
}

// TestReadWrite_D8_OneRefusalStopsNobody: names and addresses that Google does not
// take are told of, and the others get their accounts.
func TestReadWrite_D8_OneRefusalStopsNobody(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 6)
	s.must(s.ldap.Set(ldapDN(1), "sn", strings.Repeat("n", 41)))
	s.must(s.ldap.Set(ldapDN(2), "givenName"))
	s.must(s.ldap.Set(ldapDN(3), "mail", mail(4))) // both of them
	s.must(s.ldap.Set(ldapDN(5), "mail", "somebody@elsewhere.example"))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if got := s.accounts(); len(got) != 1 || got[mail(0)].ID == "" {
		t.Errorf("the accounts are %v", got)
	}
	problems := map[string][]string{}
	for _, p := range s.people() {
		problems[p.Entry.Login] = p.Problems
	}
	want := map[string][]string{"u00000": nil, "u00001": {directory.ProblemNameTooLong}, "u00002": {directory.ProblemNameMissing},
		"u00003": {directory.ProblemSharedMail}, "u00004": {directory.ProblemSharedMail}, "u00005": {directory.ProblemAddress}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestReadWriteOutage_Waits: where Google takes no writes the run waits, and goes on
// when it does; where it fails for one person alone, the others are not kept.
func TestReadWriteOutage_Waits(t *testing.T) {
	t.Parallel()
	s := newWriting(t, 30)
	s.google.Faults.Add(googletest.Script{Method: "directory.users.insert", Mode: googletest.Refuse, Status: 503})
	id := s.newID()
	s.command(directory.Command{Op: directory.Start, Run: id, Kind: directory.Sync})
	e, _ := s.next()
	if err := s.engine.Handle(t.Context(), e); !fault.Redeliver(err) {
		t.Fatalf("the run does not wait: %v", err)
	}
	if r := s.run(id); r.Phase != directory.Applying || r.Reason == "" {
		t.Errorf("the run is %s %q", r.Phase, r.Reason)
	}
	s.google.Faults.Clear()
	s.must(s.engine.Handle(t.Context(), e))
	wantRun(t, s.run(id), directory.Done, "")
	if len(s.accounts()) != 30 {
		t.Errorf("%d accounts, want 30", len(s.accounts()))
	}
}
