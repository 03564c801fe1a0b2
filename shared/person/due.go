package person

import "time"

// Unsettled people are left to the event that was sent for them for the grace, and
// then taken up by reconcile, ever more rarely when that fails.
const (
	grace    = 2 * time.Minute
	maxGrace = 6 * time.Hour
)

// Due is when the person next needs attention without anybody asking: access that
// is not settled, or the deletion of a leaver's accounts. The zero time is never.
func (p Person) Due() time.Time {
	if p.Settled != p.State.Access() {
		return p.UpdatedAt.Add(min(maxGrace, grace<<min(p.Attempts, 10)))
	}
	if p.State == Leaving {
		return p.DeleteAt
	}
	return time.Time{}
}

// Depart makes a Leaving person Gone once the grace is over, and reports whether it
// did. Without DeleteAt it is never over.
func (p *Person) Depart(now time.Time) bool {
	if p.State != Leaving || p.DeleteAt.IsZero() || now.Before(p.DeleteAt) {
		return false
	}
	p.State, p.Since, p.UpdatedAt, p.Attempts = Gone, now, now, 0
	return true
}

// Settle notes that devices and accounts have the access a.
func (p *Person) Settle(a Access, now time.Time) {
	p.Settled, p.Attempts, p.UpdatedAt = a, 0, now
}

// Postpone notes that settling was tried in vain.
func (p *Person) Postpone(now time.Time) { p.Attempts, p.UpdatedAt = p.Attempts+1, now }
