package main

import (
	"context"
	"regexp"
	"time"

	"github.com/rollcall-emm/rollcall/functions/admin"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// sealedText is what a test must find nowhere in an output.
// Key 1 opens it, as far as anybody can tell who does not try.
const sealedText = "AQAAAAEsealed-passwordAA"

// keyNumber finds a key's id in a key set as it is kept.
var keyNumber = regexp.MustCompile(`("(?:keyId|primaryKeyId)":)\d+`)

// keySet puts a key set with the key 1.
func (p *place) keySet() {
	p.t.Helper()
	ctx, secrets := p.t.Context(), p.office.Secrets
	if err := keyring.Create(ctx, secrets, keyring.SecretName); err != nil {
		p.t.Fatal(err)
	}
	v, err := secrets.Access(ctx, keyring.SecretName)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := secrets.Put(ctx, keyring.SecretName, secret.New(keyNumber.ReplaceAllString(v.Reveal(), "${1}1"))); err != nil {
		p.t.Fatal(err)
	}
}

// keptOnLoss is a mailroom whose policy lets the passwords of lost devices be.
func (p *place) keptOnLoss() {
	p.t.Helper()
	p.mailroom()
	p.put(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: "acme", Revision: 3})
	})
}

// keyLost is a company whose passwords have no key any more.
func (p *place) keyLost() {
	p.t.Helper()
	p.company()
	p.policy()
	p.has(keyAda, password.Ledger{State: password.Active, Version: 3, SetAt: clock, Accepted: 3, Account: "104"})
}

// policy puts a password policy.
func (p *place) policy() {
	p.t.Helper()
	p.put(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{
			Enterprise: "acme", Revision: 2, Length: 20, RotateDays: 90, MaxAttempts: 5, RotateOnLoss: true,
			UpdatedAt: clock.AddDate(0, 0, -3), UpdatedBy: "admin:ada@example.com",
		})
	})
}

// someone puts a person with a password as it stands.
func (p *place) someone(id, given, login string, labels []string, l password.Ledger) string {
	p.t.Helper()
	key := person.KeyOf("acme", id)
	p.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{
			Key: key, Enterprise: "acme", ID: id, State: person.Active, Since: clock.AddDate(0, 0, -2), Settled: person.Granted, Labels: labels,
			Entry: person.Entry{ID: id, Mail: login + "@example.com", Login: login, GivenName: given, FamilyName: "Test"},
		})
	})
	p.has(key, l)
	return key
}

// has puts a person's password as it stands.
func (p *place) has(key string, l password.Ledger) {
	p.t.Helper()
	l.Enterprise, l.Person, l.Sealed, l.UpdatedAt = "acme", key, sealedText, clock
	p.put(func(tx *record.Tx) error { return tx.PutPassword(l) })
}

// passwords is a company with a password policy and passwords in every state.
func (p *place) passwords() {
	p.t.Helper()
	p.company()
	p.policy()
	p.keySet()
	p.has(keyAda, password.Ledger{
		State: password.Active, Version: 3, Begun: clock.AddDate(0, 0, -5), Length: 16, SetAt: clock.AddDate(0, 0, -5), RotateAt: clock.AddDate(0, 0, 80),
		Accepted: 3, Account: "104", Leases: 4,
	})
	p.has(keyBob, password.Ledger{
		State: password.Failed, Version: 2, Begun: clock.Add(-time.Hour), Attempts: 5, Reason: password.ReasonAttempts, Length: 20,
		Last: "workspace-unconfirmed", LastAt: clock.Add(-10 * time.Minute), Accepted: 1, Account: "105", Leases: 7,
	})
	p.someone("e-1", "Carol", "carol", []string{"sales"}, password.Ledger{
		State: password.Retry, Version: 1, Begun: clock.Add(-3 * time.Hour), Attempts: 1, Length: 20, NextAt: clock.Add(9 * time.Minute),
		Last: "google-quota", LastAt: clock.Add(-2 * time.Minute), DeferredSince: clock.Add(-2 * time.Hour), Deferrals: 6, Leases: 8,
	})
	p.someone("e-2", "Dan", "dan", nil, password.Ledger{State: password.Pending, Version: 4, Begun: clock, Length: 20, Accepted: 3, Account: "106"})
	p.someone("e-3", "Eve", "eve", nil, password.Ledger{
		State: password.Failed, Version: 1, Begun: clock.Add(-time.Hour), Attempts: 1, Reason: password.ReasonUnknownPerson, Length: 20,
		Last: "google-not-found", LastAt: clock.Add(-time.Hour), Leases: 1,
	})
	p.someone("e-4", "Fay", "fay", nil, password.Ledger{State: password.Leased, Version: 1, Begun: clock, Length: 20, Attempts: 1, Until: clock.Add(time.Minute), Leases: 1})
	p.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{Key: person.KeyOf("acme", "e-5"), Enterprise: "acme", ID: "e-5", State: person.Active, Settled: person.Granted,
			Entry: person.Entry{ID: "e-5", Mail: "gus@example.com", Login: "gus", DisplayName: "Gus"}})
	})
}

