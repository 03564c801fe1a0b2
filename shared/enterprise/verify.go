package enterprise

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Rows is what verifying reads and writes in its transaction.
type Rows interface {
	Enterprise(id string) (Enterprise, error)
	PutEnterprise(Enterprise) error
	Audit(audit.Record) error
}

// Verifier asks Google whether enterprises are still bound. It may be used
// concurrently.
type Verifier struct {
	// Update runs a transaction; the closure may run several times.
	Update func(ctx context.Context, fn func(Rows) error) error
	// Google returns nil if Google knows the enterprise of that id, fault.NotFound
	// with account.ReasonEnterpriseMissing if it does not, and any other fault if
	// it cannot tell.
	Google func(ctx context.Context, playEnterprise string) error
	Now    func() time.Time
}

// Verify notes what Google says of e: Bound or Gone. Where Google cannot tell,
// the state stays as it was and the error says why.
func (v *Verifier) Verify(ctx context.Context, e Enterprise, actor string) error {
	state := Bound
	if err := v.Google(ctx, e.Play); fault.ReasonOf(err) == account.ReasonEnterpriseMissing {
		state = Gone
	} else if err != nil {
		return err
	}
	return v.Update(ctx, func(tx Rows) error {
		row, err := tx.Enterprise(e.ID)
		if err != nil {
			return err
		}
		changed := row.State != state
		row.State, row.CheckedAt = state, v.Now()
		if err := tx.PutEnterprise(row); err != nil || !changed {
			return err
		}
		return tx.Audit(audit.Record{Enterprise: e.ID, At: v.Now(), Actor: actor,
			Action: "enterprise.verify", Target: "enterprise:" + e.ID, Result: string(state)})
	})
}
