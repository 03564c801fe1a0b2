package password

import "time"

// Ticket is a worker's right to offer a password to Google once.
type Ticket struct {
	Person  string
	Version int
	// Lease is the number of the lease; results of any other change nothing.
	Lease int
	// Attempt is the how-manieth that counts this is, from 1.
	Attempt int
	// Deadline is when the call to Google must have ended. A call that runs longer
	// could put an older password in the place of a newer one.
	Deadline time.Time
}

// Lease gives the password to a worker when it is due, and counts the attempt in
// the same step, so that no crash exceeds the maximum (invariant W3). Where it
// returns false there is nothing to do; losing is success.
//
// The row is to be stored in either case when it changed: a lease that ran out is
// noted, and a password without attempts left becomes Failed.
func (l Ledger) Lease(now time.Time, p Policy) (Ledger, Ticket, bool) {
	if l.State == Active || !l.due(now) {
		return l, Ticket{}, false
	}
	l = l.expired(now)
	if l.Attempts >= p.WithDefaults().MaxAttempts {
		return l.fail(now, ReasonAttempts), Ticket{}, false
	}
	l.State, l.NextAt, l.Turn, l.UpdatedAt = Leased, time.Time{}, time.Time{}, now
	l.Attempts++
	l.Leases++
	l.Until = now.Add(LeaseTime)
	t := Ticket{
		Person: l.Person, Version: l.Version, Lease: l.Leases, Attempt: l.Attempts,
		Deadline: l.Until.Add(-leaseMargin),
	}
	return l, t, true
}

// expired notes that the lease of a row that is due ran out.
func (l Ledger) expired(now time.Time) Ledger {
	if l.State == Leased {
		l.State, l.NextAt, l.UpdatedAt = Retry, l.Until, now
		l.Last, l.LastAt = ReasonNoAnswer, now
	}
	return l
}

// holds reports whether t is the lease that the row is under. One that has run out
// holds as long as nobody took another.
func (l Ledger) holds(t Ticket) bool {
	return l.State == Leased && l.Person == t.Person && l.Version == t.Version && l.Leases == t.Lease
}

// Succeed takes in that Google accepted the password, and answered with the given
// account id. The result of another lease or version changes nothing. When the
// password is to be replaced is a pure function of row and policy.
func (l Ledger) Succeed(t Ticket, now time.Time, p Policy, account string) Ledger {
	if !l.holds(t) {
		return l
	}
	l.State, l.UpdatedAt = Active, now
	l.SetAt = now
	l.RotateAt, _ = l.plan(now, p)
	l.Accepted, l.Account = l.Version, account
	l.Attempts, l.Deferrals = 0, 0
	l.Until, l.NextAt, l.DeferredSince = time.Time{}, time.Time{}, time.Time{}
	l.Last, l.LastAt = "", time.Time{}
	return l
}

// Fail takes in that the attempt failed, as Judge sees it. The result of another
// lease or version changes nothing. Jitter is a random number of [0, 1), here and
// below.
func (l Ledger) Fail(t Ticket, now time.Time, p Policy, v Verdict, jitter float64) Ledger {
	switch v.Outcome {
	case Deferred:
		return l.Defer(t, now, p, v, jitter)
	case PersonUnknown:
		return l.UnknownToGoogle(t, now, v.Reason)
	}
	return l.Refuse(t, now, p, v, jitter)
}

// Defer takes in that nobody could have been served: quota, a fault of Google, the
// network. The attempt is given back; what is bounded instead is the time since the
// first deferral in a row (invariant W3), so that an outage fails nobody. Where
// nobody waited for the answer, a newer version waits for the end of the lease.
func (l Ledger) Defer(t Ticket, now time.Time, p Policy, v Verdict, jitter float64) Ledger {
	if !l.holds(t) {
		return l
	}
	if v.Unanswered {
		l.Unanswered = l.Until
	}
	l = l.noted(now, v.Reason)
	l.Attempts--
	if l.DeferredSince.IsZero() {
		l.DeferredSince = now
	}
	if now.Sub(l.DeferredSince) >= p.DeferralBudget() {
		return l.fail(now, ReasonDeferrals)
	}
	l.State, l.NextAt = Retry, now.Add(backoff(l.Deferrals, v.RetryAfter, jitter))
	l.Deferrals++
	return l
}

// Refuse takes in that Google refused the password. It counts towards the maximum;
// a permanent refusal is Failed at once.
func (l Ledger) Refuse(t Ticket, now time.Time, p Policy, v Verdict, jitter float64) Ledger {
	if !l.holds(t) {
		return l
	}
	l = l.noted(now, v.Reason)
	l.Deferrals, l.DeferredSince = 0, time.Time{}
	switch {
	case v.Outcome == Permanent:
		return l.fail(now, v.Reason)
	case l.Attempts >= p.WithDefaults().MaxAttempts:
		return l.fail(now, ReasonAttempts)
	}
	l.State, l.NextAt = Retry, now.Add(backoff(l.Attempts-1, v.RetryAfter, jitter))
	return l
}

// UnknownToGoogle takes in that Google has no such person: the password is not
// offered again until Appeared or Renew (invariant W6).
func (l Ledger) UnknownToGoogle(t Ticket, now time.Time, reason string) Ledger {
	if !l.holds(t) {
		return l
	}
	return l.noted(now, reason).fail(now, ReasonUnknownPerson)
}

// Away takes in that the person may not have accounts at present: the password is
// not offered again until Returned or Renew, and the call is not made.
func (l Ledger) Away(t Ticket, now time.Time) Ledger {
	if !l.holds(t) {
		return l
	}
	return l.noted(now, ReasonPersonAway).fail(now, ReasonPersonAway)
}

// noted ends the lease with the word of a failure.
func (l Ledger) noted(now time.Time, reason string) Ledger {
	l.Last, l.LastAt, l.UpdatedAt, l.Until = word(reason), now, now, time.Time{}
	return l
}

func (l Ledger) fail(now time.Time, reason string) Ledger {
	l.State, l.Reason, l.UpdatedAt = Failed, word(reason), now
	l.NextAt, l.Turn = time.Time{}, time.Time{}
	return l
}

const (
	firstDelay  = time.Second
	maxWindow   = 15 * time.Minute
	maxAsked    = 24 * time.Hour
	firstWindow = 4 * time.Second
)

// backoff is full jitter over a window that doubles from 4 s to 15 minutes, behind
// what Google asked for. The window lies behind because Google asks everybody for
// the same wait: those who come back at its end must not come together.
func backoff(n int, asked time.Duration, jitter float64) time.Duration {
	window := maxWindow
	if n < 8 {
		window = min(window, firstWindow<<n)
	}
	return min(max(firstDelay, asked), maxAsked) + scale(window, unit(jitter))
}
