package directory

import (
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
	// for an account that was not listed: with Google, for another one that the
	// person had before. GoogleOnly does not use them.
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

// The words of Person.Problems that Decide gives.
const (
	ProblemNoMail     = "no-mail"
	ProblemSharedMail = "shared-mail" // several people have the address
)

// The words of Person.Problems that are about the person's Google account, in
// ReadWrite. Decide leaves them to AccountSteps and whoever does the steps.
const (
	ProblemNameTooLong   = "name-too-long"   // Google takes 40 characters
	ProblemNameMissing   = "name-missing"    // Google wants given and family name
	ProblemName          = "name-refused"    // by Google, for a reason of its own
	ProblemAdministrator = "administrator"   // never suspended or deleted (invariant D9)
	ProblemSuspended     = "suspended-there" // suspended or archived at Google by somebody else
	ProblemAddressTaken  = "address-taken"   // a user, an alias or a group has it
	ProblemAddress       = "address-refused" // Google cannot make it a primary address
	ProblemOutOfScope    = "out-of-scope"    // the account is, or would be, one that is not to be touched
	ProblemOrgUnit       = "org-unit-missing"
	ProblemHash          = "hash-unsupported"
	ProblemLimit         = "google-limit"   // of licences, aliases and the like
	ProblemRefused       = "google-refused" // for what Google alone knows
	ProblemSignOut       = "not-signed-out" // suspended, and sessions may last for a while
)
