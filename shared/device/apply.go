package device

import (
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// seenEvery is how often LastSeen is worth a write (invariant C4).
const seenEvery = 15 * time.Minute

// Change is the effect of a report on a device's row.
type Change struct {
	Device Device
	// Dirty says that Device must be stored.
	Dirty bool
	// Answer is for the ledger of the account's tokens; nil if there is none.
	Answer *account.Answer
	// Lost names the account that the device no longer holds, or whose sign-in
	// no longer works, and that it is now to add again.
	Lost string
	// Settings are the answers to mail settings, in order.
	Settings []SettingAnswer
}

// Apply takes a report in. It is pure: d is not changed, and applying the same
// report to the result changes nothing more. Outcomes of directives that are no
// longer current are taken for what they are, history.
func Apply(d Device, r protocol.CheckInRequest, now time.Time) Change {
	c := Change{Device: d}
	next := &c.Device
	for _, o := range r.Outcomes {
		if !d.Desired.AddPending() || o.DirectiveID != d.Desired.AddID() {
			continue
		}
		a := account.Answer{AccountID: d.Desired.AccountID, DirectiveID: o.DirectiveID}
		if o.Result == protocol.Done {
			a.Added, a.AccountName = true, o.AccountName
			next.Desired.AccountName = o.AccountName
		} else {
			a.Reason = o.Reason
			next.Desired.Generation++ // the next attempt is another directive
		}
		c.Answer = &a
		c.Dirty = true
		break
	}
	if c.Settings = next.Mail.answer(r.Outcomes, now); c.Settings != nil {
		c.Dirty = true
	}
	if name := next.Desired.AccountName; name != "" && !holds(r.Accounts, name) {
		next.Desired.AccountName = ""
		next.Desired.Generation++
		c.Lost, c.Dirty = name, true
	}
	if !slices.Equal(r.Accounts, d.Accounts) {
		next.Accounts = slices.Clone(r.Accounts)
		c.Dirty = true
	}
	if r.AndroidID != "" {
		next.AndroidID = r.AndroidID // worth no write by itself
	}
	if PolicyDue(d, now) {
		next.LastSeen = now
		c.Dirty = true
	}
	return c
}

// PolicyDue reports whether the row's copy of its enterprise's policy is old
// enough to be read anew: with the write that LastSeen costs. What a device reports in
// between does not move LastSeen, or one that always has news would never be due; nor
// does a clock that was ahead keep it from being so.
func PolicyDue(d Device, now time.Time) bool { return now.Sub(d.LastSeen).Abs() >= seenEvery }

func holds(have []protocol.Account, name string) bool {
	return slices.Contains(have, protocol.Account{Name: name, State: protocol.AccountReady})
}
