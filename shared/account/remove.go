package account

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Remove deletes the account at Google and marks the row Deleted; the bindings
// go with it. An account that is not there, or is Deleted, is no error.
func (p *Provisioner) Remove(ctx context.Context, id, actor string) error {
	var row Account
	err := p.Update(ctx, func(tx Rows) (err error) {
		row, err = tx.Account(id)
		if err != nil || row.State == Deleting || row.State == Deleted {
			return err
		}
		now := p.Now()
		if row.State == Creating {
			row.RecheckAt = now.Add(grace)
		}
		row.State, row.UpdatedAt = Deleting, now
		return tx.PutAccount(row)
	})
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil || row.State == Deleted {
		return err
	}
	return p.remove(ctx, row, actor)
}

// remove ends the deletion of an account whose row is Deleting. What it does at Google
// the row names first.
func (p *Provisioner) remove(ctx context.Context, row Account, actor string) error {
	for {
		if row.UserID == "" {
			var err error
			if row, err = p.find(ctx, row); err != nil || row.State != Deleting {
				return err
			}
		}
		if row.UserID != "" {
			if err := p.Google.Delete(ctx, row.PlayEnterprise, row.UserID); err != nil && fault.ReasonOf(err) != ReasonEnterpriseMissing {
				return p.note(ctx, row.ID, err, actor)
			}
		}
		var next Account
		another := false
		err := p.Update(ctx, func(tx Rows) error {
			found, err := tx.Account(row.ID)
			another = err == nil && found.State == Deleting && found.UserID != row.UserID
			if next = found; err != nil || found.State != Deleting || another {
				return err
			}
			found.State, found.UserID, found.Name, found.Bindings = Deleted, "", "", nil
			found.Reason, found.Attempts, found.UpdatedAt = "", 0, p.Now()
			if err := tx.PutAccount(found); err != nil {
				return err
			}
			return tx.Audit(p.record(found, actor, "account.delete", audit.OK))
		})
		if err != nil || !another {
			return err
		}
		row = next
	}
}

// find has the row of a deletion name what Google has: it may have made it before a
// crash, and only the upsert tells its id. Another call may have ended the deletion
// meanwhile, and the account be wanted again: then it is the new one that was found,
// and the row that is returned is not Deleting.
func (p *Provisioner) find(ctx context.Context, row Account) (Account, error) {
	userID, err := p.Google.Insert(ctx, row.PlayEnterprise, row.Spec())
	if fault.ReasonOf(err) == ReasonEnterpriseMissing {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	id := row.ID
	err = p.Update(ctx, func(tx Rows) (err error) {
		if row, err = tx.Account(id); err != nil || !row.claim(userID, p.Now()) {
			return err
		}
		return tx.PutAccount(row)
	})
	return row, err
}

// claim has the row of an account that is being deleted, or was, name the user that an
// upsert has found or made since, so that a crash leaves nothing that no row names. It
// reports whether the row changed.
func (a *Account) claim(userID string, now time.Time) bool {
	switch {
	case a.State != Deleting && a.State != Deleted, a.State == Deleting && a.UserID == userID:
		return false
	case a.State == Deleting && a.UserID != "":
		a.UserID = "" // one of the two is gone, and Google knows which
	default:
		a.UserID = userID
	}
	a.State, a.UpdatedAt = Deleting, now
	return true
}

// Resume goes on with what a crash left half done of an account, as its row says now:
// what a listing said may be over. It reports whether there was anything.
func (p *Provisioner) Resume(ctx context.Context, id, actor string) (done bool, err error) {
	var row Account
	err = p.Update(ctx, func(tx Rows) (err error) {
		if row, err = tx.Account(id); err != nil {
			return err
		}
		if now := p.Now(); row.State == Deleted && !row.RecheckAt.IsZero() && !now.Before(row.RecheckAt) {
			row.State, row.RecheckAt, row.UpdatedAt = Deleting, time.Time{}, now
			return tx.PutAccount(row)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	switch row.State {
	case Creating:
		_, err = p.Finish(ctx, row, actor)
		return true, err
	case Deleting:
		return true, p.remove(ctx, row, actor)
	}
	return false, nil
}
