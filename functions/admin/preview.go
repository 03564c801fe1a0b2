package admin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// previewView is one setting on one device: what the device has of it, and what is
// done about it next.
type previewView struct {
	Setting string `json:"setting"`
	Name    string `json:"name,omitempty"`
	Version int    `json:"version"`
	// Status is where the setting stands on the device since At, in the version
	// HeldVersion and with the password HeldPasswordVersion; empty where the device
	// was sent nothing.
	Status              mail.Status `json:"status,omitempty"`
	HeldVersion         int         `json:"heldVersion,omitzero"`
	HeldPasswordVersion int         `json:"heldPasswordVersion,omitzero"`
	At                  time.Time   `json:"at,omitzero"`
	// Next is what is done when the settings are looked at next; empty is nothing.
	Next mail.Action `json:"next,omitempty"`
	// Reason says why the setting waits, is blocked or failed.
	Reason     string `json:"reason,omitempty"`
	ReasonText string `json:"reasonText,omitempty"`
	// Content is what the device is sent, without the password; SecretKeys are the
	// keys of managed configuration that carry it.
	Content    *mail.Content `json:"content,omitempty"`
	SecretKeys []string      `json:"secretKeys,omitempty"`
	// NeedsGenerated: a generated password goes with it, of the version
	// PasswordVersion; 0 where Google has accepted none.
	NeedsGenerated  bool `json:"needsGenerated,omitzero"`
	PasswordVersion int  `json:"passwordVersion,omitzero"`
	// Waits: it is sent once Google has accepted the password (invariant C5), or once
	// the stored one opens again.
	Waits bool `json:"waits,omitzero"`
}

// placeholder is rendered where a password would be. No reply shows it either.
var placeholder = secret.New("no-password-of-anybody")

// previewSettings shows the settings that a device is to have or has. It is what the
// next check-in finds, as of now.
func (o *Office) previewSettings(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	d, err := o.device(r)
	if err != nil {
		return err
	}
	book, err := o.DB.MailBook(r.Context(), d.Enterprise)
	if err != nil {
		return err
	}
	owner, err := o.owner(r.Context(), d)
	if err != nil {
		return err
	}
	l, err := o.ledger(r.Context(), owner)
	if err != nil {
		return err
	}
	locked := ""
	if l.Sealed != "" {
		locked = o.locks(r.Context()).on(l)
	}
	items, next := cut(preview(d, book, owner, l, locked), p, func(v previewView) string { return v.Setting })
	if items == nil {
		items = []previewView{}
	}
	return answer(r, page[previewView]{Items: items, Next: next})
}

// ledger returns the password of a person; one of nobody is none.
func (o *Office) ledger(ctx context.Context, p person.Person) (password.Ledger, error) {
	if p.Key == "" {
		return password.New("", ""), nil
	}
	return o.DB.Password(ctx, p.Enterprise, p.Key)
}

// preview is a pure function of rows, and of why the password does not open (see
// locks); the views are in order of the settings' ids.
func preview(d device.Device, book mail.Book, owner person.Person, l password.Ledger, locked string) []previewView {
	usable := 0
	if l.Usable() {
		usable = l.Version
	}
	views := map[string]*previewView{}
	view := func(id string) *previewView {
		if views[id] == nil {
			views[id] = &previewView{Setting: id}
		}
		return views[id]
	}
	for _, h := range d.Mail.Held {
		v := view(h.Setting)
		v.Version, v.Status, v.HeldVersion, v.HeldPasswordVersion, v.At = h.Version, h.Status, h.Version, h.PasswordVersion, h.At
		if v.Reason = h.Reason; h.Reason != "" {
			v.ReasonText = "The device could not do it, and gave this reason."
		}
	}
	withdrawn := map[string]bool{}
	for _, c := range d.MailChanges(book, owner, usable) {
		v := view(c.Setting)
		v.Next = c.Do
		switch c.Do {
		case mail.Send:
			if c.PasswordVersion > 0 && locked != "" {
				v.Next, v.Waits = mail.Wait, true
				v.Reason, v.ReasonText = locked, password.Text(locked)
			}
		case mail.Withdraw:
			withdrawn[c.Setting] = true
		case mail.Block:
			v.Reason, v.ReasonText = c.Reason, c.Text
		case mail.Wait:
			v.Waits = true
			v.Reason, v.ReasonText = waitsFor(l)
		}
	}
	for _, s := range book.Settings {
		v := views[s.ID]
		if v == nil {
			continue
		}
		v.Name = s.Name
		if !withdrawn[s.ID] {
			v.Version = s.Version
			v.render(s, mail.PersonOf(owner), mail.Device{ID: d.ID}, usable)
		}
	}
	ordered := slices.SortedFunc(maps.Values(views), func(a, b *previewView) int { return strings.Compare(a.Setting, b.Setting) })
	items := make([]previewView, len(ordered))
	for i, v := range ordered {
		items[i] = *v
	}
	return items
}

// render shows what the device is sent. A setting that cannot be rendered has its
// reason already.
func (v *previewView) render(s mail.Setting, who mail.Person, on mail.Device, usable int) {
	v.NeedsGenerated = s.NeedsGenerated()
	if v.NeedsGenerated {
		v.PasswordVersion = usable
	}
	content, err := mail.For(s, who, on, &mail.Accepted{Version: usable, Value: placeholder})
	if err != nil {
		return
	}
	v.Content = &content
	if content.Managed != nil {
		v.SecretKeys = slices.Sorted(maps.Keys(content.Managed.Secrets))
	}
}

// waitsFor says why Google has not accepted the password yet.
func waitsFor(l password.Ledger) (reason, text string) {
	for _, word := range []string{l.Reason, l.Last} {
		if word != "" {
			return word, password.Text(word)
		}
	}
	return mail.ReasonNotReady, "Google has not accepted the person's password yet; it is sent when the device checks in."
}
