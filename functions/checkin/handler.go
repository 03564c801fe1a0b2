package checkin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Rows is what a check-in reads and writes in its transaction.
type Rows interface {
	Device(id string) (device.Device, error)
	Account(id string) (account.Account, error)
	PutDevice(device.Device) error
	PutAccount(account.Account) error
	Audit(audit.Record) error
}

// Desk takes devices' reports. It may be used concurrently.
type Desk struct {
	// Device reads one device.
	Device func(ctx context.Context, id string) (device.Device, error)
	// Enterprise reads one enterprise, outside of any transaction, so that devices
	// that check in together hold no lock on a row they share (invariant C7).
	Enterprise func(ctx context.Context, id string) (enterprise.Enterprise, error)
	// Update runs a transaction; the closure may run several times.
	Update func(ctx context.Context, fn func(Rows) error) error
	// Settings reads what mail settings depend on, outside of any transaction too.
	Settings Settings
	// Passwords is called at the first check-in that needs a password.
	Passwords func(context.Context) (Passwords, error)
	// Budget bounds a request that waits for Google to accept a password (invariant
	// C5); with 0 none does.
	Budget time.Duration
	// URL is the function's public URL, which proofs name.
	URL string
	Log *slog.Logger
	Now func() time.Time
	// Random returns a number in [0, 1) for jitter.
	Random func() float64
}

// Handler returns the function's handler. What a check-in reads and writes (C4):
//
//   - where nothing changed: the device;
//   - where the report is news, or a quarter of an hour is over: the device again and
//     its write, the account that an answer is for and its write, one audit record
//     for each answer, and after the quarter of an hour the enterprise;
//   - where mail settings are to be looked at, see looks: the book of settings where
//     the enterprise may have any, the person where the book has settings, the
//     person's password where a setting for the device needs it; and the device
//     again and its write where that is news;
//   - where the password is not accepted yet: what Passwords.Want and Push take.
func (d *Desk) Handler(edge api.Edge) http.Handler { return edge.Handle(d.serve) }

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) error {
	began := d.Now()
	var req protocol.CheckInRequest
	v, err := api.Proven(w, r, d.URL, began, &req)
	if err != nil {
		return err
	}
	ctx, id := r.Context(), device.ID(v.Thumbprint)
	row, err := d.Device(ctx, id)
	if err != nil {
		return unknown(err)
	}
	api.Identify(ctx, "device:"+id)
	if row.Proofs.Seen(v.ID) {
		return fault.New(fault.Unauthorized, "proof-reused", "")
	}
	ent, err := d.policy(ctx, row)
	if err != nil {
		return err
	}
	c := device.Apply(row, req, d.Now())
	seen := d.look(ctx, c.Device, ent, began)
	told := seen.settle(&c.Device, d.Now())
	if c.Dirty || told.news {
		if c.Device, told, err = d.record(ctx, id, ent, req, v, seen); err != nil {
			return err
		}
	}
	return api.WriteJSON(w, http.StatusOK, d.reply(c.Device, req, told))
}

// unknown makes a key without a device one more uniform refusal.
func unknown(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Wrap(err, fault.Unauthorized, "device-unknown", "")
	}
	return err
}

// policy reads the enterprise if the device's copy of its policy is old; else it
// returns nil.
func (d *Desk) policy(ctx context.Context, row device.Device) (*enterprise.Enterprise, error) {
	if !device.PolicyDue(row, d.Now()) {
		return nil, nil
	}
	e, err := enterprise.Required(d.Enterprise(ctx, row.Enterprise))
	return &e, err
}

// errUnchanged ends a transaction that has nothing to write: another request of
// the device said the same in the meantime.
var errUnchanged = errors.New("unchanged")

// record takes the report of a device in, together with what it says of a token and
// of mail settings, and with the settings that it is told.
func (d *Desk) record(ctx context.Context, id string, ent *enterprise.Enterprise, req protocol.CheckInRequest, v proof.Verified, seen *look) (row device.Device, told told, err error) {
	err = d.Update(ctx, func(tx Rows) error {
		now := d.Now()
		found, err := tx.Device(id)
		if err != nil {
			return unknown(err)
		}
		c := device.Apply(found, req, now)
		told = seen.settle(&c.Device, now)
		row = c.Device
		if !c.Dirty && !told.news {
			return errUnchanged
		}
		if row.Proofs, err = row.Proofs.Admit(v.ID, now, v.Until); err != nil {
			return err
		}
		var acct account.Account
		if c.Answer != nil {
			if acct, err = tx.Account(c.Answer.AccountID); err != nil && fault.KindOf(err) != fault.NotFound {
				return err
			}
		}
		if ent != nil {
			row.CheckInSeconds = ent.Policy.CheckIn()
			if row.Desired.Hold == device.EnterpriseGone && ent.State == enterprise.Bound {
				row.Desired.Release() // it came back
			}
		}
		if err := tx.PutDevice(row); err != nil {
			return err
		}
		return acknowledge(tx, row, acct, c, now)
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return row, told, err
}

// When a device with something to do comes back, in seconds: soon, or later where
// it has just failed at something and trying again at once would fail as well.
const (
	soon  = 60
	later = 900
)

func (d *Desk) reply(row device.Device, req protocol.CheckInRequest, told told) protocol.CheckInReply {
	accounts := device.Plan(row.Desired, req.Accounts)
	out := protocol.CheckInReply{
		Directives:         device.Order(slices.Concat(told.directives, accounts)),
		NextCheckInSeconds: row.CheckInSeconds,
	}
	if out.Directives == nil {
		out.Directives = []protocol.Directive{}
	}
	back := func(seconds int) { out.NextCheckInSeconds = min(seconds, out.NextCheckInSeconds) }
	failed := slices.ContainsFunc(req.Outcomes, func(o protocol.Outcome) bool {
		return o.Result == protocol.Failed && !device.Final(o.DirectiveID)
	})
	switch {
	case len(accounts) == 0 && !told.open:
	case failed:
		back(later)
	default:
		back(soon)
	}
	if told.again > 0 {
		back(told.again)
	}
	// Ten per cent either way, so that a fleet that was cut off together does not
	// come back together for ever after (invariant C6).
	out.NextCheckInSeconds = max(1, int(float64(out.NextCheckInSeconds)*(0.9+0.2*d.Random())))
	return out
}
