package checkin

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Passwords sees to people's generated passwords.
type Passwords interface {
	// Want takes in that a device needs the password, and returns the row: where
	// there was none there is a first one, and one that waited is due.
	Want(ctx context.Context, enterprise, person string) (password.Ledger, error)
	// Push offers a password that is due to Google until ctx ends, and returns the
	// row. What Google says against it is in the row and no error.
	Push(ctx context.Context, enterprise, person string) (password.Ledger, error)
	// Open returns the password of a row that is usable.
	Open(ctx context.Context, l password.Ledger) (secret.Value, error)
}

// obtain has Google accept the password if that can be done within the budget
// (invariant C5), and leaves the row in l as it is then. Else the row is due, which
// is all that the sweep needs to push it (W2).
func (d *Desk) obtain(ctx context.Context, l *password.Ledger, began time.Time) error {
	now := d.Now()
	early := l.State == password.Pending && !due(*l, now)
	if l.State != password.None && !early && !due(*l, now) {
		return nil // somebody is at it, Google is given time, or it failed
	}
	p, err := d.Passwords(ctx)
	if err != nil {
		return err
	}
	if l.State == password.None || early {
		wanted, err := p.Want(ctx, l.Enterprise, l.Person)
		if err != nil {
			return err
		}
		*l = wanted
	}
	// Below a quarter of the budget Google would hardly answer in time, and a push
	// that is cut short is to be made again.
	left := d.Budget - d.Now().Sub(began)
	if !due(*l, d.Now()) || left <= d.Budget/4 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	pushed, err := p.Push(ctx, l.Enterprise, l.Person)
	switch {
	case err == nil:
		*l = pushed
	case ctx.Err() != nil:
		err = nil // it took too long; the row is due
	}
	return err
}

// due reports whether the password is one to offer to Google now.
func due(l password.Ledger, now time.Time) bool {
	at := l.Due()
	return !l.Usable() && !at.IsZero() && !now.Before(at)
}
