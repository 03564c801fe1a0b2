package checkin

import (
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// told is what a device is told of mail settings.
type told struct {
	directives []protocol.Directive
	// news: the row changed, so that it is to be stored before the device is told.
	news bool
	// open: the device is expected to answer soon.
	open bool
	// again is in how many seconds something may be there that is not yet; 0 is that
	// nothing is to come.
	again int
}

const (
	// maxRemovals bounds the settings that a reply withdraws: an agent reports 50
	// outcomes at once, those of accounts among them.
	maxRemovals = 20
	// patience is how long a device comes back soon for a setting that it does not
	// answer for. An agent that knows no settings never does.
	patience = 15 * time.Minute
)

// settle plans the settings over the row as it is now, which another request of the
// device may have changed since the look, notes in the row what is sent, and returns
// it. It is pure: rows and look give the answer.
func (l *look) settle(row *device.Device, now time.Time) (t told) {
	if l == nil {
		return t
	}
	before := row.Mail
	row.Mail.Due = false
	switch {
	case l.failed:
		row.Mail.Due = before.Due || !before.Open()
		t.again = later
	case l.barred == row.MayHaveMail() || !slices.Equal(l.labels, row.Labels):
		row.Mail.Due = true // an operator changed it since the look
		t.again = soon
	default:
		for _, c := range mail.Diff(l.wanted, row.Mail.Held) {
			l.tell(row, c, &t, now)
		}
		if before.Due && !l.due {
			t.back(soon) // what the look read changed since, such as the person's labels
		}
		row.Mail.Due = t.again > 0
	}
	t.news = row.Mail.Due != before.Due || !slices.Equal(row.Mail.Held, before.Held)
	return t
}

func (l *look) tell(row *device.Device, c mail.Change, t *told, now time.Time) {
	id := device.SettingID(c)
	dir, ok := l.ready[id]
	switch c.Do {
	case mail.Block:
		return
	case mail.Wait:
		t.back(l.pause(now))
		return
	case mail.Withdraw:
		dir, ok = protocol.Directive{ID: id, Kind: protocol.RemoveSetting, Setting: c.Setting}, len(t.directives) < maxRemovals
	}
	switch {
	case !ok && l.troubled:
		t.back(later)
		return
	case !ok:
		t.back(soon)
		return
	}
	t.directives = append(t.directives, dir)
	row.Mail.Held = mail.Note(row.Mail.Held, c, now)
	for _, h := range row.Mail.Held {
		t.open = t.open || h.Setting == c.Setting && now.Sub(h.At) < patience
	}
}

// back notes that the device is to come back in so many seconds, or before.
func (t *told) back(seconds int) {
	if t.again == 0 || seconds > 0 && seconds < t.again {
		t.again = seconds
	}
}

// pause is in how many seconds the password may have been accepted, at least soon; 0
// is that nobody works on it: it failed, or there is none to come (invariant W6).
func (l *look) pause(now time.Time) int {
	if l.troubled {
		return later
	}
	switch l.password.State {
	case password.Leased:
		return soon
	case password.Pending, password.Retry:
		// While Google is out of reach a fleet is not to come back every minute.
		return max(soon, int(l.password.Due().Sub(now)/time.Second))
	}
	return 0
}
