package provision

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// onDevice retires or releases one device, and with it its hold on its account.
func (w *Worker) onDevice(ctx context.Context, cmd workflow.Command, id string) error {
	var d device.Device
	var own string // the account that goes with the device
	var gone bool  // the person's password may have to go as well
	err := w.DB.Update(ctx, func(tx *record.Tx) (err error) {
		own, gone = "", false
		if d, err = tx.Device(id); err != nil {
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
		held, result := row.Binding(id), audit.OK
		if cmd.Op == workflow.Release {
			var lifted bool
			if lifted, result = release(&d); !lifted && result != audit.OK {
				return idle(result)
			}
			if lifted && held != nil {
				held.Tokens, held.RevokeAt = held.Tokens.Forgive(), time.Time{}
			}
		} else {
			// Also when the device was retired before, for then this event may be
			// one that broke off before the account was removed.
			own = d.Desired.OwnAccountID
			gone = d.State != device.Retired || repeated || cmd.Lost
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
		return tx.Audit(w.note(cmd, "device:"+id, result))
	})
	if err != nil {
		return err
	}
	if gone {
		err = w.lost(ctx, cmd, d)
	}
	if own == "" {
		return err
	}
	if removed := w.Accounts.Remove(ctx, own, cmd.RequestedBy); err == nil || fault.Redeliver(removed) {
		return removed
	}
	return err
}

// release lifts a device's hold, and forgets which settings the device failed to
// apply, so that they are sent again. The result is audit.OK where it did either, and
// otherwise says what it met: nothing, or the person's hold, which their return alone
// lifts.
func release(d *device.Device) (lifted bool, result string) {
	was := d.Desired.Hold
	if was != device.NoHold {
		d.Desired.Release()
		lifted = d.Desired.Hold != was
	}
	forgotten := d.Mail.Held
	for _, h := range d.Mail.Held {
		forgotten = mail.Forget(forgotten, h.Setting)
	}
	switch failed := !slices.Equal(forgotten, d.Mail.Held); {
	case lifted, failed:
		d.Mail.Held, d.Mail.Due = forgotten, true
		return lifted, audit.OK
	case was == device.NoHold:
		return false, "not-held"
	}
	return false, string(was)
}
