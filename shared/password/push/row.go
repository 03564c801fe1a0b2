package push

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// now is the time as it comes out of a store.
func (p *Pusher) now() time.Time { return p.Now().UTC().Round(0) }

// put stores a row that changed, with the audit record of a password that was
// accepted or given up.
func (p *Pusher) put(tx *record.Tx, before, after password.Ledger) error {
	if after == before {
		return nil
	}
	if err := tx.PutPassword(after); err != nil || after.State == before.State {
		return err
	}
	switch after.State {
	case password.Active:
		return tx.Audit(p.record(after, Actor, "password.accepted", audit.OK, ""))
	case password.Failed:
		detail := ""
		if after.Last != after.Reason {
			detail = after.Last
		}
		return tx.Audit(p.record(after, Actor, "password.failed", after.Reason, detail))
	}
	return nil
}

// note logs what came into a person's way.
func (p *Pusher) note(ctx context.Context, before, l password.Ledger) {
	level := slog.LevelInfo
	if l.State == password.Failed {
		level = slog.LevelWarn
	}
	if l == before || l.State != password.Retry && l.State != password.Failed {
		return
	}
	p.Log.LogAttrs(ctx, level, "password not accepted", slog.String("enterprise", l.Enterprise),
		slog.String("person", l.Person), slog.String("state", string(l.State)), slog.Int("version", l.Version),
		slog.Int("attempts", l.Attempts), slog.String("reason", l.Last))
}

// Open returns the password of a row for delivery, which Google must have accepted;
// any other row is fault.Conflict (invariant C5). What was sealed under an older key
// is sealed anew by the way; where that fails, the next time does it. Errors are those
// of the keys.
func (p *Pusher) Open(ctx context.Context, l password.Ledger) (secret.Value, error) {
	if !l.Usable() {
		return secret.Value{}, fault.New(fault.Conflict, "password-not-accepted", "Google has not accepted the person's password.")
	}
	v, err := p.Keys.Open(ctx, l.Bound(), l.Sealed)
	if err != nil {
		return secret.Value{}, err
	}
	if sealed := p.reseal(ctx, l, v); sealed != "" {
		if _, err := p.change(ctx, l.Enterprise, l.Person, func(row password.Ledger) password.Ledger {
			return row.Reseal(l.Sealed, sealed)
		}, nil); err != nil {
			p.unsealed(ctx, l, err)
		}
	}
	return v, nil
}

// reseal returns the row's password under the key that seals now, or nothing where
// it is under that key already, or cannot be.
func (p *Pusher) reseal(ctx context.Context, l password.Ledger, v secret.Value) string {
	old, err := p.Keys.NeedsReseal(ctx, l.Sealed)
	if err == nil && !old {
		return ""
	}
	var sealed string
	if err == nil {
		sealed, err = p.Keys.Seal(ctx, l.Bound(), v)
	}
	if err != nil {
		p.unsealed(ctx, l, err)
	}
	return sealed
}

func (p *Pusher) unsealed(ctx context.Context, l password.Ledger, err error) {
	p.Log.LogAttrs(ctx, slog.LevelWarn, "password not sealed anew", slog.String("enterprise", l.Enterprise),
		slog.String("person", l.Person), slog.String("reason", fault.ReasonOf(err)))
}
