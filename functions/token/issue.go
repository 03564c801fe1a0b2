package token

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// Rows is what issuing reads and writes in its transactions.
type Rows interface {
	account.Rows
	Device(id string) (device.Device, error)
	Enterprise(id string) (enterprise.Enterprise, error)
	PutDevice(device.Device) error
}

// Issuer provisions accounts where they are missing and mints their tokens. It
// may be used concurrently.
type Issuer struct {
	// Update runs a transaction; the closure may run several times.
	Update   func(ctx context.Context, fn func(Rows) error) error
	Accounts *account.Provisioner
	Limits   token.Limits
	Now      func() time.Time

	flights singleflight.Group
}

// Grant is a minted token; it lives no longer than the request.
type Grant struct {
	Device   device.Device
	Token    secret.Value
	NotAfter time.Time
}

// Issue mints a token for a device's addAccount directive. Whatever happens in
// between, the account ends as one (invariant P2), and the attempt is counted
// before Google is asked (T4). A refusal is a fault whose reason says why.
func (s *Issuer) Issue(ctx context.Context, v proof.Verified, req protocol.TokenRequest) (Grant, error) {
	id := device.ID(v.Thumbprint)
	a, err := s.begin(ctx, id, v, req)
	if err != nil {
		return Grant{}, err
	}
	tok, err := s.mint(ctx, a.row, "device:"+id)
	if err != nil {
		return Grant{}, s.abandon(ctx, id, a.row.ID, err)
	}
	return Grant{Device: a.device, Token: tok, NotAfter: a.notAfter}, nil
}

func (s *Issuer) mint(ctx context.Context, row account.Account, actor string) (secret.Value, error) {
	row, err := s.finish(ctx, row, actor)
	if err != nil {
		return secret.Value{}, err
	}
	tok, err := s.Accounts.Google.MintToken(ctx, row.PlayEnterprise, row.UserID)
	if fault.ReasonOf(err) != account.ReasonUserMissing {
		return tok, err
	}
	if row, err = s.Accounts.Renew(ctx, row.ID, row.UserID, actor); err != nil {
		return secret.Value{}, err
	}
	return s.Accounts.Google.MintToken(ctx, row.PlayEnterprise, row.UserID)
}

// finish lets the many first requests for one account share one call to Google.
func (s *Issuer) finish(ctx context.Context, row account.Account, actor string) (account.Account, error) {
	if row.State == account.Active {
		return row, nil
	}
	done, err, _ := s.flights.Do(row.ID, func() (any, error) {
		// One caller's cancellation must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return s.Accounts.Finish(ctx, row, actor)
	})
	if err != nil {
		return account.Account{}, err
	}
	return done.(account.Account), nil
}

// abandon notes that Google gave no token, so that the attempt is not taken for
// an outstanding one, and returns the cause. When even that cannot be stored the
// attempt expires by itself.
func (s *Issuer) abandon(ctx context.Context, deviceID, accountID string, cause error) error {
	gone := fault.ReasonOf(cause) == account.ReasonEnterpriseMissing
	_ = s.Update(context.WithoutCancel(ctx), func(tx Rows) error {
		now := s.Now()
		row, err := tx.Account(accountID)
		if err != nil {
			return err
		}
		d, err := tx.Device(deviceID)
		if err != nil {
			return err
		}
		b := row.Binding(deviceID)
		if b == nil {
			return nil
		}
		reason := fault.ReasonOf(cause)
		if reason == "" {
			reason = fault.KindOf(cause).String()
		}
		b.Tokens = b.Tokens.Abandon(now, reason)
		row.Reason = reason
		if gone && d.Desired.AccountID == accountID {
			d.Desired.Withdraw(device.EnterpriseGone)
			if err := tx.PutDevice(d); err != nil {
				return err
			}
		}
		if err := tx.PutAccount(row); err != nil {
			return err
		}
		return tx.Audit(s.note(d, "token.mint", accountID, reason))
	})
	if gone {
		return fault.Wrap(cause, fault.Denied, account.ReasonEnterpriseMissing,
			"Google no longer knows this enterprise; an operator must bind it again")
	}
	return cause
}

func (s *Issuer) note(d device.Device, action, accountID, result string) audit.Record {
	return audit.Record{
		Enterprise: d.Enterprise, At: s.Now(), Actor: "device:" + d.ID,
		Action: action, Target: "account:" + accountID, Result: result,
	}
}
