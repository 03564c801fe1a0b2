package directory

import (
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Decide says what becomes of a person, given what was found, and why. p is the
// person's row; a row without Key is of a person who was not known. It does no
// I/O, so that a dry run and a run decide alike (invariant D6), and is the same
// when it is applied to its own result. What is older than what the row tells is
// left out.
func (c Config) Decide(p person.Person, id string, f Facts, now time.Time) (person.Person, []Step) {
	var steps []Step
	isNew := p.Key == ""
	if isNew {
		if f.Entry == nil {
			return p, nil // an account of nobody
		}
		p = person.Person{Key: person.KeyOf(c.Enterprise, id), Enterprise: c.Enterprise, ID: id,
			State: person.Active, Since: now, Settled: person.Granted, CreatedAt: now, UpdatedAt: now}
	}
	before := p
	if !f.EntryAt.Before(p.EntryAt) {
		if f.Entry != nil {
			steps = append(steps, heed(&p, *f.Entry, isNew, now)...)
			p.EntryAt = f.EntryAt
		} else if f.EntryGone != Listed {
			steps = append(steps, c.lose(&p, f.EntryGone, now)...)
			p.EntryAt = f.EntryAt
		}
	}
	if c.Mode.UsesGoogle() && c.Mode != GoogleOnly && !f.GoogleAt.Before(p.GoogleAt) {
		steps = append(steps, c.join(&p, f, now)...)
	}
	p.Problems = c.problems(p, f)
	if p.State.Access() != before.State.Access() {
		p.Attempts = 0
	}
	if len(steps) > 0 || !slices.Equal(before.Problems, p.Problems) {
		p.UpdatedAt = now
	}
	return p, steps
}

// heed takes in what the directory says of a person who is there.
func heed(p *person.Person, e person.Entry, isNew bool, now time.Time) []Step {
	var steps []Step
	changed := differences(p.Entry, e)
	if e.Enabled == person.Unknown {
		e.Enabled = p.Entry.Enabled // silence changes nothing
	}
	p.Entry = e
	from, to := p.State, person.Active
	if e.Enabled == person.No {
		to = person.Disabled
	}
	switch {
	case isNew:
		steps = append(steps, Step{Action: Add})
	case len(changed) > 0:
		steps = append(steps, Step{Action: Update, Fields: changed})
	}
	if from == to {
		return steps
	}
	switch {
	case from.Access() == person.Granted && to == person.Disabled:
		steps = append(steps, Step{Action: Disable})
	case from == person.Disabled:
		steps = append(steps, Step{Action: Enable})
	default:
		// Who left and is back, though locked, loses nothing by it.
		steps = append(steps, Step{Action: Return, From: string(from), To: string(to)})
	}
	p.State, p.Since, p.DeleteAt, p.Google.DeleteAt = to, now, time.Time{}, time.Time{}
	return steps
}

// lose takes in that a person was not listed.
func (c Config) lose(p *person.Person, found Finding, now time.Time) []Step {
	switch {
	case p.State == person.Leaving || p.State == person.Gone:
		return nil
	case found.Confirmed():
		p.State, p.Since, p.DeleteAt = person.Leaving, now, now.Add(c.Leavers.Grace())
		if p.Google.ID != "" && !p.Google.Deleted {
			p.Google.DeleteAt = c.deleteAt(now)
		}
		return []Step{{Action: Leave, To: string(found)}}
	case p.State == person.Active:
		p.State, p.Since = person.Missing, now
		return []Step{{Action: Miss}}
	}
	return nil
}

// deleteAt is when the Google account of somebody who is found to have left now is
// deleted; the zero time is never.
func (c Config) deleteAt(now time.Time) time.Time {
	if c.Mode != ReadWrite || c.Google == nil || c.Google.DeleteAfterDays == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, c.Google.DeleteAfterDays)
}

// left reports whether the person left, and is not to sign in again.
func left(p person.Person) bool { return p.State == person.Leaving || p.State == person.Gone }

// problems returns what Decide finds, and after it what was noted of the account.
func (c Config) problems(p person.Person, f Facts) []string {
	var out []string
	if p.Entry.Mail == "" {
		out = append(out, ProblemNoMail)
	}
	if f.Unclear {
		out = append(out, ProblemSharedMail)
	}
	if c.Mode == ReadWrite {
		out = append(out, AccountProblems(p)...)
	}
	return out
}

// AccountProblems returns those of a person's problems that are about the Google
// account.
func AccountProblems(p person.Person) []string {
	return slices.DeleteFunc(slices.Clone(p.Problems), func(s string) bool {
		return s == ProblemNoMail || s == ProblemSharedMail
	})
}

// NoteAccount makes words those of a person's problems that are about the Google
// account, and reports whether they were others.
func NoteAccount(p *person.Person, words []string) bool {
	before := AccountProblems(*p)
	slices.Sort(words)
	if words = slices.Compact(words); slices.Equal(before, words) {
		return false
	}
	own := slices.DeleteFunc(slices.Clone(p.Problems), func(s string) bool { return slices.Contains(before, s) })
	p.Problems = append(own, words...)
	return true
}
