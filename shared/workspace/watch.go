package workspace

import (
	"context"
	"strconv"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// The events of a channel.
const (
	EventAdd       = "add"
	EventDelete    = "delete"
	EventMakeAdmin = "makeAdmin"
	EventUndelete  = "undelete"
	EventUpdate    = "update"
)

// WatchRequest asks for a notification channel.
type WatchRequest struct {
	Scope Scope
	// ID is new for every channel, of 64 characters at most. Required.
	ID string
	// Address is the https URL that takes the notifications, with a certificate
	// that the world trusts. Required.
	Address string
	// Token comes back with every notification and proves that Google sent it;
	// 256 characters at most. Required.
	Token secret.Value
	// TTL is how long the channel should live; Google's default is 2 h, and it
	// gives less than asked where it likes.
	TTL time.Duration
	// Event is one of the events; empty is all.
	Event string
}

// Channel is an open notification channel. It cannot be renewed: open another
// before ExpiresAt and stop this one; for a while both will tell the same.
type Channel struct {
	ID         string
	ResourceID string
	ExpiresAt  time.Time
}

type wireChannel struct {
	ID         string `json:"id"`
	ResourceID string `json:"resourceId"`
	Expiration string `json:"expiration"`
}

func (r WatchRequest) check() error {
	if err := required("id", r.ID, "address", r.Address); err != nil {
		return err
	}
	switch n := len(r.Token.Reveal()); {
	case n == 0:
		return fault.Field("token", "is required")
	case n > 256:
		return fault.Field("token", "has more than 256 characters")
	case len(r.ID) > 64:
		return fault.Field("id", "has more than 64 characters")
	case r.TTL < 0:
		return fault.Field("ttl", "is negative")
	}
	return r.Scope.check()
}

// Watch opens a channel. The first notification can come before Watch returns.
// It is repeated only where Google certainly opened nothing: after another
// failure a channel of that id may live until its end, and an id in use is
// ReasonChannel.
func (c *Client) Watch(ctx context.Context, r WatchRequest) (Channel, error) {
	if err := r.check(); err != nil {
		return Channel{}, err
	}
	body := &admin.Channel{Id: r.ID, Type: "web_hook", Address: r.Address, Token: r.Token.Reveal()}
	if r.TTL > 0 {
		body.Params = map[string]string{"ttl": strconv.FormatInt(int64((r.TTL+time.Second-1)/time.Second), 10)}
	}
	var reply wireChannel
	err := c.do(ctx, c.users, operation{name: opWatch}, &reply, func(ctx context.Context, api *admin.Service) error {
		call := api.Users.Watch(body)
		if r.Scope.Domain != "" {
			call.Domain(r.Scope.Domain)
		} else {
			call.Customer(r.Scope.customer())
		}
		if r.Event != "" {
			call.Event(r.Event)
		}
		_, err := call.Context(ctx).Do()
		return err
	})
	if err != nil {
		return Channel{}, c.explain(ctx, Key{}, err)
	}
	millis, perr := strconv.ParseInt(reply.Expiration, 10, 64)
	if perr != nil || reply.ResourceID == "" {
		return Channel{}, nonsense("a channel without an end or a resource")
	}
	return Channel{ID: r.ID, ResourceID: reply.ResourceID, ExpiresAt: time.UnixMilli(millis).UTC()}, nil
}

// StopWatch closes a channel. One that is gone already is no failure.
func (c *Client) StopWatch(ctx context.Context, id, resourceID string) error {
	if err := required("id", id, "resourceID", resourceID); err != nil {
		return err
	}
	err := c.do(ctx, c.users, operation{name: opStop, idempotent: true}, nil, func(ctx context.Context, api *admin.Service) error {
		return api.Channels.Stop(&admin.Channel{Id: id, ResourceId: resourceID}).Context(ctx).Do()
	})
	if fault.ReasonOf(err) == google.ReasonNotFound {
		return nil
	}
	return err
}
