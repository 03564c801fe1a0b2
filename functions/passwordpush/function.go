// Package passwordpush is the function passwordpush: it sends one person's generated
// password to Google, and notes what Google answers.
//
// Trigger: Pub/Sub topic password, published by the function passwordsweep for what
// is due, and by provision after a renewal that was asked for at once. Idempotent:
// the event is a nudge, the person's row says what is to be done, and a lease lets
// one worker do it. Retry: what Google answers is in the row, which is due again by
// itself; only failures of the store are returned for redelivery. Permissions: read
// and write the store, access the secrets password-key and workspace-key-*.
package passwordpush

import (
	"context"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
)

func init() { functions.CloudEvent("passwordpush", bus.Function(event.Password, Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (event.Handler, error) {
	pusher, err := passwords.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return Handler(pusher), nil
}
