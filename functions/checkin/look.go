package checkin

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Settings reads what mail settings depend on.
type Settings interface {
	// MailBook returns an enterprise's mail settings; without any the book is empty.
	MailBook(ctx context.Context, enterprise string) (mail.Book, error)
	// Person returns a person by key, or fault.NotFound.
	Person(ctx context.Context, key string) (person.Person, error)
	// Password returns the password row of a person; see password.New.
	Password(ctx context.Context, enterprise, person string) (password.Ledger, error)
}

// looks reports whether a check-in looks at the mail settings: when the row says so,
// when the device has some that it may not have, and with the write that a quarter of
// an hour costs anyway, for which the enterprise was read.
func looks(row device.Device, ent *enterprise.Enterprise) bool {
	held := len(row.Mail.Held) > 0
	return row.Mail.Open() || held && !row.MayHaveMail() || ent != nil && (held || ent.MailRevision > 0)
}

// look is what a check-in found out about the mail settings of a device; nil is that
// it did not look. It is not changed once it is made.
type look struct {
	book     mail.Book
	person   person.Person
	password password.Ledger
	// wanted is what a device with these labels is to have; see mail.Wanted.
	wanted []mail.Change
	labels []string
	// due is Mail.Due as it was then.
	due bool
	// ready are the directives that can be sent in this reply, by id.
	ready map[string]protocol.Directive
	// barred: the device may have no settings, so nothing was read.
	barred bool
	// failed: the rows could not be read. troubled: the password could not be asked
	// for or opened.
	failed, troubled bool
}

// look reads what it takes to plan the settings of a device, sees to the person's
// password and prepares the directives. Trouble with mail is logged and leaves the
// accounts of the device alone.
func (d *Desk) look(ctx context.Context, row device.Device, ent *enterprise.Enterprise, began time.Time) *look {
	if !looks(row, ent) {
		return nil
	}
	l := &look{barred: !row.MayHaveMail(), labels: row.Labels, due: row.Mail.Due}
	if l.barred {
		return l
	}
	if err := d.read(ctx, l, row); err != nil {
		l.failed = true
		d.trouble(ctx, row, "mail settings cannot be read", err)
		return l
	}
	if l.awaits() {
		if err := d.obtain(ctx, &l.password, began); err != nil {
			l.troubled = true
			d.trouble(ctx, row, "a password cannot be asked for", err)
		}
		l.plan(row)
	}
	if err := d.prepare(ctx, l, row); err != nil {
		l.troubled = true
		d.trouble(ctx, row, "mail settings cannot be prepared", err)
	}
	return l
}

func (d *Desk) trouble(ctx context.Context, row device.Device, what string, err error) {
	d.Log.LogAttrs(ctx, slog.LevelError, what, slog.String("enterprise", row.Enterprise),
		slog.String("device", row.ID), slog.String("reason", fault.ReasonOf(err)), slog.String("error", err.Error()))
}

func (d *Desk) read(ctx context.Context, l *look, row device.Device) (err error) {
	if l.book, err = d.Settings.MailBook(ctx, row.Enterprise); err != nil || len(l.book.Settings) == 0 {
		return err
	}
	key := ""
	if id, has := row.PersonID(); has {
		key = person.KeyOf(row.Enterprise, id)
		if l.person, err = d.Settings.Person(ctx, key); fault.KindOf(err) == fault.NotFound {
			l.person, err = person.Person{}, nil // an enterprise without directory
		}
		if err != nil {
			return err
		}
	}
	if l.plan(row); key == "" || !l.awaits() {
		return nil
	}
	if l.password, err = d.Settings.Password(ctx, row.Enterprise, key); err != nil {
		return err
	}
	l.plan(row)
	return nil
}

// plan is by rows alone (invariant C3).
func (l *look) plan(row device.Device) {
	usable := 0
	if l.password.Usable() {
		usable = l.password.Version
	}
	l.wanted = row.MailWanted(l.book, l.person, usable)
}

// awaits reports whether a setting of the device needs a password that Google has
// not accepted, as far as the look knows.
func (l *look) awaits() bool {
	return slices.ContainsFunc(l.wanted, func(c mail.Change) bool { return c.Do == mail.Wait })
}
