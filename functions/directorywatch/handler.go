package directorywatch

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// actor is who asks for what a notification leads to.
const actor = "system:directorywatch"

// maxBody bounds a notification, which holds four short texts.
const maxBody = 16 << 10

// Listener takes notifications and hands on whom they speak of. It may be used
// concurrently.
type Listener struct {
	// Channel reads one channel.
	Channel func(ctx context.Context, id string) (directory.Channel, error)
	Bus     event.Publisher
	// Key is the identifier key, from which the tokens of channels are derived.
	Key secret.Value
	Now func() time.Time

	mu     sync.Mutex
	floods map[string]*flood // by enterprise
}

// Handler returns the function's handler.
func (l *Listener) Handler(edge api.Edge) http.Handler { return edge.Handle(l.serve) }

// errUnknown is the one refusal of whoever is not Google on a channel of ours.
// Google does not repeat what is refused with it.
var errUnknown = fault.New(fault.NotFound, "channel-unknown", "there is no such channel")

func (l *Listener) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		e := fault.New(fault.Invalid, "method-not-allowed", "this endpoint takes POST only")
		e.Field = http.MethodPost
		return e
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	n, err := workspace.ReadNotification(r)
	if err != nil {
		return err
	}
	ch, err := l.proven(r.Context(), n)
	if err != nil {
		return err
	}
	api.Identify(r.Context(), "channel:"+ch.ID)
	if n.Event == "" { // the channel is open
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if err := l.hand(r.Context(), ch.Enterprise, n.UserID); err != nil {
		return repeatable(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// proven returns the channel of a notification. The token is made from the
// channel's id and compared before anything is read, so that a stranger costs no
// store operation and cannot tell by the time it takes which channels there are.
func (l *Listener) proven(ctx context.Context, n workspace.Notification) (directory.Channel, error) {
	if !n.Proves(directory.ChannelToken(l.Key, n.ChannelID)) {
		return directory.Channel{}, errUnknown
	}
	ch, err := l.Channel(ctx, n.ChannelID)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return ch, errUnknown
	case err != nil:
		return ch, repeatable(err)
	case ch.ResourceID != "" && ch.ResourceID != n.ResourceID:
		// Without one Google tells already and its answer is still under way.
		return ch, errUnknown
	}
	return ch, nil
}

// repeatable makes of a failure that time can mend one that Google repeats the
// notification after: of all statuses it does so for 500, 502, 503 and 504 alone.
func repeatable(err error) error {
	if fault.KindOf(err) == fault.Exhausted {
		return fault.Wrap(err, fault.Transient, "overloaded", "Rollcall takes no notifications at the moment.")
	}
	return err
}

// hand publishes whom to read again.
func (l *Listener) hand(ctx context.Context, enterprise, user string) error {
	now := l.Now()
	f := l.flood(enterprise)
	if f.allows(now) {
		return l.publish(ctx, directory.Command{Enterprise: enterprise, Users: []string{user}, RequestedAt: now})
	}
	return f.pass(now, func(until time.Time) error {
		return l.publish(ctx, directory.Command{Enterprise: enterprise, Full: true, RequestedAt: until})
	})
}

func (l *Listener) publish(ctx context.Context, c directory.Command) error {
	c.Op, c.RequestedBy = directory.Refresh, actor
	data, err := c.Marshal()
	if err != nil {
		return err
	}
	_, err = l.Bus.Publish(ctx, event.Directory, data)
	return err
}
