package push

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// Rotate replaces an accepted password whose time has come, for the sweep, and
// returns the row. Without a policy the rotation is called off. Where no password
// can be made, as with a key that is missing, the rotation is put off by an hour or
// two, and the log says why. An error is the store's. A rotation costs three reads
// and a write.
func (p *Pusher) Rotate(ctx context.Context, ent, key string) (password.Ledger, error) {
	l, err := p.DB.Password(ctx, ent, key)
	if err != nil {
		return password.Ledger{}, err
	}
	got, _, err := p.replace(ctx, l, func(l password.Ledger, f password.Fresh) password.Ledger {
		return l.Rotate(p.now(), f)
	}, nil)
	switch {
	case fault.ReasonOf(err) == password.ReasonOff:
		return p.change(ctx, ent, key, func(l password.Ledger) password.Ledger {
			l, _ = l.Unplan(p.now())
			return l
		}, nil)
	case errors.As(err, new(*unmade)):
		p.Log.LogAttrs(ctx, slog.LevelWarn, "password not rotated", slog.String("enterprise", ent),
			slog.String("person", key), slog.String("reason", fault.ReasonOf(err)))
		later := wait + time.Duration(p.Jitter()*float64(wait))
		return p.change(ctx, ent, key, func(row password.Ledger) password.Ledger {
			if row.State != password.Active {
				return row
			}
			now := p.now()
			return row.Postpone(now, now.Add(later))
		}, nil)
	}
	return got, err
}

// unmade marks that no password could be made.
type unmade struct{ err error }

func (e *unmade) Error() string { return e.err.Error() }
func (e *unmade) Unwrap() error { return e.err }

// replace puts a new password in the place of l's where the rule has it so, and
// reports whether it did. Another version may come in between; what was made for
// l's successor does not fit then, and another is made.
func (p *Pusher) replace(ctx context.Context, l password.Ledger, rule func(password.Ledger, password.Fresh) password.Ledger,
	note func(password.Ledger) audit.Record) (password.Ledger, bool, error) {
	for range 3 {
		// Whether there is anything to do, before a password is made for it.
		if rule(l, password.Fresh{For: l.NextBound()}) == l {
			return l, false, nil
		}
		policy, err := p.DB.PasswordPolicy(ctx, l.Enterprise)
		if fault.KindOf(err) == fault.NotFound {
			return password.Ledger{}, false, off()
		}
		if err != nil {
			return password.Ledger{}, false, err
		}
		f, err := password.Make(ctx, p.Generator, p.Keys, l.NextBound(), policy)
		if err != nil {
			return password.Ledger{}, false, &unmade{err}
		}
		got, err := p.change(ctx, l.Enterprise, l.Person, func(l password.Ledger) password.Ledger { return rule(l, f) }, note)
		if err != nil {
			return password.Ledger{}, false, err
		}
		if got.Sealed == f.Sealed {
			return got, true, nil
		}
		l = got
	}
	return password.Ledger{}, false, fault.New(fault.Transient, "password-changing",
		"The person's password changes all the time; try again later.")
}
