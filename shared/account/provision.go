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
