package directory

import (
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Finding is what is known of a record that was not listed.
type Finding string

// The findings.
const (
	Listed Finding = "" // it was listed, or nothing is said of it
	// Unlisted: it was not, and nobody was asked why.
	Unlisted Finding = "unlisted"
	// Unconfirmed: it was not listed, yet it is there, or nobody could say.
	Unconfirmed Finding = "unconfirmed"
	// Absent: its directory says that it is not there, or was deleted.
	Absent Finding = "absent"
	// OutOfScope: it is there, and no longer among those that are asked for.
	OutOfScope Finding = "out-of-scope"
)

// Confirmed reports whether the finding is one to act on.
func (f Finding) Confirmed() bool { return f == Absent || f == OutOfScope }

// Facts are what a run, or a notification, found about one person.
type Facts struct {
	// Entry is what the primary directory says; nil where it says what it said
	// before. EntryAt is when it was asked.
	Entry   *person.Entry `json:"entry,omitempty"`
	EntryAt time.Time     `json:"entryAt,omitzero"`
	// EntryGone is for a person who was not listed.
	EntryGone Finding `json:"entryGone,omitempty"`
	// Google is what Google says of the account beside the entry, and GoogleGone is
	// for an account that was not listed. GoogleOnly does not use them.
	Google     *person.Google `json:"google,omitempty"`
	GoogleAt   time.Time      `json:"googleAt,omitzero"`
	GoogleGone Finding        `json:"googleGone,omitempty"`
	// Unclear: others have the same address, so that nothing is joined by it.
	Unclear bool `json:"unclear,omitzero"`
}

// Action is one kind of thing that a run does.
type Action string

// What happens in Rollcall.
const (
	Add     Action = "add"
	Update  Action = "update"
	Disable Action = "disable" // the directory locked the person: access is withdrawn
	Enable  Action = "enable"
	Miss    Action = "miss"  // not listed; nothing is withdrawn
	Leave   Action = "leave" // confirmed: access is withdrawn, accounts are deleted after the grace
	Return  Action = "return"
	Link    Action = "link" // a Google account is found to be the person's
	Unlink  Action = "unlink"
	Mirror  Action = "mirror" // what Google says of the account changed
)

// What happens at Google, in ReadWrite.
const (
	CreateAccount  Action = "create-account"
	RestoreAccount Action = "restore-account" // deleted at Google not long ago
	UpdateAccount  Action = "update-account"
	RenameAccount  Action = "rename-account"
	MoveAccount    Action = "move-account"
	OpenAccount    Action = "unsuspend-account"
	CloseAccount   Action = "suspend-account"
	DeleteAccount  Action = "delete-account"
	SendHash       Action = "send-password-hash"
)

// Withdraws reports whether the action takes something from a person; the guard
// counts those, and additions alone let none through.
func (a Action) Withdraws() bool {
	switch a {
	case Disable, Leave, CloseAccount, DeleteAccount:
		return true
	}
	return false
}

// AtGoogle reports whether the action is a call to Google.
func (a Action) AtGoogle() bool {
	switch a {
	case CreateAccount, RestoreAccount, UpdateAccount, RenameAccount, MoveAccount, OpenAccount, CloseAccount, DeleteAccount, SendHash:
		return true
	}
	return false
}

// Step is one action with what it changes.
type Step struct {
	Action Action `json:"action"`
	// Fields are the names of the fields that change.
	Fields []string `json:"fields,omitempty"`
	// From and To tell a change of one field; never of a password.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// The words of Person.Problems.
const (
	ProblemNoMail        = "no-mail"
	ProblemSharedMail    = "shared-mail"     // several people have the address
	ProblemNameTooLong   = "name-too-long"   // Google takes 40 characters
	ProblemNameMissing   = "name-missing"    // Google wants given and family name
	ProblemAdministrator = "administrator"   // never suspended or deleted (invariant D9)
	ProblemSuspended     = "suspended-there" // suspended at Google by somebody else
	ProblemAddressTaken  = "address-taken"
	ProblemHash          = "hash-unsupported"
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
	if f.Entry != nil && !f.EntryAt.Before(p.EntryAt) {
		steps = append(steps, c.heed(&p, *f.Entry, f.EntryAt, isNew, now)...)
	}
	if f.EntryGone != Listed && !f.EntryAt.Before(p.EntryAt) {
		steps = append(steps, c.lose(&p, f.EntryGone, now)...)
	}
	if c.Mode.UsesGoogle() && c.Mode != GoogleOnly {
		steps = append(steps, joinGoogle(&p, f)...)
	}
	p.Problems = c.problems(p, f)
	if len(steps) > 0 || !slices.Equal(before.Problems, p.Problems) {
		p.UpdatedAt = now
	}
	return p, steps
}

// heed takes in what the directory says of a person who is there.
func (c Config) heed(p *person.Person, e person.Entry, at time.Time, isNew bool, now time.Time) []Step {
	var steps []Step
	changed := differences(p.Entry, e)
	if e.Enabled == person.Unknown {
		e.Enabled = p.Entry.Enabled // silence changes nothing
	}
	p.Entry, p.EntryAt = e, at
	state := person.Active
	if e.Enabled == person.No {
		state = person.Disabled
	}
	switch {
	case isNew:
		steps = append(steps, Step{Action: Add})
	case p.State == person.Leaving || p.State == person.Gone:
		steps = append(steps, Step{Action: Return, From: string(p.State), To: string(state)})
	case len(changed) > 0:
		steps = append(steps, Step{Action: Update, Fields: changed})
	}
	if p.State == state {
		return steps
	}
	switch {
	case state == person.Disabled:
		steps = append(steps, Step{Action: Disable})
	case p.State == person.Disabled:
		steps = append(steps, Step{Action: Enable})
	case p.State == person.Missing && len(steps) == 0:
		steps = append(steps, Step{Action: Return, From: string(p.State), To: string(state)})
	}
	p.State, p.Since, p.DeleteAt = state, now, time.Time{}
	p.Google.DeleteAt = time.Time{}
	return steps
}

// lose takes in that a person was not listed.
func (c Config) lose(p *person.Person, found Finding, now time.Time) []Step {
	switch {
	case p.State == person.Leaving || p.State == person.Gone:
		return nil
	case found.Confirmed():
		p.State, p.Since, p.DeleteAt = person.Leaving, now, now.Add(c.Leavers.Grace())
		if c.Mode == ReadWrite && c.Google != nil && c.Google.DeleteAfterDays > 0 && p.Google.ID != "" {
			p.Google.DeleteAt = now.AddDate(0, 0, c.Google.DeleteAfterDays)
		}
		return []Step{{Action: Leave, To: string(found)}}
	case p.State == person.Active:
		p.State, p.Since = person.Missing, now
		return []Step{{Action: Miss}}
	}
	return nil
}

// joinGoogle takes in what Google says of the account beside the entry.
func joinGoogle(p *person.Person, f Facts) []Step {
	if f.GoogleAt.Before(p.GoogleAt) {
		return nil
	}
	switch {
	case f.GoogleGone.Confirmed() && p.Google.ID != "" && !p.Google.Deleted:
		p.Google.Deleted, p.GoogleAt = f.GoogleGone == Absent, f.GoogleAt
		if f.GoogleGone == OutOfScope {
			p.Google = person.Google{}
		}
		return []Step{{Action: Unlink, From: p.Google.Mail, To: string(f.GoogleGone)}}
	case f.Google == nil:
		return nil
	case p.Google.ID == "" || p.Google.Deleted && p.Google.ID != f.Google.ID:
		if f.Unclear && f.Google.Owner != p.Key {
			return nil
		}
		p.Google, p.GoogleAt = *f.Google, f.GoogleAt
		return []Step{{Action: Link, To: f.Google.Mail}}
	case p.Google.ID != f.Google.ID:
		return nil // the account that is joined already holds
	}
	g := *f.Google
	if g.Suspended == person.Unknown {
		g.Suspended = p.Google.Suspended
	}
	g.SuspendedByUs = p.Google.SuspendedByUs && g.Suspended == person.Yes
	g.Hash, g.DeleteAt = p.Google.Hash, p.Google.DeleteAt
	changed := googleDifferences(p.Google, g)
	p.Google, p.GoogleAt = g, f.GoogleAt
	if len(changed) == 0 {
		return nil
	}
	return []Step{{Action: Mirror, Fields: changed}}
}

func (c Config) problems(p person.Person, f Facts) []string {
	var out []string
	if p.Entry.Mail == "" {
		out = append(out, ProblemNoMail)
	}
	if f.Unclear {
		out = append(out, ProblemSharedMail)
	}
	return out
}
