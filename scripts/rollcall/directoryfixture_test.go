package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

var (
	keyAda, keyBob = person.KeyOf("acme", "e-1815"), person.KeyOf("acme", "e-1912")
	lastRun        = strings.Repeat("r", 26)
)

// put stores rows, each in a transaction of its own.
func (p *place) put(fns ...func(*record.Tx) error) {
	p.t.Helper()
	for _, fn := range fns {
		if err := p.db.Update(p.t.Context(), fn); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *place) putRun(run directory.Run) {
	p.t.Helper()
	p.put(func(tx *record.Tx) error { return tx.PutRun(run) })
}

// acme is an enterprise without a directory.
func (p *place) acme() {
	p.t.Helper()
	p.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{ID: "acme", Name: "Acme Ltd", Play: "LC01", State: enterprise.Bound})
	})
}

// company is an enterprise with a directory of two people that was synced.
func (p *place) company() {
	p.t.Helper()
	p.acme()
	grace := 30
	p.put(
		func(tx *record.Tx) error {
			return tx.PutDirectory(directory.Config{
				Enterprise: "acme", Mode: directory.ReadWrite, Revision: 3, UpdatedAt: clock.AddDate(0, 0, -9), UpdatedBy: "admin:ada@example.com",
				LDAP: &directory.LDAP{
					URL: "ldaps://ldap.example.com", BaseDN: "ou=people,dc=example,dc=com", BindDN: "cn=rollcall,dc=example,dc=com",
					Attributes: directory.Attributes{Custom: map[string]string{"site": "l"}},
				},
				Google:  &directory.Google{Subject: "admin@example.com", Units: []directory.UnitRule{{DN: "ou=sales,dc=example,dc=com", OrgUnit: "/Sales"}}},
				Exclude: directory.Exclude{Mails: []string{"@guests.example.com", "root@example.com"}},
				Leavers: directory.Leavers{GraceDays: &grace},
			})
		},
		func(tx *record.Tx) error {
			return tx.PutDirectoryState(directory.State{
				Enterprise: "acme", LastRun: lastRun, LastDone: clock.Add(-15 * time.Minute), LastTried: clock.Add(-15 * time.Minute),
				LastFull: clock.Add(-10 * time.Hour), Cursor: "eyJrIjoic3luYyIsInMiOiJ4In0", People: 1204, Google: 1180, Revision: 3,
			})
		},
		func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{
				Key: keyAda, Enterprise: "acme", ID: "e-1815", State: person.Active, Since: clock.AddDate(0, 0, -40), Settled: person.Granted,
				Entry: person.Entry{
					ID: "e-1815", Mail: "ada@example.com", Login: "ada", GivenName: "Ada", FamilyName: "Byron", Aliases: []string{"al@example.com"},
					Unit: "ou=people,dc=example,dc=com", Enabled: person.Yes, Hash: "digest-of-a-hash",
				},
				EntryAt: clock.Add(-15 * time.Minute), GoogleAt: clock.Add(-15 * time.Minute),
				Google: person.Google{
					ID: "104", Mail: "ada@example.com", Suspended: person.No, OrgUnit: "/", Owner: keyAda, Hash: "digest-of-a-hash", Admin: person.Yes,
				},
			})
		},
		func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{
				Key: keyBob, Enterprise: "acme", ID: "e-1912", State: person.Leaving, Since: clock.Add(-time.Hour), DeleteAt: clock.AddDate(0, 0, 30),
				Settled: person.Granted, Attempts: 2, Problems: []string{directory.ProblemAdministrator},
				Entry: person.Entry{ID: "e-1912", Mail: "alan@example.com", Login: "alan", DisplayName: "Alan Turing\x1b[2J"},
				Google: person.Google{
					ID: "105", Mail: "alan@example.com", Suspended: person.Yes, SuspendedByUs: true, DeleteAt: clock.AddDate(0, 0, 90),
				},
			})
		},
		func(tx *record.Tx) error {
			return tx.PutDevice(device.Device{
				ID: "d1", Enterprise: "acme", Subject: account.Subject{Kind: account.Person, ID: "e-1815"}, LastSeen: clock.Add(-time.Minute),
				Desired: device.Desired{AccountID: "acct1", AccountName: "n1"},
			})
		},
		func(tx *record.Tx) error {
			return tx.PutAccount(account.Account{
				ID: "acct1", Enterprise: "acme", Subject: account.Subject{Kind: account.Person, ID: "e-1815"}, State: account.Active,
			})
		},
	)
	p.putRun(directory.Run{
		ID: lastRun, Enterprise: "acme", Kind: directory.Sync, Phase: directory.Done, Incremental: true, RequestedBy: "system:directory",
		StartedAt: clock.Add(-15 * time.Minute), EndedAt: clock.Add(-15*time.Minute + 3*time.Second), Revision: 3,
		Counts: directory.Counts{Before: 1204, Done: map[directory.Action]int{directory.Update: 2, directory.Disable: 1}},
	})
}

