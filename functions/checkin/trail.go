package checkin

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

// acknowledge writes what became of a token into the account's ledger (invariant
// T4), and that and what became of mail settings into the trail.
func acknowledge(tx Rows, row device.Device, acct account.Account, c device.Change, now time.Time) error {
	note := audit.Record{Enterprise: row.Enterprise, At: now, Actor: "device:" + row.ID}
	if a := c.Answer; a != nil && acct.Acknowledge(row.ID, *a, now) {
		if err := tx.PutAccount(acct); err != nil {
			return err
		}
		note.Target, note.Action, note.Result = "account:"+acct.ID, "token.added", audit.OK
		if !a.Added {
			note.Action, note.Result = "token.failed", a.Reason
		}
		if err := tx.Audit(note); err != nil {
			return err
		}
	}
	if c.Lost != "" {
		note.Target, note.Action, note.Result = "account:"+row.Desired.AccountID, "account.invalidated", audit.OK
		if err := tx.Audit(note); err != nil {
			return err
		}
	}
	for _, s := range c.Settings {
		note.Target, note.Detail = "device:"+row.ID, "setting:"+s.Setting
		switch {
		case s.Reason != "":
			note.Action, note.Result = "setting.failed", s.Reason
		case s.Do == mail.Withdraw:
			note.Action, note.Result = "setting.removed", audit.OK
		default:
			note.Action, note.Result = "setting.applied", audit.OK
		}
		if err := tx.Audit(note); err != nil {
			return err
		}
	}
	return nil
}
