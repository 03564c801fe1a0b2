package directorysync

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestOpen_FromSettings: what a process is told suffices to run over both
// directories, by the events of the bus and with the secrets of the store.
func TestOpen_FromSettings(t *testing.T) {
	t.Parallel()
	world := newSite(t, directory.ReadOnly, options{})
	world.fill(7)
	p := setup.NewProcess(setup.Config{Store: "embedded", Bus: "embedded", Secrets: "file", Data: t.TempDir(),
		PublicURL: "https://emm.example.com", DirectoryEndpoint: world.google.URL, DirectoryRate: 1000, DirectorySlice: time.Minute},
		slog.New(slog.NewJSONHandler(world.log, nil)))
	t.Cleanup(func() { _ = p.Close() })
	vault, err := secrets.Store(t.Context(), p)
	world.must(err)
	world.must(vault.Put(t.Context(), directory.KeySecret(acme), secret.NewBytes(world.account.JSON)))
	password, err := world.ldap.Password(t.Context())
	world.must(err)
	world.must(vault.Put(t.Context(), directory.BindSecret(acme), password))
	db, err := p.DB(t.Context())
	world.must(err)
	world.must(db.Update(t.Context(), func(tx *record.Tx) error { return tx.PutDirectory(world.config) }))

	handle, err := Open(t.Context(), p)
	world.must(err)
	world.must(handle(t.Context(), event.Event{Topic: event.Directory}))
	b, err := bus.Open(t.Context(), p)
	world.must(err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.Subscribe(event.Directory, func(ctx context.Context, e event.Event) error {
		defer cancel()
		return handle(ctx, e)
	})
	_ = b.Run(ctx)
	world.db = db
	runs := world.runs()
	if len(runs) != 1 || runs[0].Phase != directory.Done || runs[0].RequestedBy != actor {
		t.Fatalf("the runs are %+v", runs)
	}
	joined := 0
	for _, who := range world.people() {
		if who.Google.ID != "" {
			joined++
		}
	}
	if joined != 7 {
		t.Errorf("%d people are joined, want 7", joined)
	}
	world.must(b.Close())
}

// TestHandle_RefusesNonsense for good: it can never work.
func TestHandle_RefusesNonsense(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	for _, data := range []string{"nonsense", "{}", `{"enterprise":"acme","op":"dance","requestedBy":"x","requestedAt":"2026-01-01T00:00:00Z"}`} {
		if err := s.engine.Handle(t.Context(), event.Event{Topic: event.Directory, Data: []byte(data)}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", data, err)
		}
	}
	err := s.engine.Do(t.Context(), directory.Command{Enterprise: "nobody", Op: directory.Start, Kind: directory.Sync, Run: s.newID(),
		RequestedBy: ada, RequestedAt: noon})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("an enterprise without a directory: %v", err)
	}
}

// TestSchedule_OneEnterpriseStopsNobody: each has an event of its own, and a damaged
// configuration is told of and left out.
func TestSchedule_OneEnterpriseStopsNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	for i := range 130 {
		c := s.config
		c.Enterprise = fmt.Sprintf("e%03d", i)
		s.put(func(tx *record.Tx) error { return tx.PutDirectory(c) })
	}
	s.must(s.driver.Update(t.Context(), func(tx storeTxn) error { return tx.Put(document(record.Directories, "e005", `{"mode":1}`)) }))
	s.must(s.engine.Handle(t.Context(), event.Event{Topic: event.Directory}))
	seen := map[string]bool{}
	for {
		e, ok := s.next()
		if !ok {
			break
		}
		cmd, err := directory.ParseCommand(e.Data)
		s.must(err)
		seen[cmd.Enterprise] = cmd.Op == directory.Schedule
	}
	if len(seen) != 130 || seen["e005"] || !seen["e129"] || !seen[acme] {
		t.Errorf("%d enterprises have an event", len(seen))
	}
	if !strings.Contains(s.log.String(), "directory configurations cannot be read") {
		t.Error("the log does not tell of the damaged one")
	}
}

