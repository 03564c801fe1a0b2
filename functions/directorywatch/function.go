// Package directorywatch is the function directorywatch: it takes Google's
// notifications of changes to users.
//
// Trigger: HTTP POST from Google, which proves each channel's notifications with
// the token that the channel was opened with; the platform must let everybody
// invoke it. Idempotent: a notification is a hint, and the same one twice has a
// user read twice at most. Retry: Google's, after 5xx. Permissions: read the
// store, publish to the topic directory, access the secret identifier-key.
package directorywatch

import (
	"context"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

func init() { functions.HTTP("directorywatch", setup.HTTP(Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (http.Handler, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	key, err := secrets.IdentifierKey(ctx, p)
	if err != nil {
		return nil, err
	}
	b, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	l := &Listener{Channel: db.Channel, Bus: b, Key: key, Now: p.Now}
	return l.Handler(p.Edge("directorywatch")), nil
}
