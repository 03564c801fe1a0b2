package device

import (
	"slices"
	"strconv"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Plan returns the directives that bring a device from the accounts it reported
// to what is desired, in the order in which they are to be done; nil when there
// is nothing to do. It is a pure function (invariant C3): the same state gives
// the same directives with the same ids. Take the report in with Apply first.
func Plan(want Desired, have []protocol.Account) []protocol.Directive {
	var ds []protocol.Directive
	for _, a := range have {
		if a.Name == want.AccountName && a.State == protocol.AccountReady {
			continue
		}
		ds = append(ds, protocol.Directive{
			ID:          "rm-" + digest("remove", a.Name, strconv.Itoa(want.Generation)),
			Kind:        protocol.RemoveAccount,
			AccountName: a.Name,
		})
	}
	if want.AddPending() {
		ds = append(ds, protocol.Directive{
			ID:          want.AddID(),
			Kind:        protocol.AddAccount,
			AccountType: string(want.AccountType),
		})
	}
	return ds
}

// Order puts directives of accounts and of mail settings in the order in which they
// are to be done: what goes before what comes, and mail before the account of Google
// Play, at which an agent may fail. Those of one kind keep their order.
func Order(ds []protocol.Directive) []protocol.Directive {
	rank := func(d protocol.Directive) int { return slices.Index(order, d.Kind) }
	slices.SortStableFunc(ds, func(a, b protocol.Directive) int { return rank(a) - rank(b) })
	return ds
}

var order = []protocol.DirectiveKind{protocol.RemoveSetting, protocol.RemoveAccount, protocol.ApplySetting, protocol.AddAccount}

// AddPending reports whether the device is to add its account.
func (d Desired) AddPending() bool {
	return d.AccountID != "" && d.Hold == NoHold && d.AccountName == ""
}

// AddID is the id of the directive that adds the desired account.
func (d Desired) AddID() string {
	return "add-" + digest("add", d.AccountID, strconv.Itoa(d.Generation))
}

// Want makes another account, or none, the desired one, and lifts a hold but that
// of the person. The directives that it leads to have new ids.
func (d *Desired) Want(accountID string) {
	if d.AccountID == accountID && d.Hold == d.Barred {
		return
	}
	d.AccountID, d.AccountName, d.Hold = accountID, "", d.Barred
	d.Generation++
}

// Withdraw takes the account away and says why; the device will be told to
// remove it. Want or Release brings it back.
func (d *Desired) Withdraw(why Hold) {
	d.AccountName, d.Hold = "", why
	d.Generation++
}

// Release lifts a hold but that of the person, so that the device is told to add
// its account again unless it is barred.
func (d *Desired) Release() {
	if d.Hold != d.Barred {
		d.Hold = d.Barred
		d.Generation++
	}
}
