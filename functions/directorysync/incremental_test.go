package directorysync

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// adUser is person i of ldaptest.NumberedAD.
func adUser(i int) string { return fmt.Sprintf("CN=u%06d,OU=people,%s", i, base) }

func adMail(s *site, i int) string {
	for m, p := range s.people() {
		if strings.HasPrefix(p.Entry.DN, fmt.Sprintf("CN=u%06d,", i)) {
			return m
		}
	}
	s.t.Fatalf("there is no person %d", i)
	return ""
}

func newActiveDirectory(t *testing.T, mode directory.Mode, n int) *site {
	t.Helper()
	s := newSite(t, mode, options{schema: directory.ActiveDirectory})
	s.must(s.ldap.AddAll(ldaptest.NumberedAD(base, n)))
	return s
}

// TestChanges_D7_FollowActiveDirectory: between full walks only what changed is
// read, a removal is confirmed, and a daily walk ends where the changes led to.
func TestChanges_D7_FollowActiveDirectory(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 700)
	first := s.sync()
	wantRun(t, first, directory.Done, "")
	if first.Incremental || s.state().Cursor == "" {
		t.Fatalf("the first run is incremental: %v; its cursor is %q", first.Incremental, s.state().Cursor)
	}
	gone, renamed := adMail(s, 5), adMail(s, 6)
	s.must(s.ldap.Delete(adUser(5)))
	s.must(s.ldap.Set(adUser(6), "sn", "Renamed"))
	s.must(s.ldap.Set(adUser(7), "userAccountControl", "514"))
	before := s.ldap.Counters().Entries
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if read := s.ldap.Counters().Entries - before; !r.Incremental || read > 50 {
		t.Errorf("incremental: %v; %d entries were read", r.Incremental, read)
	}
	want := map[directory.Action]int{directory.Leave: 1, directory.Update: 1, directory.Disable: 1}
	if diff := cmp.Diff(want, r.Counts.Done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if p := s.person(gone); p.State != person.Leaving {
		t.Errorf("who was deleted is %s", p.State)
	}
	if p := s.person(renamed); p.Entry.FamilyName != "Renamed" {
		t.Errorf("who was renamed is %q", p.Entry.FamilyName)
	}
	if r.Counts.Listed != 699 || r.Counts.Before != 700 {
		t.Errorf("%d listed, %d before", r.Counts.Listed, r.Counts.Before)
	}
	if r := s.sync(); !r.Incremental || r.Parts != 0 {
		t.Errorf("nothing changed: incremental %v, %d parts", r.Incremental, r.Parts)
	}
	s.clock.Advance(defaultFullEvery * time.Hour)
	full := s.sync()
	if wantRun(t, full, directory.Done, ""); full.Incremental || full.Parts != 0 {
		t.Errorf("the daily walk: incremental %v, does %v", full.Incremental, s.plan(full))
	}
}

// TestChanges_D7_StaleCursorWalks: a cursor that the directory no longer takes costs
// a walk and nothing else.
func TestChanges_D7_StaleCursorWalks(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 30)
	s.sync()
	s.put(func(tx *record.Tx) error {
		st, err := tx.DirectoryState(acme)
		if err != nil {
			return err
		}
		st.Cursor = "of another directory"
		return tx.PutDirectoryState(st)
	})
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Incremental || r.Parts != 0 || s.state().Cursor == "of another directory" {
		t.Errorf("incremental %v, %d parts, cursor %q", r.Incremental, r.Parts, s.state().Cursor)
	}
}

