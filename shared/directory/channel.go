package directory

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Channel is a channel on which Google tells of changes to users. It cannot be
// renewed: another one is opened before it ends, and for a while both tell.
//
// The row is stored before Google is asked for the channel, which may tell before
// its opening is answered; a row without ExpiresAt is of one whose answer nobody
// got.
type Channel struct {
	// ID is ours, ResourceID Google's.
	ID         string `json:"id"`
	ResourceID string `json:"resourceId,omitempty"`
	Enterprise string `json:"enterprise"`
	// Revision is the configuration's with which the channel was opened.
	Revision int `json:"revision"`
	// OpenedAt is when the channel was asked for; once ExpiresAt is set, when Google
	// had opened it.
	OpenedAt  time.Time `json:"openedAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Since is from when on every change was told and taken, by this channel and
	// those that it follows without a gap.
	Since time.Time `json:"since,omitzero"`
	// Walked: a run that began after Since has listed all of Google, so that
	// nothing can have changed but what was told.
	Walked bool `json:"walked,omitzero"`
}

// Live reports whether Google tells on the channel.
func (c Channel) Live(now time.Time) bool { return now.Before(c.ExpiresAt) }

// Ending reports whether it is time to open the channel that follows: a quarter of
// its life is left, or only two of the periods at which somebody looks.
func (c Channel) Ending(now time.Time, period time.Duration) bool {
	margin := max(c.ExpiresAt.Sub(c.OpenedAt)/4, 2*period)
	return !now.Before(c.ExpiresAt.Add(-margin))
}

// Opened makes the channel one that Google opened at the time at and will end. It
// follows old, unless that ended before or is none.
func (c *Channel) Opened(resourceID string, at, end time.Time, old Channel) {
	missed := c.Since // before the opening was answered
	c.ResourceID, c.OpenedAt, c.ExpiresAt, c.Since, c.Walked = resourceID, at, end, at, false
	if old.Live(at) {
		c.Since, c.Walked = old.Since, old.Walked
	}
	c.Missed(missed)
}

// Missed notes that what was told until then was not taken person by person, so
// that Google is to be listed by a run that begins later.
func (c *Channel) Missed(until time.Time) {
	if until.After(c.Since) {
		c.Since, c.Walked = until, false
	}
}

// ChannelToken returns what Google sends with every notification of a channel to
// prove that it comes from Google: a keyed hash, so that nothing secret is stored.
func ChannelToken(key secret.Value, channel string) secret.Value {
	m := hmac.New(sha256.New, key.Bytes())
	m.Write([]byte("rollcall directory channel v1\x00" + channel))
	return secret.New(base64.RawURLEncoding.EncodeToString(m.Sum(nil)))
}
