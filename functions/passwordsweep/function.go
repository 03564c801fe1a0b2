// Package passwordsweep is the function passwordsweep: it finds the passwords that
// are due without anybody asking, tells the function passwordpush of them as fast as
// Google's quota allows, and begins rotations.
//
// Trigger: Pub/Sub topic passwordsweep, published by a schedule every minute.
// Idempotent: it does what is due, and due work may be done twice, by two at once.
// Retry: Pub/Sub redelivers; the next schedule would do as well. Permissions: read
// and write the store, publish to the topics, access the secret password-key.
package passwordsweep

import (
	"context"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/bus"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
)

func init() { functions.CloudEvent("passwordsweep", bus.Function(event.PasswordSweep, Open)) }

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
	pusher, err := passwords.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	db, err := p.DB(ctx)
	if err != nil {
		return nil, err
	}
	events, err := bus.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Sweeper{
		DB: db, Passwords: pusher, Now: p.Now, Log: p.Log,
		Dispatch: &dispatch.Dispatcher{DB: db, Bus: events, Rate: dispatch.Share * float64(p.Config.DirectoryRate), Now: p.Now},
	}, nil
}