// TestChanges_D8_WhoFailedIsReadAgain: LDAP's changes do not tell twice, so that a
// run which could not store a person has the next one walk.
func TestChanges_D8_WhoFailedIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 150)
	s.sync()
	m := adMail(s, 6)
	key := s.person(m).Key
	s.damage(key)
	s.must(s.ldap.Set(adUser(6), "sn", "Renamed"))
	s.must(s.ldap.Set(adUser(8), "sn", "Renamed"))
	r := s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Counts.Failed != 1 || r.Counts.Done[directory.Update] != 1 || len(r.Problems) == 0 || s.state().Cursor != "" {
		t.Errorf("counts %+v, problems %v, cursor %q", r.Counts, r.Problems, s.state().Cursor)
	}
	s.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{Key: key, Enterprise: acme, ID: "x", State: person.Active})
	})
	r = s.sync()
	wantRun(t, r, directory.Done, "")
	if r.Incremental || r.Counts.Failed != 0 || s.person(m).Entry.FamilyName != "Renamed" {
		t.Errorf("the next run: incremental %v, counts %+v", r.Incremental, r.Counts)
	}
	if r := s.sync(); !r.Incremental {
		t.Error("the run after it is not incremental again")
	}
}

// source is a directory whose changes a test makes up.
type source struct {
	ldapSource
	delta ldap.Delta
	pages []ldap.Page
}

func (f source) Changes(_ context.Context, _ ldap.Cursor, fn func(ldap.Page) error) (ldap.Delta, error) {
	for _, p := range f.pages {
		if err := fn(p); err != nil {
			return ldap.Delta{}, err
		}
	}
	return f.delta, nil
}

// TestChanges_D7_PresentOnly: a directory that tells who is there instead of who is
// gone (RFC 4533) is as good, and as little believed where few are left.
func TestChanges_D7_PresentOnly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		present int
		phase   directory.Phase
		reason  string
	}{
		{"one is gone", 199, directory.Done, ""},
		{"most are gone", 20, directory.Quarantined, directory.BreachDrop},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newActiveDirectory(t, directory.LDAPOnly, 200)
			s.sync()
			open := s.engine.LDAP
			var ids []string
			by := map[string]person.Person{}
			for _, p := range s.people() {
				by[p.Entry.DN] = p
			}
			for i := range tc.present {
				ids = append(ids, by[adUser(i)].ID)
			}
			changed := by[adUser(0)].Entry
			changed.FamilyName = "Renamed"
			s.engine.LDAP = func(ctx context.Context, c directory.Config) (ldapSource, error) {
				l, err := open(ctx, c)
				return source{ldapSource: l, delta: ldap.Delta{Cursor: "next", PresentOnly: true, Present: ids[1:]},
					pages: []ldap.Page{{Entries: []person.Entry{changed}}}}, err
			}
			s.must(s.ldap.Delete(adUser(199)))
			r := s.sync()
			wantRun(t, r, tc.phase, tc.reason)
			if r.Counts.Absent != 200-tc.present || r.Counts.Listed != tc.present {
				t.Errorf("%d absent, %d listed", r.Counts.Absent, r.Counts.Listed)
			}
			if r.Full || s.state().LastFull.Equal(r.StartedAt) {
				t.Error("who did not change was not read, and yet the run counts as a full one")
			}
			if tc.phase == directory.Done && (r.Counts.Done[directory.Leave] != 1 || s.state().Cursor != "next") {
				t.Errorf("done %v, cursor %q", r.Counts.Done, s.state().Cursor)
			}
		})
	}
}

