// Package signin holds the rules of the corporate sign-in, with which people enrol
// their devices by their organisation's own credentials: how often credentials may be
// wrong, whom a login or a claim names, and who may enrol. It does no I/O.
//
// # Limits
//
// Wrong passwords are counted for each login of an enterprise, also for logins that
// nobody has, and wrong credentials of any kind for each address. The attempt for a
// login is counted before the directory is asked, so that guesses that are made at
// once cannot exceed the limit, and is taken back when the directory did not answer.
// A success clears the login's count.
//
// So whoever knows a login can shut its owner out of enrolling new devices by password,
// for a time. That is the lesser evil: it takes nothing from the person's directory
// account, which Rollcall's limit keeps from being locked by guesses that pass through
// it (keep the directory's own limit above it), nor from devices that are enrolled; an
// admin's enrollment token and an ID token still admit the person. Without the limit
// anybody could guess passwords from anywhere, under as many addresses as they have.
package signin

import "time"

// Rule says how often something may go wrong, and what follows.
type Rule struct {
	// Tries is how often within Window; at the last of them the lock-out begins.
	Tries  int
	Window time.Duration
	// Lockout is how long the first lock-out lasts. Each further one is twice as
	// long as the one before, up to MaxLockout.
	Lockout, MaxLockout time.Duration
}

// Limits are the rules of the corporate sign-in.
type Limits struct {
	// Person is for wrong passwords of one login, Address for wrong credentials from
	// one address; both within one enterprise.
	Person, Address Rule
}

// DefaultLimits returns the limits that hold everywhere: 5 wrong passwords of one
// login and 50 wrong credentials from one address in 15 minutes. An address may be a
// whole office's, so its lock-out does not grow beyond an hour.
func DefaultLimits() Limits {
	const window = 15 * time.Minute
	return Limits{
		Person:  Rule{Tries: 5, Window: window, Lockout: window, MaxLockout: 24 * time.Hour},
		Address: Rule{Tries: 50, Window: window, Lockout: window, MaxLockout: time.Hour},
	}
}

// Attempts counts what went wrong with one login or from one address. The zero value
// with an ID is one without any.
type Attempts struct {
	ID string `json:"id"`
	// Since is when the window began, and Count what was counted in it.
	Since time.Time `json:"since"`
	Count int       `json:"count"`
	// LockedUntil is when the current or last lock-out ends, Locks their number.
	LockedUntil time.Time `json:"lockedUntil,omitzero"`
	Locks       int       `json:"locks,omitzero"`
}

// Wait returns how long nothing more is taken, 0 while it is.
func (a Attempts) Wait(now time.Time) time.Duration { return max(0, a.LockedUntil.Sub(now)) }

// Add counts one more. It is not called while Wait is not 0.
func (a Attempts) Add(r Rule, now time.Time) Attempts {
	if !now.Before(a.forgotten(r)) {
		a.Locks = 0
	}
	ended := a.LockedUntil.After(a.Since) // a lock-out that began in this window
	if ended || a.Since.IsZero() || now.Before(a.Since) || now.Sub(a.Since) >= r.Window {
		a.Since, a.Count = now, 0
	}
	if a.Count++; a.Count >= r.Tries {
		a.LockedUntil = now.Add(r.lockout(a.Locks))
		a.Locks++
	}
	return a
}

// Undo takes one back that was not judged, and with it the lock-out that it began.
func (a Attempts) Undo(r Rule) Attempts {
	if a.Count == 0 {
		return a
	}
	if a.Count == r.Tries && a.Locks > 0 {
		a.Locks--
		a.LockedUntil = a.Since // past, and the memory of earlier ones goes on
	}
	a.Count--
	return a
}

// Expires returns when the row says nothing any more.
func (a Attempts) Expires(r Rule) time.Time {
	end := a.Since.Add(r.Window)
	if at := a.forgotten(r); at.After(end) {
		return at
	}
	return end
}

// forgotten is when earlier lock-outs no longer make the next one longer.
func (a Attempts) forgotten(r Rule) time.Time {
	if a.Locks == 0 {
		return a.Since
	}
	return a.LockedUntil.Add(r.MaxLockout)
}

func (r Rule) lockout(before int) time.Duration {
	d := r.Lockout
	for range before {
		if d >= r.MaxLockout/2 {
			return r.MaxLockout
		}
		d *= 2
	}
	return min(d, r.MaxLockout)
}
