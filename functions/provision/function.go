// Package provision is the function provision: it does the workflows that admins
// start: accounts are created, renamed, revoked and deleted, devices retired and
// released, one or many, and enterprises looked up at Google; labels are given and
// taken away, and generated passwords renewed and replanned. It settles people whom
// the directory's synchronisation found to have left, or to be back.
//
// Trigger: Pub/Sub topic provision, published by the functions admin,
// directorysync and reconcile. Idempotent: each item is a step that may be done twice. Retry: an
// event that may work later is returned for redelivery, the last time into the
// dead-letter topic; what can never work is recorded and acknowledged. Permissions: read and write the store,
// publish to the topics, access the secrets play-key and password-key.
package provision

import (
	"context"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/google"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
)

func init() { functions.CloudEvent("provision", bus.Function(event.Provision, Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (event.Handler, error) {
	c, err := google.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	events, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	pusher, err := passwords.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	w := &Worker{
		DB: c.DB, Accounts: c.Accounts, Verifier: c.Verifier, Renamer: c.Play, Bus: events, Now: p.Now, Log: p.Log,
		Settler:   &access.Settler{DB: c.DB, Accounts: c.Accounts, Now: p.Now, Log: p.Log},
		Passwords: pusher,
		Dispatch:  &dispatch.Dispatcher{DB: c.DB, Bus: events, Rate: dispatch.Share * float64(p.Config.DirectoryRate), Now: p.Now},
	}
	return w.Handle, nil
}
