package provision

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// onDevice retires or releases one device, and with it its hold on its account.
func (w *Worker) onDevice(ctx context.Context, cmd workflow.Command, id string) error {
	var own string // the account that goes with the device
	err := w.DB.Update(ctx, func(tx *record.Tx) error {
		own = ""
		d, err := tx.Device(id)
		if err != nil {
			return err
		}
		if d.Enterprise != cmd.Enterprise {
			return errForeign("device", id)
		}
		if cmd.RequestedAt.Before(d.CommandAt) {
			return nil // a younger command was there before
		}
		repeated := cmd.RequestedAt.Equal(d.CommandAt)
		// idle tells who named the device why nothing came of it.
		idle := func(result string) error {
			if repeated || cmd.All {
				return nil
			}
			return tx.Audit(w.note(cmd, "device:"+id, result))
		}
		d.CommandAt = cmd.RequestedAt
		var row account.Account
		if d.Desired.AccountID != "" {
			if row, err = tx.Account(d.Desired.AccountID); err != nil && fault.KindOf(err) != fault.NotFound {
				return err
			}
		}
		held := row.Binding(id)
		if cmd.Op == workflow.Release {
			if d.Desired.Hold == device.NoHold {
				return idle("not-held")
			}
			was := d.Desired.Hold
			d.Desired.Release()
			if d.Desired.Hold == was { // the person's, which their return alone lifts
				return idle(string(was))
			}
			if held != nil {
				held.Tokens, held.RevokeAt = held.Tokens.Forgive(), time.Time{}
			}
		} else {
			// Also when the device was retired before, for then this event may be
			// one that broke off before the account was removed.
			own = d.Desired.OwnAccountID
			if d.State == device.Retired {
				return idle("already-retired")
			}
			d.State = device.Retired
			d.Desired.Want("")
			row.Vacate(w.Now(), func(b account.Binding) bool { return b.DeviceID == id && b.RevokeAt.IsZero() })
		}
		if err := tx.PutDevice(d); err != nil {
			return err
		}
		if held != nil {
			row.UpdatedAt = w.Now()
			if err := tx.PutAccount(row); err != nil {
				return err
			}
		}
		return tx.Audit(w.note(cmd, "device:"+id, audit.OK))
	})
	if err != nil || own == "" {
		return err
	}
	return w.Accounts.Remove(ctx, own, cmd.RequestedBy)
}
