package password

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

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

// Replan brings the row in line with the policy, and says what that meant. It is a
// function of row and policy: it may be run any number of times, and behind each of
// several changes in any order.
//
// What becomes due does not become due at once: it is spread over a day, or over a
// tenth of the rotation where that is more; what is planned within that time
// already keeps its place. A password that is not accepted yet keeps its length:
// its version was perhaps sent already (invariant W4).
func (l Ledger) Replan(now time.Time, p Policy) (Ledger, Effect) {
	switch l.State {
	case Pending, Retry:
		if l.Attempts > 0 && l.Attempts >= p.WithDefaults().MaxAttempts {
			return l.fail(now, ReasonAttempts), UsedUp
		}
	case Active:
		at, effect := l.plan(now, p)
		return l.planned(now, at, effect)
	}
	return l, Unaffected
}

// Unplan takes in that the enterprise has no policy any more: an accepted password
// is not replaced. Replan does what a policy asks for once there is one again.
func (l Ledger) Unplan(now time.Time) (Ledger, Effect) {
	if l.State != Active {
		return l, Unaffected
	}
	return l.planned(now, time.Time{}, Moved)
}

func (l Ledger) planned(now, at time.Time, effect Effect) (Ledger, Effect) {
	if at.Equal(l.RotateAt) {
		return l, Unaffected
	}
	l.RotateAt, l.UpdatedAt = at, now
	return l, effect
}

// plan is when the policy has the password replaced, and what moved it.
func (l Ledger) plan(now time.Time, p Policy) (time.Time, Effect) {
	place := l.place()
	window := max(24*time.Hour, p.Rotation()/10)
	var at time.Time
	if p.Rotation() > 0 {
		// Over a fifth of the period, so that those who enrolled together do not come
		// together for ever.
		at = l.SetAt.Add(scale(p.Rotation(), 0.9+0.2*place))
	}
	effect := Moved
	switch {
	case l.Length < p.WithDefaults().Length:
		effect = TooShort
	case !at.IsZero() && !at.After(now):
		effect = TooOld
	default:
		return at, Moved
	}
	if end := now.Add(window); !l.RotateAt.IsZero() && !l.RotateAt.After(end) {
		return l.RotateAt, effect
	}
	if soon := now.Add(scale(window, place)); at.IsZero() || !at.After(now) || at.After(soon) {
		at = soon
	}
	return at, effect
}

// place is a number of [0, 1) that is the row's own, and another with each version:
// its place among those who would otherwise come together.
func (l Ledger) place() float64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "rollcall password place v1|%s|%d", l.Person, l.Version))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