// mailroom is that company with mail settings, and a device that has one of them.
func (p *place) mailroom() {
	p.t.Helper()
	p.passwords()
	imap := mail.NewIMAP()
	imap.ID, imap.Name, imap.Labels = "mail", "Mail", []string{"sales"}
	old := mail.NewExchange()
	old.ID, old.Name, old.SignIn, old.Labels = "legacy", "Legacy mail", mail.GoogleAppsPassword, []string{"sales"}
	old.Managed = &mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{"signature": "$USERID$"}}
	site := mail.NewIMAP()
	site.ID, site.Name, site.Email, site.Labels = "site", "Site mail", "team-$site$@example.com", []string{"sales"}
	p.put(func(tx *record.Tx) error {
		book := mail.Book{Enterprise: "acme"}
		for _, s := range []mail.Setting{imap, old, site} {
			var err error
			if book, _, err = book.With(s, clock.Add(-time.Hour)); err != nil {
				return err
			}
		}
		e, err := tx.Enterprise("acme")
		if err != nil {
			return err
		}
		e.MailRevision = book.Revision
		if err := tx.PutMailBook(book); err != nil {
			return err
		}
		return tx.PutEnterprise(e)
	})
	ada := device.Device{
		ID: "d3", Enterprise: "acme", State: device.Active, Subject: account.Subject{Kind: account.Person, ID: "e-1815"},
		LastSeen: clock.Add(-time.Minute), Labels: []string{"sales"},
		Mail: device.Mail{Held: []mail.Held{
			{Setting: "gone", Version: 2, Status: mail.Withdrawing, At: clock.Add(-time.Minute)},
			{Setting: "legacy", Version: 1, PasswordVersion: 2, Status: mail.Applied, At: clock.AddDate(0, 0, -9)},
		}},
	}
	p.failed(&ada, "mail")
	carol := device.Device{
		ID: "d2", Enterprise: "acme", State: device.Active, Subject: account.Subject{Kind: account.Person, ID: "e-1"}, LastSeen: clock.Add(-time.Minute),
	}
	for _, d := range []device.Device{ada, carol} {
		p.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
	}
}

// failed makes d one that could not set a setting up.
func (p *place) failed(d *device.Device, setting string) {
	p.t.Helper()
	book, err := p.db.MailBook(p.t.Context(), "acme")
	if err != nil {
		p.t.Fatal(err)
	}
	ada, err := p.db.Person(p.t.Context(), keyAda)
	if err != nil {
		p.t.Fatal(err)
	}
	at := clock.Add(-time.Hour)
	for _, c := range d.MailChanges(book, ada, 0) {
		if c.Setting == setting {
			d.Mail.Held = mail.Note(d.Mail.Held, c, at)
			d.Mail.Held, _ = mail.Answer(d.Mail.Held, c, false, "NO_MAIL_CLIENT", at)
		}
	}
}

// users is Google's directory.
type users map[string]workspace.User

// Get implements admin.GoogleUsers.
func (u users) Get(_ context.Context, k workspace.Key) (workspace.User, error) {
	if k.ID == "broken" {
		return workspace.User{}, fault.New(fault.Transient, "google-network", "Google cannot be reached.")
	}
	found, ok := u[k.ID]
	if !ok {
		return found, fault.New(fault.NotFound, "google-not-found", "Google has no such user.")
	}
	return found, nil
}

// google lets the office ask Google about Ada, whose address was changed there.
func (p *place) google() {
	p.office.Google = func(context.Context, directory.Config) (admin.GoogleUsers, error) {
		return users{"104": {
			ID: "104", PrimaryEmail: "ada.byron@example.com", Aliases: []string{"ada@example.com"}, Suspended: workspace.No, Archived: workspace.No,
			Admin: workspace.Yes, OrgUnitPath: "/", CreatedAt: clock.AddDate(-1, 0, 0), LastLoginAt: clock.Add(-time.Hour),
		}}, nil
	}
}

// linked puts a Google key, without which no password goes to Google.
func (p *place) linked() {
	p.t.Helper()
	if err := p.office.Secrets.Put(p.t.Context(), directory.KeySecret("acme"), secret.New("a-key")); err != nil {
		p.t.Fatal(err)
	}
}
