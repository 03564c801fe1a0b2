package password

import "time"

// Effect is what a new policy means for one person.
type Effect string

// The effects, as a dry run counts them.
const (
	// Unaffected: nothing changes.
	Unaffected Effect = "unaffected"
	// Moved: the password is replaced at another time than before, or no longer.
	Moved Effect = "moved"
	// TooOld: the password is older than the new policy allows.
	TooOld Effect = "too-old"
	// TooShort: the password is shorter than the new policy allows.
	TooShort Effect = "too-short"
	// UsedUp: the attempts that were made are all that the new policy allows.
	UsedUp Effect = "used-up"
)

// PolicyChanged brings the row in line with a new policy, and says what that meant.
// What becomes due does not become due at once: it is spread over a day, or over a
// tenth of the rotation where that is more. A password that is not accepted yet
// keeps its length: its version was perhaps sent already (invariant W4).
//
// A policy that is the same leaves every row alone, whatever the jitter.
func (l Ledger) PolicyChanged(now time.Time, from, to Policy, jitter float64) (Ledger, Effect) {
	from, to = from.WithDefaults(), to.WithDefaults()
	switch l.State {
	case Pending, Retry:
		if l.Attempts > 0 && l.Attempts >= to.MaxAttempts {
			return l.fail(now, ReasonAttempts), UsedUp
		}
	case Active:
		return l.replan(now, from, to, jitter)
	}
	return l, Unaffected
}

// replan keeps what was planned unless the change is what moves it.
func (l Ledger) replan(now time.Time, from, to Policy, jitter float64) (Ledger, Effect) {
	lengthened := from.Length < to.Length && l.Length < to.Length
	if from.RotateDays == to.RotateDays && !lengthened {
		return l, Unaffected
	}
	at, soon := l.RotateAt, to.spread(now, jitter)
	if from.RotateDays != to.RotateDays {
		at = to.plan(l.Length, l.SetAt, now, jitter)
		soon = l.RotateAt // planned as too short already
	}
	if l.Length < to.Length && !soon.IsZero() && (at.IsZero() || soon.Before(at)) {
		at = soon
	}
	effect := Moved
	switch {
	case at.Equal(l.RotateAt):
		return l, Unaffected
	case lengthened:
		effect = TooShort
	case !at.IsZero() && to.rotateAt(l.SetAt, jitter).Before(now):
		effect = TooOld
	}
	l.RotateAt, l.UpdatedAt = at, now
	return l, effect
}
