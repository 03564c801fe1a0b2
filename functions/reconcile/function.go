// Package reconcile is the function reconcile: it finishes what a crash left half
// done, gives up tokens that nobody answered for, settles people whose turn it is,
// starts again what a change of a password policy asked for and nobody finished, and
// pulls Google Play's notifications.
//
// Trigger: Pub/Sub topic reconcile, published by a schedule every five minutes.
// Idempotent: it does what is due, and due work may be done twice. Retry: Pub/Sub
// redelivers; the next schedule would do as well. Permissions: read and write the
// store, publish to the topic provision, access the secret play-key.
package reconcile

import (
	"context"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/google"
)

func init() { functions.CloudEvent("reconcile", bus.Function(event.Reconcile, Open)) }

// Open makes the function's handler for a process.
func Open(ctx context.Context, p *setup.Process) (event.Handler, error) {
	s, err := NewSweeper(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.Handle, nil
}

// NewSweeper makes a Sweeper of what a process shares.
func NewSweeper(ctx context.Context, p *setup.Process) (*Sweeper, error) {
	c, err := google.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	events, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Sweeper{
		DB: c.DB, Accounts: c.Accounts, Verifier: c.Verifier, Google: c.Play, Bus: events, Now: p.Now, Log: p.Log,
		Settler: &access.Settler{DB: c.DB, Accounts: c.Accounts, Now: p.Now, Log: p.Log},
	}, nil
}