// became makes a run the current one, in some phase.
func (p *place) became(run directory.Run) {
	p.t.Helper()
	run.Enterprise, run.Revision = "acme", 3
	p.putRun(run)
	p.put(func(tx *record.Tx) error {
		s, err := tx.DirectoryState("acme")
		if err != nil {
			return err
		}
		if s.Run = run.ID; run.Phase.Ended() {
			s.Run = ""
		}
		return tx.PutDirectoryState(s)
	})
}

// obeys makes the waiting of a command the time in which directorysync does one
// step after the other of the run that was asked for.
func (p *place) obeys(steps ...func(run directory.Run)) {
	p.wait = func(ctx context.Context, d time.Duration) error {
		if d < watchFirst || d > watchEvery {
			p.t.Errorf("waits %v", d)
		}
		if len(p.bus.runs) == 0 || len(steps) == 0 {
			p.t.Fatal("waits for something that nobody does")
		}
		asked := p.bus.runs[len(p.bus.runs)-1]
		steps[0](directory.Run{
			ID: asked.Run, Enterprise: "acme", Kind: asked.Kind, Full: asked.Full, RequestedBy: asked.RequestedBy, StartedAt: clock.Add(-4 * time.Second),
			EndedAt: clock, Revision: 3,
		})
		steps = steps[1:]
		return ctx.Err()
	}
}

// breaches are those of a directory that lost most of its people.
var breaches = []directory.Breach{
	{Reason: directory.BreachDrop, Text: "the directory lists 700 people; last time it listed 1204"},
	{Reason: directory.BreachWithdraw, Text: "504 of 1204 people would lose their access; 240 may in one run"},
}

// plan stores a plan of many kinds of steps for a run.
func (p *place) plan(run directory.Run) directory.Run {
	p.t.Helper()
	run.Parts = 1
	run.Counts = directory.Counts{
		Listed: 700, Before: 1204, GoogleListed: 690, GoogleBefore: 1180, Absent: 504, GoogleAbsent: 1, Excluded: 3, Problems: 2,
		Planned: map[directory.Action]int{
			directory.Add: 1, directory.Update: 1, directory.Leave: 1, directory.Miss: 1, directory.CreateAccount: 1,
			directory.CloseAccount: 1, directory.MoveAccount: 1, directory.SendHash: 1, directory.Link: 1, "sing": 1,
		},
	}
	run.Problems = []directory.Problem{
		{ID: "e-7", Name: "Twin One", Reason: directory.ProblemSharedMail}, {Reason: "no-id"},
	}
	run.Counts.Withdraws = 1
	bob := directory.Item{
		Key: keyBob, ID: "e-1912", Name: "Alan Turing\x1b[2J", Mail: "alan@example.com",
		Facts: directory.Facts{EntryGone: directory.Absent},
		Steps: []directory.Step{{Action: directory.Leave, To: "absent"}, {Action: directory.CloseAccount, From: "alan@example.com"}},
	}
	if len(run.Breaches) > 0 { // then nobody was asked for yet
		bob.Facts.EntryGone, bob.Steps = directory.Unlisted, []directory.Step{{Action: directory.Miss}}
		delete(run.Counts.Planned, directory.Leave)
		delete(run.Counts.Planned, directory.CloseAccount)
		run.Counts.Planned[directory.Miss] = 504
		run.Counts.Withdraws = 504
	}
	p.put(func(tx *record.Tx) error {
		return tx.PutPart(directory.Part{Run: run.ID, Items: []directory.Item{
			{
				Key: person.KeyOf("acme", "e-2"), ID: "e-2", Name: "Grace Hopper", Mail: "grace@example.com",
				Facts: directory.Facts{Entry: &person.Entry{ID: "e-2", Hash: "digest-of-a-hash"}},
				Steps: []directory.Step{{Action: directory.Add}, {Action: directory.CreateAccount, To: "grace@example.com"}},
			},
			{
				Key: keyAda, ID: "e-1815", Name: "Ada Lovelace", Mail: "ada@example.com",
				Facts: directory.Facts{Entry: &person.Entry{ID: "e-1815", Mail: "ada@example.com", FamilyName: "Lovelace", Hash: "digest-of-a-hash"}},
				Steps: []directory.Step{
					{Action: directory.Update, Fields: []string{"familyName", "aliases", "password"}},
					{Action: directory.MoveAccount, From: "/", To: "/Sales"}, {Action: directory.SendHash},
				},
			},
			bob,
			{
				Key: person.KeyOf("acme", "e-3"), ID: "e-3", Mail: "eve@example.com",
				Facts: directory.Facts{EntryGone: directory.Unconfirmed, Google: &person.Google{ID: "9"}},
				Steps: []directory.Step{{Action: directory.Miss}, {Action: directory.Link, To: "eve@example.com"}},
			},
			{Key: person.KeyOf("acme", "e-7"), ID: "e-7", Name: "Twin One", Facts: directory.Facts{Unclear: true}},
		}})
	})
	return run
}

func (p *place) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}
