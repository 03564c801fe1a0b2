// Package token holds the rules of single-use authentication tokens: how many a
// device may have, what became of each, and when it may have another. The ledger
// keeps when, for whom, why and what became of it, never a token (invariant T1).
package token

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// State is what became of a token.
type State string

// The states of a mint. Only Outstanding is not final.
const (
	Outstanding State = "outstanding" // asked for; the device has not answered
	Added       State = "added"       // the device holds the account
	Failed      State = "failed"      // the device could not add it
	Withheld    State = "withheld"    // Google gave none
	Expired     State = "expired"     // no answer by the deadline
	Superseded  State = "superseded"  // another was asked for before the answer
)

// Mint is one token's row. It is written before Google is asked, so a crash can
// neither lose the count nor exceed a limit.
type Mint struct {
	DirectiveID string    `json:"directiveId"`
	At          time.Time `json:"at"`
	// Deadline is when the token is given up if the device has not answered.
	Deadline time.Time `json:"deadline"`
	State    State     `json:"state"`
	// Reason is the word that the device gave, for Failed, or Google, for
	// Withheld.
	Reason string    `json:"reason,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
}

// Limits bound how often one device may ask. A zero field means its default.
type Limits struct {
	// Burst tokens within BurstWindow; default 3 in 15 minutes.
	Burst       int
	BurstWindow time.Duration
	// Daily tokens within 24 hours; default 10. Reaching it needs an operator.
	// Withheld ones do not count, for an outage of Google must not drive a fleet
	// to its operator.
	Daily int
	// Life is how long an unanswered token counts as outstanding; default 5
	// minutes ("a few minutes", Users.generateAuthenticationToken).
	Life time.Duration
}

// WithDefaults returns l with each zero field at its default.
func (l Limits) WithDefaults() Limits {
	if l.Burst == 0 {
		l.Burst = 3
	}
	if l.BurstWindow == 0 {
		l.BurstWindow = 15 * time.Minute
	}
	if l.Daily == 0 {
		l.Daily = 10
	}
	if l.Life == 0 {
		l.Life = 5 * time.Minute
	}
	return l
}

// Reasons of a refusal by Begin.
const (
	ReasonBurst         = "token-limit"
	ReasonNeedsOperator = "needs-operator"
)

const day = 24 * time.Hour

// Ledger is the mints of one device on one account, oldest first. Its methods
// are pure: they return a new ledger and leave the old one alone.
type Ledger []Mint

// Begin records that a token is asked for. Whatever was outstanding becomes
// Expired or Superseded, so at most one is outstanding (invariant T3). Over a
// limit it returns fault.Exhausted with ReasonBurst and the time to wait, or
// fault.Denied with ReasonNeedsOperator. Mints are dropped once they no longer
// count.
func (l Ledger) Begin(now time.Time, directiveID string, lim Limits) (Ledger, error) {
	lim = lim.WithDefaults()
	var burst, daily int
	oldest := now
	for _, m := range l {
		if now.Sub(m.At) < day && m.State != Withheld {
			daily++
		}
		if now.Sub(m.At) < lim.BurstWindow {
			burst++
			if m.At.Before(oldest) {
				oldest = m.At
			}
		}
	}
	if daily >= lim.Daily {
		return l, fault.New(fault.Denied, ReasonNeedsOperator,
			"this device asked for %d tokens within a day; an operator must release it", daily)
	}
	if burst >= lim.Burst {
		return l, fault.New(fault.Exhausted, ReasonBurst,
			"this device asked for %d tokens within %v; wait before asking again", burst, lim.BurstWindow).
			After(oldest.Add(lim.BurstWindow).Sub(now))
	}
	next := make(Ledger, 0, len(l)+1)
	for _, m := range l.Expire(now) {
		if m.State == Outstanding {
			m.State, m.Ended = Superseded, now
		}
		age := now.Sub(m.At)
		if age < lim.BurstWindow || (age < day && m.State != Withheld) {
			next = append(next, m)
		}
	}
	return append(next, Mint{DirectiveID: directiveID, At: now, Deadline: now.Add(lim.Life), State: Outstanding}), nil
}

// Expire returns the ledger with every outstanding mint whose deadline has come
// marked Expired.
func (l Ledger) Expire(now time.Time) Ledger {
	return l.end(func(m Mint) bool { return !now.Before(m.Deadline) }, Expired, "", now)
}

// Acknowledge records the device's answer to a directive. The device's word holds
// even when the deadline has passed: a late "added" is still added. It reports
// whether a mint changed.
func (l Ledger) Acknowledge(now time.Time, directiveID string, added bool, reason string) (Ledger, bool) {
	for i := len(l) - 1; i >= 0; i-- {
		m := l[i]
		if m.DirectiveID != directiveID {
			continue
		}
		open := m.State == Outstanding || m.State == Expired
		if !open || (m.State == Expired && !added) {
			return l, false
		}
		next := append(Ledger(nil), l...)
		if added {
			m.State = Added
		} else {
			m.State, m.Reason = Failed, reason
		}
		m.Ended = now
		next[i] = m
		return next, true
	}
	return l, false
}

// Abandon marks what is outstanding as Withheld with the given reason.
func (l Ledger) Abandon(now time.Time, reason string) Ledger {
	return l.end(func(Mint) bool { return true }, Withheld, reason, now)
}

// Forgive drops the count, so that the device may ask again at once; the history
// of what is still outstanding is kept.
func (l Ledger) Forgive() Ledger {
	var next Ledger
	for _, m := range l {
		if m.State == Outstanding {
			next = append(next, m)
		}
	}
	return next
}

// Current returns the outstanding mint, if there is one whose deadline has not
// come.
func (l Ledger) Current(now time.Time) (Mint, bool) {
	for _, m := range l {
		if m.State == Outstanding && now.Before(m.Deadline) {
			return m, true
		}
	}
	return Mint{}, false
}

// Usable returns until when a token of the ledger may still add the account, the zero
// time if none may. One that was superseded, or that the device says it failed with,
// may until its deadline for all that is known; one that was added has been spent, and
// one that Google withheld nobody has.
func (l Ledger) Usable(now time.Time) time.Time {
	var until time.Time
	for _, m := range l {
		if m.State != Added && m.State != Withheld && now.Before(m.Deadline) && m.Deadline.After(until) {
			until = m.Deadline
		}
	}
	return until
}

// Last returns the deadline of the last mint, the zero time where there is none.
func (l Ledger) Last() time.Time {
	if len(l) == 0 {
		return time.Time{}
	}
	return l[len(l)-1].Deadline
}

// Due returns the earliest deadline of an outstanding mint, or the zero time.
func (l Ledger) Due() time.Time {
	var due time.Time
	for _, m := range l {
		if m.State == Outstanding && (due.IsZero() || m.Deadline.Before(due)) {
			due = m.Deadline
		}
	}
	return due
}

func (l Ledger) end(when func(Mint) bool, to State, reason string, now time.Time) Ledger {
	changed := false
	next := append(Ledger(nil), l...)
	for i, m := range next {
		if m.State == Outstanding && when(m) {
			m.State, m.Reason, m.Ended = to, reason, now
			next[i], changed = m, true
		}
	}
	if !changed {
		return l
	}
	return next
}
