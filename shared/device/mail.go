package device

import (
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Mail is what the row knows of the device's mail settings.
type Mail struct {
	// Held are the settings that the device was sent, in order of id.
	Held []mail.Held `json:"held,omitempty"`
	// Due says that the settings are to be looked at when the device next checks in,
	// whatever the time: it enrolled, a label changed, or a setting waits for the
	// person's password.
	Due bool `json:"due,omitzero"`
}

// Open reports whether the next check-in has to look at the settings: Due, or what
// was sent is not answered.
func (m Mail) Open() bool {
	return m.Due || slices.ContainsFunc(m.Held, func(h mail.Held) bool {
		return h.Status == mail.Sent || h.Status == mail.Withdrawing
	})
}

// MayHaveMail reports whether the device may have mail settings at all: it is in
// service, its person is neither away nor locked, and no operator revoked its access
// (invariant D10). Trouble with the Play account does not matter.
func (d *Device) MayHaveMail() bool {
	return d.State == Active && d.Desired.Barred == NoHold && d.Desired.Hold != Revoked
}

// ForMail returns the device as mail settings see it: with its own labels and its
// person's, and with none where it may have no settings.
func (d *Device) ForMail(personLabels []string) mail.Device {
	on := mail.Device{ID: d.ID}
	if d.MayHaveMail() {
		on.Labels = slices.Concat(d.Labels, personLabels)
	}
	return on
}

// MailWanted returns what mail settings the device is to have; see mail.Wanted. The
// person is the zero value where the device has none, or nobody knows them, and usable
// the version of the person's password that Google has accepted. It is a pure function
// of rows.
func (d *Device) MailWanted(b mail.Book, p person.Person, usable int) []mail.Change {
	on := d.ForMail(p.Labels)
	if p.Key != "" && p.State.Access() != person.Granted {
		on.Labels = nil // the person's devices are not barred yet
	}
	return mail.Wanted(b.Settings, mail.PersonOf(p), on, usable)
}

// MailChanges returns what is to be done about the device's mail settings: mail.Diff
// of MailWanted and what the device holds.
func (d *Device) MailChanges(b mail.Book, p person.Person, usable int) []mail.Change {
	return mail.Diff(d.MailWanted(b, p, usable), d.Mail.Held)
}

// SettingID is the id of the directive that carries a change to the device: the same
// as long as what the device is to get or to remove is the same. It is empty for what
// is not sent.
func SettingID(c mail.Change) string {
	switch c.Do {
	case mail.Send:
		return setPrefix + digest("set", c.Setting, c.Content)
	case mail.Withdraw:
		return unsetPrefix + digest("unset", c.Setting, c.Content)
	}
	return ""
}

const (
	setPrefix   = "set-"
	unsetPrefix = "unset-"
)

// Final reports whether a device that failed at the directive is not told it again
// at once: a setting that it cannot apply waits for another content.
func Final(directiveID string) bool { return strings.HasPrefix(directiveID, setPrefix) }

// SettingAnswer is what a device said of a mail setting, and was news.
type SettingAnswer struct {
	Setting string
	// Do is mail.Send or mail.Withdraw.
	Do mail.Action
	// Reason is the device's word for why it could not; empty if it could.
	Reason string
}

// answer takes in what the device says of settings that it was sent.
func (m *Mail) answer(outcomes []protocol.Outcome, now time.Time) (news []SettingAnswer) {
	outcomes = slices.DeleteFunc(slices.Clone(outcomes), func(o protocol.Outcome) bool {
		return !strings.HasPrefix(o.DirectiveID, setPrefix) && !strings.HasPrefix(o.DirectiveID, unsetPrefix)
	})
	if len(outcomes) == 0 {
		return nil
	}
	sent := map[string]mail.Change{}
	for _, h := range m.Held {
		for _, do := range []mail.Action{mail.Send, mail.Withdraw} {
			c := mail.Change{Setting: h.Setting, Content: h.Content, Do: do}
			sent[SettingID(c)] = c
		}
	}
	for _, o := range outcomes {
		c, known := sent[o.DirectiveID]
		if !known {
			continue
		}
		held, changed := mail.Answer(m.Held, c, o.Result == protocol.Done, o.Reason, now)
		if changed {
			m.Held = held
			news = append(news, SettingAnswer{c.Setting, c.Do, o.Reason})
		}
	}
	return news
}

// PersonID returns the directory id of the device's person, and whether it has one.
func (d *Device) PersonID() (string, bool) { return d.Subject.ID, d.Subject.Kind == account.Person }
