package provision

import (
	"context"
	"errors"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// onAccount does one account's part of a workflow.
func (w *Worker) onAccount(ctx context.Context, cmd workflow.Command, id string) error {
	row, missing, err := w.inOrder(ctx, cmd, id)
	switch {
	case errors.Is(err, errSuperseded):
		return nil
	case err != nil:
		return err
	case cmd.Op == workflow.Create:
		return w.create(ctx, cmd, row, missing, id)
	case missing:
		return fault.New(fault.NotFound, "not-found", "there is no account %q", id)
	case cmd.Op == workflow.Delete:
		if err := w.holders(ctx, cmd, id, func(d *device.Desired) { d.Withdraw(device.AccountGone) }, not(device.AccountGone)); err != nil {
			return err
		}
		return w.Accounts.Remove(ctx, id, cmd.RequestedBy)
	case cmd.Op == workflow.Revoke:
		return w.revoke(ctx, cmd, row)
	case cmd.Op == workflow.Rename:
		return w.rename(ctx, cmd, row)
	}
	return fault.New(fault.Permanent, "workflow-unknown", "this server does not know the workflow %q", cmd.Op)
}

// errSuperseded is for a command that comes after a younger one.
var errSuperseded = errors.New("superseded")

// inOrder reads the account, which may be missing, and notes the command on it,
// unless a younger command was there before.
func (w *Worker) inOrder(ctx context.Context, cmd workflow.Command, id string) (row account.Account, missing bool, err error) {
	err = w.DB.Update(ctx, func(tx *record.Tx) (err error) {
		row, err = tx.Account(id)
		if missing = fault.KindOf(err) == fault.NotFound; missing {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case row.Enterprise != cmd.Enterprise:
			return errForeign("account", id)
		case cmd.RequestedAt.Before(row.CommandAt):
			return errSuperseded
		case cmd.RequestedAt.Equal(row.CommandAt):
			return nil
		}
		row.CommandAt = cmd.RequestedAt
		return tx.PutAccount(row)
	})
	return row, missing, err
}

// create provisions an account ahead of its devices' asking, and gives it back to
// devices that it was taken from.
func (w *Worker) create(ctx context.Context, cmd workflow.Command, row account.Account, missing bool, id string) error {
	if missing {
		ds, _, err := w.DB.DevicesOf(ctx, id, record.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(ds) == 0 || ds[0].Enterprise != cmd.Enterprise {
			return errForeign("account", id)
		}
		row = ds[0].WantedAccount()
		row.CommandAt = cmd.RequestedAt
	}
	gone, err := w.gone(ctx, row)
	if err != nil {
		return err
	}
	if !gone {
		_, made := w.Accounts.Ensure(ctx, row, cmd.RequestedBy)
		// Whoever settled the person meanwhile may not have found the account yet.
		if gone, err = w.gone(ctx, row); err != nil {
			return err
		}
		if !gone && made != nil {
			return made
		}
		if gone {
			if err := w.Accounts.Remove(ctx, id, cmd.RequestedBy); err != nil {
				return err
			}
		}
	}
	deleted := func(h device.Hold) bool { return h == device.AccountGone }
	if err := w.holders(ctx, cmd, id, (*device.Desired).Release, deleted); err != nil {
		return err
	}
	if gone {
		return errGone
	}
	return w.DB.AppendAudit(ctx, w.note(cmd, "account:"+id, audit.OK))
}

// revoke signs every device out at Google and holds the devices back until an
// operator releases them. They lose their place on the account, one whose token may
// still add it when reconcile has signed them out again.
func (w *Worker) revoke(ctx context.Context, cmd workflow.Command, row account.Account) error {
	if err := w.holders(ctx, cmd, row.ID, func(d *device.Desired) { d.Withdraw(device.Revoked) }, not(device.Revoked)); err != nil {
		return err
	}
	if row.UserID != "" {
		err := w.Accounts.Google.RevokeDeviceAccess(ctx, row.PlayEnterprise, row.UserID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return w.DB.Update(ctx, func(tx *record.Tx) error {
		found, err := tx.Account(row.ID)
		if err != nil {
			return err
		}
		found.Vacate(w.Now(), func(account.Binding) bool { return true })
		found.UpdatedAt = w.Now()
		if err := tx.PutAccount(found); err != nil {
			return err
		}
		return tx.Audit(w.note(cmd, "account:"+row.ID, audit.OK))
	})
}

func (w *Worker) rename(ctx context.Context, cmd workflow.Command, row account.Account) error {
	if row.State == account.Active {
		if err := w.Renamer.Rename(ctx, row.PlayEnterprise, row.UserID, cmd.DisplayName); err != nil {
			return err
		}
	}
	return w.DB.Update(ctx, func(tx *record.Tx) error {
		found, err := tx.Account(row.ID)
		if err != nil || found.DisplayName == cmd.DisplayName {
			return err
		}
		found.DisplayName = cmd.DisplayName
		if err := tx.PutAccount(found); err != nil {
			return err
		}
		return tx.Audit(w.note(cmd, "account:"+row.ID, audit.OK))
	})
}

func not(h device.Hold) func(device.Hold) bool {
	return func(is device.Hold) bool { return is != h }
}

// holders changes what is desired of every device that should hold the account
// and has a hold that applies, one transaction each. A device that a younger
// command touched is left alone.
func (w *Worker) holders(ctx context.Context, cmd workflow.Command, id string, change func(*device.Desired), applies func(device.Hold) bool) error {
	var p record.Page
	for {
		ds, next, err := w.DB.DevicesOf(ctx, id, p)
		if err != nil {
			return err
		}
		for _, d := range ds {
			if !applies(d.Desired.Hold) || d.State != device.Active {
				continue
			}
			err := w.DB.Update(ctx, func(tx *record.Tx) error {
				found, err := tx.Device(d.ID)
				if err != nil || found.Desired.AccountID != id || !applies(found.Desired.Hold) ||
					cmd.RequestedAt.Before(found.CommandAt) {
					return err
				}
				change(&found.Desired)
				found.CommandAt = cmd.RequestedAt
				if err := tx.PutDevice(found); err != nil {
					return err
				}
				return tx.Audit(w.note(cmd, "device:"+d.ID, audit.OK))
			})
			if err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		p.Next = next
	}
}
