package access

import (
	"context"
	"errors"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// action is the word of the trail for bringing something to an access.
func action(a person.Access) string {
	switch a {
	case person.Granted:
		return "access.grant"
	case person.Withdrawn:
		return "access.withdraw"
	}
	return "access.remove"
}

// bring does all that p's access asks for, as far as it can: what fails does not
// stop the rest, and of several failures one that time can mend is returned. The
// devices come first: once they are held no new token is minted and no account
// wanted, so what is found of accounts then is all that there will be. wait says
// that a token is still under way.
func (s *Settler) bring(ctx context.Context, p person.Person) (wait bool, err error) {
	own, err := s.devices(ctx, p)
	if errors.Is(err, errChanged) || p.State.Access() == person.Granted {
		return false, err
	}
	var failed failures
	failed.add(err)
	ids, err := s.accounts(ctx, p, own)
	failed.add(err)
	for _, id := range ids {
		later := false
		if p.State.Access() == person.Removed {
			err = s.remove(ctx, p, id)
		} else {
			later, err = s.withdraw(ctx, p, id)
		}
		if errors.Is(err, errChanged) {
			return false, err
		}
		failed.add(err)
		wait = wait || later
	}
	return wait, failed.worst
}

// failures keeps the one failure that decides when the work comes back.
type failures struct{ worst error }

func (f *failures) add(err error) {
	if err != nil && (f.worst == nil || fault.Redeliver(err) && !fault.Redeliver(f.worst)) {
		f.worst = err
	}
}

// devices sets or lifts the person's hold of each device, and returns the
// identifiers of the accounts that devices have of their own.
func (s *Settler) devices(ctx context.Context, p person.Person) (own []string, err error) {
	var failed failures
	var page record.Page
	for {
		ds, damaged, next, err := s.DB.EveryDeviceOfPerson(ctx, p.Enterprise, p.ID, page)
		if err != nil {
			return own, err
		}
		if damaged > 0 {
			failed.add(fault.New(fault.Permanent, "record-damaged",
				"%d stored devices of the person cannot be read; restore them from a backup", damaged))
		}
		for _, d := range ds {
			if d.Desired.OwnAccountID != "" {
				own = append(own, d.Desired.OwnAccountID)
			}
			err := s.bar(ctx, p, d)
			if errors.Is(err, errChanged) {
				return nil, err
			}
			failed.add(err)
		}
		if next == "" {
			return own, failed.worst
		}
		page.Next = next
	}
}

// bar has one device give its account up, or lets it add it again. A retired device
// stays retired.
func (s *Settler) bar(ctx context.Context, p person.Person, d device.Device) error {
	if d.State != device.Active || d.Desired.Barred == device.HoldOf(p.State) {
		return nil
	}
	return s.DB.Update(ctx, func(tx *record.Tx) error {
		now, err := during(tx, p)
		if err != nil {
			return err
		}
		found, err := tx.Device(d.ID)
		if err != nil || found.State != device.Active || !found.Desired.Bar(device.HoldOf(now.State)) {
			return err
		}
		if err := tx.PutDevice(found); err != nil {
			return err
		}
		return tx.Audit(s.note(now, action(now.State.Access()), "device:"+d.ID, audit.OK))
	})
}
