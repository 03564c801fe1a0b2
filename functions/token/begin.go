package token

import (
	"cmp"
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// attempt is what the first transaction decided.
type attempt struct {
	device   device.Device
	row      account.Account
	notAfter time.Time
	refusal  error // stored, so the transaction commits although it refuses
}

// begin checks who asks and for what, stores the intent to have the account and
// the attempt at a token, both at once, and so reads two rows and writes two and
// the trail.
func (s *Issuer) begin(ctx context.Context, deviceID string, v proof.Verified, req protocol.TokenRequest) (attempt, error) {
	var a attempt
	err := s.Update(ctx, func(tx Rows) (err error) {
		a, err = s.attempt(tx, deviceID, v, req)
		return err
	})
	if err == nil {
		err = a.refusal
	}
	return a, err
}

func (s *Issuer) attempt(tx Rows, deviceID string, v proof.Verified, req protocol.TokenRequest) (attempt, error) {
	now := s.Now()
	d, err := tx.Device(deviceID)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = fault.Wrap(err, fault.Unauthorized, "device-unknown", "")
		}
		return attempt{}, err
	}
	if err := current(d, req.DirectiveID); err != nil {
		return attempt{}, err
	}
	found, err := tx.Account(d.Desired.AccountID)
	row, _, err := account.Intend(found, err, d.WantedAccount(), now)
	if err != nil {
		return attempt{}, err
	}
	b, err := row.Bind(d.ID, now)
	if err != nil {
		return s.overLimit(tx, d, err)
	}
	if b.Proofs, err = b.Proofs.Admit(v.ID, now, v.Until); err != nil {
		return attempt{}, err
	}
	tokens, err := b.Tokens.Begin(now, req.DirectiveID, s.Limits)
	if fault.ReasonOf(err) == token.ReasonNeedsOperator {
		d.Desired.Hold = device.NeedsOperator
		return s.refuse(tx, d, err)
	}
	if err != nil {
		return attempt{}, err
	}
	b.Tokens, b.AndroidID = tokens, cmp.Or(req.AndroidID, d.AndroidID)
	if err := tx.PutAccount(row); err != nil {
		return attempt{}, err
	}
	if err := tx.Audit(s.note(d, "token.request", row.ID, audit.OK)); err != nil {
		return attempt{}, err
	}
	return attempt{device: d, row: row, notAfter: tokens[len(tokens)-1].Deadline}, nil
}

// current refuses a directive that is not what the device is to do now.
func current(d device.Device, directiveID string) error {
	switch {
	case d.State == device.Active && d.Desired.AddPending() && d.Desired.AddID() == directiveID:
		return nil
	case d.Desired.Hold == device.DeviceLimit:
		return fault.New(fault.Conflict, account.ReasonDeviceLimit,
			"this person's account is on as many devices as Google allows; an operator must remove one")
	case d.Desired.Hold == device.NeedsOperator:
		return fault.New(fault.Denied, token.ReasonNeedsOperator,
			"this device asked for too many tokens; an operator must release it")
	}
	return fault.New(fault.Conflict, "directive-stale", "this directive is no longer current; check in and follow what you are told then")
}

// overLimit does with one device too many what the enterprise's policy says
// (invariant P5): gives it an account of its own, or holds it.
func (s *Issuer) overLimit(tx Rows, d device.Device, limit error) (attempt, error) {
	ent, err := enterprise.Required(tx.Enterprise(d.Enterprise))
	if err != nil {
		return attempt{}, err
	}
	if ent.Policy.DeviceLimit != enterprise.UseDeviceAcct || d.Desired.AccountType == account.DeviceAccount {
		d.Desired.Withdraw(device.DeviceLimit)
		return s.refuse(tx, d, limit)
	}
	d.UseOwnAccount()
	return s.refuse(tx, d, fault.New(fault.Conflict, "directive-stale",
		"this device gets an account of its own; check in and follow what you are told then"))
}

func (s *Issuer) refuse(tx Rows, d device.Device, why error) (attempt, error) {
	if err := tx.PutDevice(d); err != nil {
		return attempt{}, err
	}
	err := tx.Audit(s.note(d, "token.refuse", d.Desired.AccountID, fault.ReasonOf(why)))
	return attempt{refusal: why}, err
}
