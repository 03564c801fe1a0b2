package access

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// What Google does not take is tried again after as long as it has waited by then,
// within these bounds.
const (
	leastWait = 2 * time.Minute
	mostWait  = 6 * time.Hour
)

// Again signs every device out of an account once more for the places on it whose
// time has come (account.Binding.RevokeAt), and drops them; it reports how many. The
// place of a device that is to have the account by now stays, and nobody is signed out
// for it. An error leaves the row due later.
func (s *Settler) Again(ctx context.Context, id, actor string) (dropped int, err error) {
	row, due, err := s.overdue(ctx, id)
	if err != nil || !due {
		return 0, err
	}
	if row.UserID != "" {
		err := s.Accounts.Google.RevokeDeviceAccess(ctx, row.PlayEnterprise, row.UserID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			if ctx.Err() != nil { // whoever stops the work has it come back
				return 0, err
			}
			return 0, s.putOff(ctx, id, err)
		}
	}
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		dropped = 0
		found, err := tx.Account(id)
		if err != nil {
			return err
		}
		now := s.Now()
		var left []account.Binding
		var notes []audit.Record
		for _, b := range found.Bindings {
			if !isDue(b, now) {
				left = append(left, b)
				continue
			}
			notes = append(notes, audit.Record{Enterprise: found.Enterprise, At: now, Actor: actor, Action: "account.revoke",
				Target: "account:" + id, Result: audit.OK, Detail: "device:" + b.DeviceID})
		}
		if dropped = len(notes); dropped == 0 {
			return nil
		}
		found.Bindings, found.UpdatedAt = left, now
		if err := tx.PutAccount(found); err != nil {
			return err
		}
		for _, n := range notes {
			if err := tx.Audit(n); err != nil {
				return err
			}
		}
		return nil
	})
	return dropped, err
}

func isDue(b account.Binding, now time.Time) bool {
	return !b.RevokeAt.IsZero() && !now.Before(b.RevokeAt)
}

// overdue returns the account, and whether there are such places on it once those were
// given back whose devices are to have the account.
func (s *Settler) overdue(ctx context.Context, id string) (row account.Account, due bool, err error) {
	err = s.DB.Update(ctx, func(tx *record.Tx) (err error) {
		due = false
		if row, err = tx.Account(id); err != nil {
			return err
		}
		given := false
		for i, b := range row.Bindings {
			if !isDue(b, s.Now()) {
				continue
			}
			d, err := tx.Device(b.DeviceID)
			switch {
			case err != nil && fault.KindOf(err) != fault.NotFound:
				return err
			case err == nil && d.State == device.Active && d.Desired.AccountID == id && d.Desired.Hold == device.NoHold:
				row.Bindings[i].RevokeAt, given = time.Time{}, true
			default:
				due = true
			}
		}
		if !given {
			return nil
		}
		return tx.PutAccount(row)
	})
	return row, due, err
}

// putOff leaves the places to a later turn, and returns why.
func (s *Settler) putOff(ctx context.Context, id string, cause error) error {
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		found, err := tx.Account(id)
		if err != nil {
			return err
		}
		now, put := s.Now(), false
		for i, b := range found.Bindings {
			if isDue(b, now) {
				waited := now.Sub(b.Tokens.Last())
				found.Bindings[i].RevokeAt, put = now.Add(min(mostWait, max(leastWait, waited))), true
			}
		}
		if !put {
			return nil
		}
		return tx.PutAccount(found)
	})
	if err != nil {
		return err
	}
	return cause
}
