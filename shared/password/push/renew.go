package push

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Want takes in that a device of the person needs the password, and returns the row:
// a person without one gets the first, and one that was never offered to Google
// becomes due; see password.Ledger.Want. Where nothing changes, and where the
// enterprise has no policy, it costs one or two reads and writes nothing. An error is
// the store's or that of the keys.
func (p *Pusher) Want(ctx context.Context, ent, key string) (password.Ledger, error) {
	l, err := p.DB.Password(ctx, ent, key)
	if err != nil {
		return password.Ledger{}, err
	}
	var f password.Fresh
	if l.State == password.None {
		policy, err := p.DB.PasswordPolicy(ctx, ent)
		if fault.KindOf(err) == fault.NotFound {
			return l, nil
		}
		if err != nil {
			return password.Ledger{}, err
		}
		if f, err = password.Make(ctx, p.Generator, p.Keys, l.NextBound(), policy); err != nil {
			return password.Ledger{}, err
		}
	} else if l.Want(p.now(), f) == l {
		return l, nil
	}
	return p.change(ctx, ent, key, func(l password.Ledger) password.Ledger { return l.Want(p.now(), f) }, nil)
}

// Renewal is one person's part of a renewal that an admin asked for.
type Renewal struct {
	Enterprise string
	Person     string
	// Asked is when; it makes the renewal idempotent, see password.Ledger.Renew.
	Asked time.Time
	When  password.When
	// Actor is who, as the audit trail names them, and RequestID its detail.
	Actor     string
	RequestID string
}

// Renew replaces a person's password by a new one, and reports whether it did: a
// person without one, and one whose password is newer than Asked, is left alone. An
// enterprise without a policy is fault.Conflict with password.ReasonOff; other errors
// are the store's or those of the keys. The change is one audit record.
func (p *Pusher) Renew(ctx context.Context, r Renewal) (changed bool, err error) {
	l, err := p.DB.Password(ctx, r.Enterprise, r.Person)
	if err != nil {
		return false, err
	}
	_, changed, err = p.replace(ctx, l,
		func(l password.Ledger, f password.Fresh) password.Ledger {
			return l.Renew(p.now(), r.Asked.UTC(), f, r.When)
		},
		func(l password.Ledger) audit.Record {
			return p.record(l, r.Actor, "password.renewed", audit.OK, r.RequestID)
		})
	return changed, err
}

// change stores what the rule makes of the row, and returns it.
func (p *Pusher) change(ctx context.Context, ent, key string, rule func(password.Ledger) password.Ledger,
	note func(password.Ledger) audit.Record) (l password.Ledger, err error) {
	err = p.DB.Update(ctx, func(tx *record.Tx) error {
		before, err := tx.Password(ent, key)
		if err != nil {
			return err
		}
		if l = rule(before); l == before {
			return nil
		}
		if err := tx.PutPassword(l); err != nil || note == nil {
			return err
		}
		return tx.Audit(note(l))
	})
	if err != nil {
		return password.Ledger{}, err
	}
	return l, nil
}

func (p *Pusher) record(l password.Ledger, actor, action, result, detail string) audit.Record {
	text := fmt.Sprintf("version %d", l.Version)
	if detail != "" {
		text += ", " + detail
	}
	return audit.Record{
		Enterprise: l.Enterprise, At: p.now(), Actor: actor, Action: action,
		Target: "person:" + l.Person, Result: result, Detail: text,
	}
}