// TestLog_E3_NamesNobody: the lines of a run count people and never name them, and
// neither does the trail.
func TestLog_E3_NamesNobody(t *testing.T) {
	t.Parallel()
	s, r := quarantined(t, directory.ReadOnly)
	s.must(s.ldap.Set(ldapDN(120), "mail", mail(121)))
	s.decide(directory.Approve, r.ID, false)
	s.sync()
	everything := s.log.String()
	for _, rec := range s.trail() {
		everything += fmt.Sprintf("\n%+v", rec)
	}
	for _, p := range s.people() {
		for _, word := range []string{p.Entry.Mail, p.Entry.DN, p.Entry.FamilyName, p.Google.Mail} {
			if word != "" && word != "Renamed" && strings.Contains(everything, word) {
				t.Fatalf("it names %q", word)
			}
		}
	}
	for _, line := range []string{`"msg":"directory run ended"`, `"msg":"directory run quarantined"`} {
		if !strings.Contains(everything, line) {
			t.Errorf("there is no line %s", line)
		}
	}
}

// TestStirred_AreLookedAtAgain: what a notification changed is not taken for
// unchanged because Google lists what it listed last time.
func TestStirred_AreLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	s.fill(5)
	s.sync()
	u, _ := s.google.UserOf(mail(1))
	lock := func(on bool) { s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.Suspended = on })) }
	s.clock.Advance(time.Minute)
	lock(true)
	s.command(directory.Command{Op: directory.Refresh, Users: []string{u.ID}})
	s.deliver()
	if p := s.person(mail(1)); p.State != person.Disabled {
		t.Fatalf("after the notification the person is %s", p.State)
	}
	lock(false) // and nobody tells
	r := s.sync()
	if p := s.person(mail(1)); p.State != person.Active || len(s.state().Stirred) != 0 {
		t.Errorf("after the run the person is %s; stirred %v", p.State, s.state().Stirred)
	}
	wantRun(t, r, directory.Done, "")
	if r := s.sync(); r.Parts != 0 {
		t.Errorf("the next run does %v", s.plan(r))
	}
}

// TestNotification_IsNotUndone: what is known since a page was listed stays as it
// is, and the next run looks again.
func TestNotification_IsNotUndone(t *testing.T) {
	t.Parallel()
	s := newSite(t, directory.GoogleOnly, options{})
	s.fill(5)
	s.sync()
	s.clock.Advance(time.Minute)
	s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.FamilyName = "Before" }))
	id := s.newID()
	sl, err := s.engine.take(t.Context(), directory.Command{Enterprise: acme, Op: directory.Start, Run: id, Kind: directory.Sync,
		RequestedBy: ada, RequestedAt: s.clock.Now()}, false)
	s.must(err)
	s.must(sl.enter(t.Context(), directory.Collecting))
	s.must(sl.collect(t.Context()))
	u, _ := s.google.UserOf(mail(1))
	s.clock.Advance(time.Minute)
	s.must(s.google.Edit(mail(1), func(u *workspacetest.User) { u.FamilyName = "After"; u.Suspended = true }))
	s.must(s.engine.Do(t.Context(), directory.Command{Enterprise: acme, Op: directory.Refresh, Users: []string{u.ID},
		RequestedBy: ada, RequestedAt: s.clock.Now()}))
	s.must(sl.work(t.Context()))
	wantRun(t, s.run(id), directory.Done, "")
	if p := s.person(mail(1)); p.Entry.FamilyName != "After" || p.State != person.Disabled {
		t.Errorf("the run undid the notification: %s %q", p.State, p.Entry.FamilyName)
	}
	if got := s.run(id).Counts.Kept; got != 1 {
		t.Errorf("%d are looked at again, want 1", got)
	}
	s.sync()
	if p := s.person(mail(1)); p.Entry.FamilyName != "After" || p.State != person.Disabled {
		t.Errorf("the next run: %s %q", p.State, p.Entry.FamilyName)
	}
}
