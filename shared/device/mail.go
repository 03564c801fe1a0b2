package device

import (
	"slices"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/mail"
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

// PersonID returns the directory id of the device's person, and whether it has one.
func (d *Device) PersonID() (string, bool) { return d.Subject.ID, d.Subject.Kind == account.Person }
