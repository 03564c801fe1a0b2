package workspace

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Notification is a hint that a user changed. It can be late, double or lost:
// Get the user by id, and walk the whole listing now and then all the same.
type Notification struct {
	ChannelID  string
	ResourceID string
	// Event is one of the events; empty for the first message of a channel,
	// which tells only that it is open.
	Event string
	// Number grows within a channel, and not by one.
	Number int64
	// UserID is Google's id; empty for the first message.
	UserID string

	token secret.Value
}

// maxNotification bounds a notification's body, which holds four short texts.
const maxNotification = 16 << 10

// ReadNotification reads what Google posts to a channel's address. Anything else
// is fault.Invalid. The sender is not proven until Proves says so.
func ReadNotification(r *http.Request) (Notification, error) {
	n := Notification{
		ChannelID:  r.Header.Get("X-Goog-Channel-Id"),
		ResourceID: r.Header.Get("X-Goog-Resource-Id"),
		Event:      r.Header.Get("X-Goog-Resource-State"),
		token:      secret.New(r.Header.Get("X-Goog-Channel-Token")),
	}
	if err := required("X-Goog-Channel-ID", n.ChannelID, "X-Goog-Resource-ID", n.ResourceID, "X-Goog-Resource-State", n.Event); err != nil {
		return Notification{}, err
	}
	var err error
	if n.Number, err = strconv.ParseInt(r.Header.Get("X-Goog-Message-Number"), 10, 64); err != nil {
		return Notification{}, fault.Field("X-Goog-Message-Number", "is no number")
	}
	if n.Event == "sync" {
		n.Event = ""
		return n, nil
	}
	var body struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxNotification)).Decode(&body); err != nil || body.ID == "" {
		return Notification{}, fault.Field("id", "is missing or cannot be read")
	}
	n.UserID = body.ID
	return n, nil
}

// Proves reports whether the notification carries the token that the channel was
// opened with. It compares in constant time; an empty token proves nothing.
func (n Notification) Proves(token secret.Value) bool { return !token.Empty() && n.token.Equal(token) }
