package checkin

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// What one reply carries of settings to apply; the rest is for the next. mail.MaxContent
// sees to it that each fits alone. With the removals, and with twenty foreign accounts
// of the longest names, a reply stays below the 64 KiB that an agent reads.
const (
	maxSettings = 10
	maxBytes    = 38 << 10
)

// prepare makes the directives for settings that are to be sent now, those first that
// the device was never sent. After an error the others are ready all the same.
func (d *Desk) prepare(ctx context.Context, l *look, row device.Device) (trouble error) {
	l.ready = map[string]protocol.Directive{}
	sends := slices.DeleteFunc(mail.Diff(l.wanted, row.Mail.Held), func(c mail.Change) bool { return c.Do != mail.Send })
	slices.SortStableFunc(sends, func(a, b mail.Change) int { return sent(row, a) - sent(row, b) })
	accepted := sync.OnceValues(func() (*mail.Accepted, error) { return d.accepted(ctx, l) })
	size := 0
	for _, c := range sends {
		dir, err := l.directive(row, c, accepted)
		if err != nil {
			trouble = err
			continue
		}
		if size += len(dir.Content) + len(dir.Sealed); len(l.ready) == maxSettings || size > maxBytes {
			break
		}
		l.ready[dir.ID] = dir
	}
	return trouble
}

// sent is 1 where the device was sent the same already, else 0.
func sent(row device.Device, c mail.Change) int {
	if slices.ContainsFunc(row.Mail.Held, func(h mail.Held) bool { return h.Setting == c.Setting && h.Content == c.Content }) {
		return 1
	}
	return 0
}

// accepted opens the password.
func (d *Desk) accepted(ctx context.Context, l *look) (*mail.Accepted, error) {
	p, err := d.Passwords(ctx)
	if err != nil {
		return nil, err
	}
	v, err := p.Open(ctx, l.password)
	return &mail.Accepted{Version: l.password.Version, Value: v}, err
}

// directive renders a setting. Where it holds a password only the device can read it
// (invariants T2, E3).
func (l *look) directive(row device.Device, c mail.Change, accepted func() (*mail.Accepted, error)) (dir protocol.Directive, err error) {
	var with *mail.Accepted
	if c.PasswordVersion > 0 {
		if with, err = accepted(); err != nil {
			return dir, err
		}
	}
	s, _ := l.book.Setting(c.Setting)
	content, err := mail.For(s, mail.PersonOf(l.person), row.ForMail(l.person.Labels), with)
	if err != nil {
		return dir, err
	}
	dir = protocol.Directive{ID: device.SettingID(c), Kind: protocol.ApplySetting, Setting: c.Setting}
	if !content.Secret() {
		dir.Content, err = json.Marshal(content)
		return dir, err
	}
	plain, err := content.Reveal()
	if err != nil {
		return dir, err
	}
	if plain, err = json.Marshal(protocol.SettingClaims{DeviceID: row.ID, DirectiveID: dir.ID, Content: plain}); err != nil {
		return dir, err
	}
	key, err := seal.ParseKey(row.EncryptionKey)
	if err != nil {
		return dir, err
	}
	dir.Sealed, err = key.Seal(plain)
	return dir, err
}
