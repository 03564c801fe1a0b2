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
		return Grant{}, s.abandon(ctx, id, a, err)
	}
	return Grant{Device: a.device, Token: tok, NotAfter: a.notAfter}, nil
}

// budget is how long Google may take over one request. It ends before an agent
// gives the request up, by default after 30 seconds: a token that comes later is
// lost, and counts against the device.
const budget = 25 * time.Second

func (s *Issuer) mint(ctx context.Context, row account.Account, actor string) (secret.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
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
	if tok, err = s.Accounts.Google.MintToken(ctx, row.PlayEnterprise, row.UserID); fault.ReasonOf(err) == account.ReasonUserMissing {
		err = fault.Wrap(err, fault.Transient, account.ReasonUserMissing,
			"Google does not know the account everywhere yet that it has just made; try again")
	}
	return tok, err
}

// finish lets the many first requests for one account share one call to Google.
func (s *Issuer) finish(ctx context.Context, row account.Account, actor string) (account.Account, error) {
	if row.State == account.Active {
		return row, nil
	}
	done, err, _ := s.flights.Do(row.ID, func() (any, error) {
		// One caller's cancellation must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), budget)
		defer cancel()
		return s.Accounts.Finish(ctx, row, actor)
	})
	if err != nil {
		return account.Account{}, err
	}
	return done.(account.Account), nil
}

// pause is when a device may try again where Google does not say.
const pause = 10 * time.Second

// abandon notes that Google gave no token, so that the attempt is not taken for
// an outstanding one, and returns the cause. When even that cannot be stored the
// attempt expires by itself.
func (s *Issuer) abandon(ctx context.Context, deviceID string, a attempt, cause error) error {
	gone := fault.ReasonOf(cause) == account.ReasonEnterpriseMissing
	_ = s.Update(context.WithoutCancel(ctx), func(tx Rows) error {
		row, err := tx.Account(a.row.ID)
		if err != nil {
			return err
		}
		d, err := tx.Device(deviceID)
		if err != nil {
			return err
		}
		return s.withhold(tx, row, d, a.notAfter, cause, gone)
	})
	f := fault.As(cause)
	switch {
	case gone:
		return fault.Wrap(cause, fault.Denied, account.ReasonEnterpriseMissing,
			"Google no longer knows this enterprise; an operator must bind it again")
	case f != nil && f.Kind == fault.Transient && f.RetryAfter == 0:
		return f.After(pause)
	}
	return cause
}

// withhold writes what abandon notes. The ledger is left alone where another
// attempt has taken the place of this one: its token may be on its way.
func (s *Issuer) withhold(tx Rows, row account.Account, d device.Device, notAfter time.Time, cause error, gone bool) error {
	reason := fault.ReasonOf(cause)
	if reason == "" {
		reason = fault.KindOf(cause).String()
	}
	if gone && d.Desired.AccountID == row.ID {
		d.Desired.Withdraw(device.EnterpriseGone)
		if err := tx.PutDevice(d); err != nil {
			return err
		}
	}
	now := s.Now()
	if b := row.Binding(d.ID); b != nil {
		if m, ok := b.Tokens.Current(now); ok && m.Deadline.Equal(notAfter) {
			b.Tokens, row.Reason = b.Tokens.Abandon(now, reason), reason
			if err := tx.PutAccount(row); err != nil {
				return err
			}
		}
	}
	return tx.Audit(s.note(d, "token.withhold", row.ID, reason))
}

func (s *Issuer) note(d device.Device, action, accountID, result string) audit.Record {
	return audit.Record{
		Enterprise: d.Enterprise, At: s.Now(), Actor: "device:" + d.ID,
		Action: action, Target: "account:" + accountID, Result: result,
	}
}
