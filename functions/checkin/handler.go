package checkin

import (
	"context"
	"errors"
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
	// URL is the function's public URL, which proofs name.
	URL string
	Now func() time.Time
	// Random returns a number in [0, 1) for jitter.
	Random func() float64
}

// Handler returns the function's handler.
func (d *Desk) Handler(edge api.Edge) http.Handler { return edge.Handle(d.serve) }

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) error {
	var req protocol.CheckInRequest
	v, err := api.Proven(w, r, d.URL, d.Now(), &req)
	if err != nil {
		return err
	}
	id := device.ID(v.Thumbprint)
	row, err := d.Device(r.Context(), id)
	if err != nil {
		return unknown(err)
	}
	api.Identify(r.Context(), "device:"+id)
	if row.Proofs.Seen(v.ID) {
		return fault.New(fault.Unauthorized, "proof-reused", "")
	}
	if device.Apply(row, req, d.Now()).Dirty {
		if row, err = d.record(r.Context(), row, req, v); err != nil {
			return err
		}
	}
	return api.WriteJSON(w, http.StatusOK, d.reply(row, req))
}

// unknown makes a key without a device one more uniform refusal.
func unknown(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Wrap(err, fault.Unauthorized, "device-unknown", "")
	}
	return err
}

// errUnchanged ends a transaction that has nothing to write: another request of
// the device said the same in the meantime.
var errUnchanged = errors.New("unchanged")

// record takes the report of a device in, together with what it says of a token.
func (d *Desk) record(ctx context.Context, known device.Device, req protocol.CheckInRequest, v proof.Verified) (device.Device, error) {
	var ent *enterprise.Enterprise // its policy, if that is to be read anew
	if device.PolicyDue(known, d.Now()) {
		e, err := enterprise.Required(d.Enterprise(ctx, known.Enterprise))
		if err != nil {
			return device.Device{}, err
		}
		ent = &e
	}
	var row device.Device
	err := d.Update(ctx, func(tx Rows) error {
		now := d.Now()
		found, err := tx.Device(known.ID)
		if err != nil {
			return unknown(err)
		}
		c := device.Apply(found, req, now)
		row = c.Device
		if !c.Dirty {
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
	return row, err
}

// acknowledge writes what became of a token into the account's ledger (invariant
// T4) and the trail.
func acknowledge(tx Rows, row device.Device, acct account.Account, c device.Change, now time.Time) error {
	note := audit.Record{Enterprise: row.Enterprise, At: now, Actor: "device:" + row.ID}
	if a := c.Answer; a != nil && acct.Acknowledge(row.ID, *a, now) {
		if err := tx.PutAccount(acct); err != nil {
			return err
		}
		note.Target, note.Action, note.Result = "account:"+acct.ID, "token.added", audit.OK
		if !a.Added {
			note.Action, note.Result = "token.failed", a.Reason
		}
		if err := tx.Audit(note); err != nil {
			return err
		}
	}
	if c.Lost == "" {
		return nil
	}
	note.Target, note.Action, note.Result = "account:"+row.Desired.AccountID, "account.invalidated", audit.OK
	return tx.Audit(note)
}

// When a device with something to do comes back, in seconds: soon, or later where
// it has just failed at something and trying again at once would fail as well.
const (
	soon  = 60
	later = 900
)

func (d *Desk) reply(row device.Device, req protocol.CheckInRequest) protocol.CheckInReply {
	out := protocol.CheckInReply{
		Directives:         device.Plan(row.Desired, req.Accounts),
		NextCheckInSeconds: row.CheckInSeconds,
	}
	if out.Directives == nil {
		out.Directives = []protocol.Directive{}
	} else if slices.ContainsFunc(req.Outcomes, func(o protocol.Outcome) bool { return o.Result == protocol.Failed }) {
		out.NextCheckInSeconds = min(later, out.NextCheckInSeconds)
	} else {
		out.NextCheckInSeconds = min(soon, out.NextCheckInSeconds)
	}
	// Ten per cent either way, so that a fleet that was cut off together does not
	// come back together for ever after (invariant C6).
	out.NextCheckInSeconds = max(1, int(float64(out.NextCheckInSeconds)*(0.9+0.2*d.Random())))
	return out
}
