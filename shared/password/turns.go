package password

import "time"

// maxAhead is how far ahead turns are given. A clock that was wrong once must not
// keep an enterprise waiting for longer.
const maxAhead = 24 * time.Hour

// Turns spaces the calls to Google that are made for the passwords of one
// enterprise without a device asking, so that ten thousand which become due at once
// are offered one after the other, and none of them is looked at before its time. It
// is the enterprise's row, which every sweep takes turns from. Losing it loses
// nothing: those who come next come sooner.
type Turns struct {
	Enterprise string `json:"enterprise"`
	// Next is the first turn that nobody has.
	Next time.Time `json:"next,omitzero"`
}

// Take gives n turns, perSecond of them in a second, from now on or from where the
// last that was given ends. It returns the first; Gap is between any two.
func (t Turns) Take(now time.Time, n int, perSecond float64) (Turns, time.Time) {
	first := now
	if t.Next.After(now) && t.Next.Sub(now) <= maxAhead {
		first = t.Next
	}
	t.Next = first.Add(time.Duration(n) * Gap(perSecond))
	return t, first
}

// Gap is the time between two turns.
func Gap(perSecond float64) time.Duration {
	return time.Duration(float64(time.Second) / max(perSecond, 1e-3))
}

// TurnTime is how long the sweep leaves a password to the worker whom it told of it.
// A nudge that was lost costs that, and one that is on its way is not doubled before.
const TurnTime = 5 * time.Minute

// HandOut notes that a worker is told of a password that is due, so that no sweep
// looks at the row until then. It changes nothing for the worker, nor for anybody
// who comes before, and nothing where another worker was told already.
func (l Ledger) HandOut(now, until time.Time) Ledger {
	if l.State != Active && l.unclaimed(now) && until.After(now) {
		l.Turn, l.UpdatedAt = until, now
	}
	return l
}

// Postpone moves a password that is due, and that nobody has, to a later time
// without a call to Google, so that an enterprise without quota does not stand in
// the sweep's way; and so a rotation that is due. It takes none of the budgets.
func (l Ledger) Postpone(now, until time.Time) Ledger {
	if !l.unclaimed(now) || !until.After(now) {
		return l
	}
	if l.State == Active {
		l.RotateAt, l.UpdatedAt = until, now
		return l
	}
	l = l.expired(now)
	l.NextAt, l.Turn, l.UpdatedAt = until, until, now
	return l
}

// unclaimed reports whether the row is due and no worker was told.
func (l Ledger) unclaimed(now time.Time) bool { return l.due(now) && !l.Turn.After(now) }

// HasTurn reports whether the password is due because its place, which Postpone kept
// for it, has come no longer than late ago. One that missed its place has to take
// another: those who had the places behind it have theirs now.
func (l Ledger) HasTurn(now time.Time, late time.Duration) bool {
	return (l.State == Pending || l.State == Retry) && !l.Turn.IsZero() && l.Turn.Equal(l.NextAt) &&
		!now.Before(l.Turn) && now.Sub(l.Turn) <= late
}
