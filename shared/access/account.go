package access

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// accounts returns the identifiers of the person's own accounts, and after them
// those of the devices' own.
func (s *Settler) accounts(ctx context.Context, p person.Person, own []string) ([]string, error) {
	var ids []string
	var page record.Page
	for {
		as, next, err := s.DB.AccountsOf(ctx, p.Enterprise, account.Subject{Kind: account.Person, ID: p.ID}, page)
		for _, a := range as {
			ids = append(ids, a.ID)
		}
		if err != nil || next == "" {
			return append(ids, own...), err
		}
		page.Next = next
	}
}

// withdraw signs every device out of one account at Google and drops their places
// on it, as the workflow revoke does. A token that was asked for before the devices
// were held may still add the account after that: then the place is kept that says
// so, and later is true, for the account is to be revoked again when the token has
// had its time.
func (s *Settler) withdraw(ctx context.Context, p person.Person, id string) (later bool, err error) {
	row, err := s.DB.Account(ctx, id)
	if fault.KindOf(err) == fault.NotFound || err == nil && row.State == account.Deleted {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if row.UserID != "" {
		err := s.Accounts.Google.RevokeDeviceAccess(ctx, row.PlayEnterprise, row.UserID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return false, s.refused(ctx, p, id, err)
		}
	}
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		now, err := during(tx, p)
		if err != nil {
			return err
		}
		found, err := tx.Account(id)
		if err != nil {
			return err
		}
		var vacated bool
		vacated, later = found.Vacate(s.Now(), func(account.Binding) bool { return true })
		mended := row.UserID != "" && found.Reason != ""
		if vacated || mended {
			found.UpdatedAt = s.Now()
			if mended {
				found.Reason = ""
			}
			if err := tx.PutAccount(found); err != nil {
				return err
			}
		}
		if row.UserID == "" {
			return nil
		}
		return tx.Audit(s.note(now, action(person.Withdrawn), "account:"+id, audit.OK))
	})
	return later, err
}

// refused keeps the reason of a lasting refusal on the account's row, where an admin
// sees it, and once in the trail. It returns the refusal.
func (s *Settler) refused(ctx context.Context, p person.Person, id string, cause error) error {
	if fault.Redeliver(cause) {
		return cause
	}
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		now, err := during(tx, p)
		if err != nil {
			return err
		}
		row, err := tx.Account(id)
		if err != nil || row.Reason == word(cause) {
			return err
		}
		row.Reason = word(cause)
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		return tx.Audit(s.note(now, action(person.Withdrawn), "account:"+id, word(cause)))
	})
	if err != nil {
		return err
	}
	return cause
}

// remove deletes one account. That it is to be deleted is only written while the
// person is gone; what was written is carried out even if the person returns
// meanwhile, and the account is then made anew.
func (s *Settler) remove(ctx context.Context, p person.Person, id string) error {
	first := true
	guarded := *s.Accounts
	guarded.Update = func(ctx context.Context, fn func(account.Rows) error) error {
		if !first {
			return s.Accounts.Update(ctx, fn)
		}
		first = false
		return s.DB.Update(ctx, func(tx *record.Tx) error {
			if _, err := during(tx, p); err != nil {
				return err
			}
			return fn(tx)
		})
	}
	return guarded.Remove(ctx, id, Actor)
}
