package passwordpush

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// Pusher pushes a person's password if it is due; see push.Pusher.
type Pusher interface {
	Push(ctx context.Context, ent, key string) (password.Ledger, error)
}

// Handler returns the handler of events with a password.Nudge. One that cannot be
// read is fault.Invalid, and final.
func Handler(p Pusher) event.Handler {
	return func(ctx context.Context, e event.Event) error {
		n, err := password.ParseNudge(e.Data)
		if err != nil {
			return err
		}
		_, err = p.Push(ctx, n.Enterprise, n.Person)
		return err
	}
}
