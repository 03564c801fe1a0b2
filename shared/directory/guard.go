package directory

import "fmt"

// Breach is one reason for which a run waits for an admin.
type Breach struct {
	Reason string `json:"reason"`
	// Text tells a person what was found, with the figures.
	Text string `json:"text"`
}

// The reasons of breaches.
const (
	BreachEmpty       = "nobody-listed"
	BreachDrop        = "too-few-listed"
	BreachGoogleEmpty = "no-google-account-listed"
	BreachGoogleDrop  = "too-few-google-accounts-listed"
	BreachWithdraw    = "too-many-withdrawals"
	BreachDelete      = "too-many-deletions"
	BreachIncomplete  = "incomplete"
)

// IncompleteUnidentified is the Incomplete of a run that met entries without an
// id. It is no breach, for one bad entry stops nothing (invariant D8); but nobody's
// absence means anything.
const IncompleteUnidentified = "unidentified-entries"

// The defaults of a Guard.
const (
	DefaultPopulation      = 100
	DefaultDropPercent     = 20
	DefaultWithdrawPercent = 20
	DefaultDeletePercent   = 5
)

// Judge returns why a run is not believed; empty is that it is (invariant D5). A
// run that lists nobody, or nobody of those who were listed before, never is,
// however few there were.
func (g Guard) Judge(r Run) []Breach {
	var out []Breach
	breach := func(reason, format string, args ...any) {
		out = append(out, Breach{reason, fmt.Sprintf(format, args...)})
	}
	c := r.Counts
	if r.Incomplete != "" && r.Incomplete != IncompleteUnidentified {
		breach(BreachIncomplete, "what was read is not all of the directory (%s), so nobody's absence means anything", r.Incomplete)
	}
	switch {
	case c.Listed == 0 && !(r.Incremental && c.Before == 0):
		breach(BreachEmpty, "the directory lists nobody; last time it listed %d", c.Before)
	case r.Incremental:
	case g.dropped(c.Listed, c.Before):
		breach(BreachDrop, "the directory lists %d people; last time it listed %d", c.Listed, c.Before)
	case c.Before > 1 && c.Absent >= c.Before:
		breach(BreachDrop, "the directory lists none of the %d people whom it listed last time", c.Before)
	}
	if !r.SkipGoogle && c.GoogleBefore > 0 {
		switch {
		case c.GoogleListed == 0:
			breach(BreachGoogleEmpty, "Google lists no account; last time it listed %d", c.GoogleBefore)
		case g.dropped(c.GoogleListed, c.GoogleBefore):
			breach(BreachGoogleDrop, "Google lists %d accounts; last time it listed %d", c.GoogleListed, c.GoogleBefore)
		}
	}
	if limit, ok := g.limit(g.Withdraw, DefaultWithdrawPercent, c.Before); ok && c.Withdraws > limit {
		breach(BreachWithdraw, "%d of %d people would lose their access; %d may in one run", c.Withdraws, c.Before, limit)
	}
	if limit, ok := g.limit(g.Delete, DefaultDeletePercent, c.Before); ok && c.Deletes > limit {
		breach(BreachDelete, "%d Google accounts would be deleted; %d may be in one run", c.Deletes, limit)
	}
	return out
}

func (g Guard) population() int {
	if g.Population == 0 {
		return DefaultPopulation
	}
	return g.Population
}

func (g Guard) dropped(now, before int) bool {
	percent := g.DropPercent
	if percent == 0 {
		percent = DefaultDropPercent
	}
	return before >= g.population() && (before-now)*100 > before*percent
}

// limit returns how many may be taken, and whether there is a limit.
func (g Guard) limit(l Limit, percent, before int) (int, bool) {
	if l.Percent != 0 {
		percent = l.Percent
	}
	n, ok := 0, false
	if before >= g.population() {
		n, ok = before*percent/100, true
	}
	if l.Count > 0 && (!ok || l.Count < n) {
		n, ok = l.Count, true
	}
	return n, ok
}

// HintAllowed counts one withdrawal by a notification, and reports whether it may
// be done at once: what exceeds a run's limit is left to the next run, which has
// all of it judged together. day is the day in UTC, as 2006-01-02.
func (c Config) HintAllowed(s State, day string) (State, bool) {
	if s.Hints.Day != day {
		s.Hints = Hints{Day: day}
	}
	limit, ok := c.Guard.limit(c.Guard.Withdraw, DefaultWithdrawPercent, s.People)
	if ok && s.Hints.Withdrawn >= limit {
		return s, false
	}
	s.Hints.Withdrawn++
	return s, true
}
