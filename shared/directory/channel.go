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
type Channel struct {
	// ID is ours, ResourceID Google's.
	ID         string `json:"id"`
	ResourceID string `json:"resourceId,omitempty"`
	Enterprise string `json:"enterprise"`
	// Revision is the configuration's with which the channel was opened.
	Revision  int       `json:"revision"`
	OpenedAt  time.Time `json:"openedAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Replaced: another channel tells the same, and this one is to be stopped.
	Replaced bool `json:"replaced,omitzero"`
}

// ChannelToken returns what Google sends with every notification of a channel to
// prove that it comes from Google: a keyed hash, so that nothing secret is stored.
func ChannelToken(key secret.Value, channel string) secret.Value {
	m := hmac.New(sha256.New, key.Bytes())
	m.Write([]byte("rollcall directory channel v1\x00" + channel))
	return secret.New(base64.RawURLEncoding.EncodeToString(m.Sum(nil)))
}
