package account

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Rows is what provisioning reads and writes within one transaction. A missing
// account is fault.NotFound. All reads come before the first write.
type Rows interface {
	Account(id string) (Account, error)
	PutAccount(Account) error
	Audit(audit.Record) error
}

// Provisioner brings rows and Google's accounts together. It may be used
// concurrently, by any number of processes; every method may be called again
// after a failure, and ends in the same state.
type Provisioner struct {
	// Update runs a transaction; the closure may run several times.
	Update func(ctx context.Context, fn func(Rows) error) error
	Google interface {
		Provider
		Remover
	}
	Now func() time.Time
}

// Intend makes or revives the row in a transaction under way, and reports
// whether it is to be written. want carries what a new row is made of.
func Intend(row Account, err error, want Account, now time.Time) (Account, bool, error) {
	switch {
	case fault.KindOf(err) == fault.NotFound:
		want.State, want.CreatedAt, want.UpdatedAt = Creating, now, now
		return want, true, nil
	case err != nil:
		return Account{}, false, err
	case row.Enterprise != want.Enterprise || row.Type != want.Type:
		return Account{}, false, fault.New(fault.Permanent, "identifier-clash",
			"account %s belongs to another subject; the identifier key was changed or shared", row.ID)
	case row.State == Deleting:
		return Account{}, false, fault.New(fault.Transient, "account-deleting",
			"the account is being deleted; try again when that is done").After(time.Minute)
	case row.State == Deleted:
		row.State, row.UserID, row.Name, row.Reason, row.RecheckAt = Creating, "", "", "", time.Time{}
		row.DisplayName, row.PlayEnterprise = want.DisplayName, want.PlayEnterprise
		row.Incarnation++
		row.UpdatedAt = now
		return row, true, nil
	}
	return row, false, nil
}

// Ensure stores the intent if need be and returns the row once it is Active.
func (p *Provisioner) Ensure(ctx context.Context, want Account, actor string) (Account, error) {
	var row Account
	err := p.Update(ctx, func(tx Rows) error {
		found, err := tx.Account(want.ID)
		var dirty bool
		if row, dirty, err = Intend(found, err, want, p.Now()); err != nil || !dirty {
			return err
		}
		return tx.PutAccount(row)
	})
	if err != nil {
		return Account{}, err
	}
	return p.Finish(ctx, row, actor)
}

// Finish asks Google for the account of a Creating row and stores its user id.
// An Active row is returned as it is, and of one that is deleted Google is not asked.
// When the row was taken out of Creating in the meantime by a deletion, what Google
// made is deleted again; when it is wanted anew after that, Google is asked anew.
func (p *Provisioner) Finish(ctx context.Context, row Account, actor string) (Account, error) {
	switch row.State {
	case Active:
		return row, nil
	case Deleting, Deleted:
		return Account{}, errDeleted
	}
	userID, err := p.Google.Insert(ctx, row.PlayEnterprise, row.Spec())
	if err != nil {
		return Account{}, p.note(ctx, row.ID, err, actor)
	}
	incarnation := row.Incarnation
	err = p.Update(ctx, func(tx Rows) error {
		found, err := tx.Account(row.ID)
		if err != nil {
			return err
		}
		row = found
		if row.claim(userID, p.Now()) {
			return tx.PutAccount(row)
		}
		if row.State != Creating || row.Incarnation != incarnation {
			return nil
		}
		row.State, row.UserID, row.Reason, row.Attempts, row.UpdatedAt = Active, userID, "", 0, p.Now()
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		return tx.Audit(p.record(row, actor, "account.create", audit.OK))
	})
	if err != nil {
		return Account{}, err
	}
	switch row.State {
	case Active:
		return row, nil
	case Creating: // userID may be of the incarnation that was deleted
		return p.Finish(ctx, row, actor)
	}
	if err := p.remove(ctx, row, actor); err != nil {
		return Account{}, err
	}
	return Account{}, errDeleted
}

var errDeleted = fault.New(fault.Conflict, "account-deleted", "the account was deleted meanwhile; create it again if that was not meant")

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

// Renew makes the account anew after Google said that it has no user goneUserID
// (an admin deleted it there, or an abuse check did).
func (p *Provisioner) Renew(ctx context.Context, id, goneUserID, actor string) (Account, error) {
	var row Account
	err := p.Update(ctx, func(tx Rows) (err error) {
		if row, err = tx.Account(id); err != nil {
			return err
		}
		if row.State != Active || row.UserID != goneUserID {
			return nil
		}
		row.State, row.UserID, row.Name, row.UpdatedAt = Creating, "", "", p.Now()
		row.Incarnation++
		row.Reason = ReasonUserMissing
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		return tx.Audit(p.record(row, actor, "account.lost", ReasonUserMissing))
	})
	if err != nil {
		return Account{}, err
	}
	return p.Finish(ctx, row, actor)
}

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

// note keeps the reason of a lasting failure on the row, for the admin to see,
// and returns the failure.
func (p *Provisioner) note(ctx context.Context, id string, cause error, actor string) error {
	if fault.Redeliver(cause) {
		return cause
	}
	err := p.Update(ctx, func(tx Rows) error {
		row, err := tx.Account(id)
		if err != nil || row.Reason == reasonWord(cause) {
			return err
		}
		row.Reason = reasonWord(cause)
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		return tx.Audit(p.record(row, actor, "account.provision", row.Reason))
	})
	return errors.Join(cause, err)
}

func reasonWord(err error) string {
	if r := fault.ReasonOf(err); r != "" {
		return r
	}
	return fault.KindOf(err).String()
}

func (p *Provisioner) record(a Account, actor, action, result string) audit.Record {
	return audit.Record{
		Enterprise: a.Enterprise, At: p.Now(), Actor: actor, Action: action,
		Target: "account:" + a.ID, Result: result, Detail: a.Subject.String(),
	}
}