// TestChanges_D7_PresentAndChanged: a directory may call those present whom it also
// tells as changed. What they became counts, so that going back is a change again,
// and whoever is left out by then is not there.
func TestChanges_D7_PresentAndChanged(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.LDAPOnly, 30)
	s.configure(func(c *directory.Config) { c.Exclude.Mails = []string{"@left-out.example"} })
	s.sync()
	open := s.engine.LDAP
	var ids []string
	for i := range 30 {
		ids = append(ids, s.person(adMail(s, i)).ID)
	}
	tell := func(changed ...person.Entry) {
		s.engine.LDAP = func(ctx context.Context, c directory.Config) (ldapSource, error) {
			l, err := open(ctx, c)
			return source{ldapSource: l, delta: ldap.Delta{Cursor: "next", PresentOnly: true, Present: ids},
				pages: []ldap.Page{{Entries: changed}}}, err
		}
		wantRun(t, s.sync(), directory.Done, "")
	}
	was := s.person(adMail(s, 0))
	locked := was.Entry
	locked.Enabled = person.No
	for _, e := range []person.Entry{locked, was.Entry, locked, was.Entry} {
		tell(e)
		if p := s.person(was.Entry.Mail); p.Entry.Enabled != e.Enabled {
			t.Errorf("told %q, the person is %q", e.Enabled, p.Entry.Enabled)
		}
	}
	away := s.person(adMail(s, 1)).Entry
	before := away.Mail
	s.must(s.ldap.Set(adUser(1), "mail", "x@left-out.example"))
	s.must(s.ldap.Set(adUser(1), "proxyAddresses"))
	away.Mail = "x@left-out.example"
	tell(away)
	if p := s.person(before); p.State != person.Leaving {
		t.Errorf("who is left out by now is %s", p.State)
	}
}

// damage makes a person's row unreadable.
func (s *site) damage(key string) {
	s.t.Helper()
	s.must(s.driver.Update(context.Background(), func(tx storeTxn) error {
		return tx.Put(document(record.People, key, `{"key":1}`))
	}))
}

// TestWatched_SkipsGoogle: while Google tells of every change it is not listed,
// unless somebody's address in LDAP is another.
func TestWatched_SkipsGoogle(t *testing.T) {
	t.Parallel()
	s := newActiveDirectory(t, directory.ReadOnly, 60)
	s.sync()
	for m := range s.people() {
		if _, err := s.google.AddUser(workspacetest.User{PrimaryEmail: m, GivenName: "G", FamilyName: "F"}); err != nil {
			t.Fatal(err)
		}
	}
	s.sync()
	watched := func() directory.Run {
		s.clock.Advance(pause)
		sl, err := s.engine.take(t.Context(), directory.Command{Enterprise: acme, Op: directory.Schedule,
			RequestedBy: actor, RequestedAt: s.clock.Now()}, true)
		s.must(err)
		s.must(sl.work(t.Context()))
		return s.run(sl.run.ID)
	}
	lists := s.lists()
	s.must(s.ldap.Set(adUser(1), "sn", "Renamed"))
	r := watched()
	wantRun(t, r, directory.Done, "")
	if !r.SkipGoogle || s.lists() != lists || r.Counts.Done[directory.Update] != 1 || r.Counts.GoogleListed != 61 {
		t.Errorf("skip %v, %d lists, counts %+v", r.SkipGoogle, s.lists()-lists, r.Counts)
	}
	full := s.state().LastFull
	if got := s.state(); got.Google != 61 || len(got.Manifests[directory.FromGoogle]) != 1 {
		t.Errorf("the state forgot Google: %+v", got)
	}
	s.must(s.google.Edit(adMail(s, 2), func(u *workspacetest.User) { u.Aliases = append(u.Aliases, "other@"+domain) }))
	r = watched()
	if !r.SkipGoogle {
		t.Error("Google was listed for nothing")
	}
	lone := "lone@" + domain
	if _, err := s.google.AddUser(workspacetest.User{PrimaryEmail: lone, GivenName: "G", FamilyName: "F"}); err != nil {
		t.Fatal(err)
	}
	s.must(s.ldap.Set(adUser(3), "mail", lone))
	s.must(s.ldap.Set(adUser(3), "proxyAddresses"))
	r = watched()
	if wantRun(t, r, directory.Done, ""); r.SkipGoogle || s.lists() != lists+1 {
		t.Errorf("skip %v, %d lists", r.SkipGoogle, s.lists()-lists)
	}
	if !s.state().LastFull.Equal(full) {
		t.Error("a run over changes counts as a full one")
	}
}
