package device

import "github.com/rollcall-emm/rollcall/shared/person"

// HoldOf returns the hold of the devices of a person in the given state; NoHold
// where they may have their accounts.
func HoldOf(s person.State) Hold {
	switch {
	case s.Access() == person.Granted:
		return NoHold
	case s == person.Disabled:
		return PersonDisabled
	}
	return PersonLeft
}

// Bar sets the hold of the device's person, and reports whether that changed
// anything. A hold takes the account away, where nothing else did before; NoHold
// gives it back, unless an operator or Google holds the device for another reason.
// Unlike an operator's release it comes with no forgiveness of tokens.
func (d *Desired) Bar(why Hold) bool {
	if d.Barred == why {
		return false
	}
	was := d.Barred
	d.Barred = why
	switch {
	case d.Hold != was: // held for another reason, which stays
	case was == NoHold:
		d.Withdraw(why)
	case why == NoHold:
		d.Release()
	default:
		d.Hold = why
	}
	return true
}
