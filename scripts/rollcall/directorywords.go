package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
)

// actionWord says what an action means for a person.
type actionWord struct {
	action  directory.Action
	meaning string
}

// actions are all actions in the order of a report, those that take something first.
var actions = []actionWord{
	{directory.Leave, "left: access is withdrawn, accounts are deleted after the grace"},
	{directory.Disable, "locked in the directory: access is withdrawn"},
	{directory.DeleteAccount, "the Google account is deleted"},
	{directory.CloseAccount, "the Google account is suspended"},
	{directory.Miss, "not listed, and nothing confirms that they left: nothing changes"},
	{directory.Add, "new: may enroll devices from now on"},
	{directory.Return, "is back"},
	{directory.Enable, "unlocked in the directory: access is back"},
	{directory.Update, "changed in the directory"},
	{directory.Link, "a Google account is found to be the person's"},
	{directory.Unlink, "the person's Google account is gone"},
	{directory.Mirror, "changed at Google"},
	{directory.CreateAccount, "a Google account is made"},
	{directory.RestoreAccount, "the deleted Google account is restored"},
	{directory.OpenAccount, "the Google account is opened again"},
	{directory.RenameAccount, "the Google account gets another address"},
	{directory.UpdateAccount, "the Google account gets other names"},
	{directory.MoveAccount, "the Google account goes to another organizational unit"},
	{directory.SendHash, "the password's hash is sent to Google"},
}

// counted returns the actions of a count in the order of a report; what this
// rollcall does not know comes last.
func counted(n map[directory.Action]int) []actionWord {
	var out []actionWord
	left := maps.Clone(n)
	for _, a := range actions {
		if n[a.action] > 0 {
			out = append(out, a)
		}
		delete(left, a.action)
	}
	for _, a := range slices.Sorted(maps.Keys(left)) {
		out = append(out, actionWord{action: a})
	}
	return out
}

// actionCounts writes the numbers by action on one line.
func actionCounts(n map[directory.Action]int) string {
	var parts []string
	for _, a := range counted(n) {
		word := string(a.action)
		if a.action == directory.Miss {
			word = "not listed"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n[a.action], word))
	}
	return join(parts)
}

// why says what a step follows from.
func why(s directory.Step, f directory.Facts, key string) string {
	switch s.Action {
	case directory.Add:
		return "new in the directory"
	case directory.Update:
		return "changed in the directory"
	case directory.Disable:
		return "locked in the directory"
	case directory.Enable:
		return "no longer locked in the directory"
	case directory.Miss, directory.Leave:
		return findings[f.EntryGone]
	case directory.Return:
		return "listed again"
	case directory.Link:
		if f.Google != nil && f.Google.Owner == key {
			return "Rollcall made the account for this person"
		}
		return "the account has this person's address"
	case directory.Unlink:
		return findings[f.GoogleGone]
	case directory.Mirror:
		return "changed at Google"
	case directory.CreateAccount:
		return "the person has none"
	case directory.RestoreAccount:
		return "deleted not long ago, and the person is there"
	case directory.OpenAccount:
		return "Rollcall suspended it, and the person is active"
	case directory.CloseAccount:
		return "the person is locked or left"
	case directory.DeleteAccount:
		return "the person left, and the days are over"
	case directory.MoveAccount:
		return "the rule for the person's unit"
	case directory.RenameAccount, directory.UpdateAccount, directory.SendHash:
		return "as the directory has it"
	}
	return ""
}

var findings = map[directory.Finding]string{
	directory.Unlisted:    "not listed; not asked for yet",
	directory.Unconfirmed: "not listed, yet still there, or nobody could say",
	directory.Absent:      "not there any more, as its directory confirms",
	directory.OutOfScope:  "still there, but outside what is asked for",
}

// problemWords explain the words of problems.
var problemWords = map[string]string{
	directory.ProblemNoMail:        "the directory has no mail address",
	directory.ProblemSharedMail:    "several people have the address, so no Google account is joined or made by it",
	directory.ProblemNameTooLong:   "Google takes names of 40 characters at most",
	directory.ProblemNameMissing:   "Google wants a given and a family name",
	directory.ProblemAdministrator: "an administrator at Google, who is never suspended or deleted",
	directory.ProblemSuspended:     "suspended at Google by somebody else, so Rollcall does not open it",
	directory.ProblemAddressTaken:  "somebody else has the address at Google",
	directory.ProblemHash:          "Google takes no password hash of this kind",
	ldap.ProblemNoID:               "without a readable immutable id, so it cannot be kept",
	ldap.ProblemTooLong:            "a value is too long, or there are too many; what is over is left out",
	ldap.ProblemNotText:            "a value is no text; it is left out",
	ldap.ProblemBadDN:              "the entry's name is no DN, so its unit is unknown",
	ldap.ProblemBadControl:         "userAccountControl is not a number, so it is unknown whether the person is enabled",
}

// problemText is a problem's word with its explanation.
func problemText(word string) string {
	if text := problemWords[word]; text != "" {
		return word + ": " + text
	}
	return word
}

var modeWords = map[directory.Mode]string{
	directory.LDAPOnly:   "LDAP gives the people; there are no Google accounts",
	directory.ReadOnly:   "LDAP gives the people, Google says who has an account; neither is changed",
	directory.ReadWrite:  "LDAP gives the people, and their Google accounts are made after them",
	directory.GoogleOnly: "Google's directory gives the people",
}

// state is a run's phase with the reason for it.
func state(run directory.Run) string {
	text := string(run.Phase)
	switch {
	case run.Reason != "" && run.Phase.Ended():
		text += " (" + run.Reason + ")"
	case run.Reason != "" && run.Phase != directory.Quarantined:
		text += ", waits (" + run.Reason + ")"
	case run.Incomplete != "" && run.Phase.Ended():
		text += " (incomplete: " + run.Incomplete + ")"
	}
	return text
}

// asking reports whether those who were not listed are still to be asked for, which
// is done after the guard: until then nobody is said to leave.
func asking(run directory.Run) bool {
	return run.Counts.Absent > 0 && run.Incomplete == "" && (run.Phase == directory.Quarantined || run.Kind == directory.DryRun && len(run.Breaches) > 0)
}

// losing says how many people lose their access.
func losing(run directory.Run) string {
	if asking(run) {
		return fmt.Sprintf("up to %d people; who is absent is asked for after approval", run.Counts.Withdraws)
	}
	if run.Counts.Withdraws == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", run.Counts.Withdraws)
}

// named is a name with the address behind it.
func named(name, mail, id string) string {
	switch {
	case name == "" || strings.EqualFold(name, mail):
		name = mail
	case mail != "":
		name += " <" + mail + ">"
	}
	if name == "" {
		return id
	}
	return name
}
