package main

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// passwordStates are the states in the order of a report, those that need somebody
// last.
var passwordStates = []password.State{password.Active, password.Pending, password.Leased, password.Retry, password.Failed}

// stateWords say what a state means.
var stateWords = map[password.State]string{
	password.None:    "there is no password; one is made when a device gets a mail setting that signs in with it",
	password.Pending: "made, and not offered to Google yet",
	password.Leased:  "being sent to Google just now",
	password.Retry:   "Google has not taken it yet; it is offered again by itself",
	password.Active:  "Google accepted it; devices may have it",
	password.Failed:  "given up; renew it once the cause is mended",
}

// standing says in words how a password stands.
func (a *app) standing(r passwordRow) string {
	word := string(r.State) + ": "
	switch {
	case r.Waiting:
		return word + "made, and goes to Google when a device of the person that needs it checks in; where there is none, renew it with --now"
	case r.State == password.Pending && a.now().Before(r.NextAt):
		return word + "made, and goes to Google when a device of the person checks in, or at the next try"
	case r.State == password.Pending:
		return word + "made, and goes to Google within minutes"
	case r.State == password.Retry && !r.Deferred.IsZero():
		return word + "Google could not be asked since " + a.both(r.Deferred) + "; it is tried again by itself"
	case r.State == password.Failed:
		return word + "given up"
	}
	return word + cmp.Or(stateWords[r.State], "see the server's release")
}

// version is the version, with the one that Google has where that is another.
func (r passwordRow) version() string {
	switch {
	case r.Version == 0:
		return ""
	case r.Accepted > 0 && r.Accepted != r.Version:
		return fmt.Sprintf("%d (Google has %d)", r.Version, r.Accepted)
	}
	return strconv.Itoa(r.Version)
}

// tries says how many attempts were made of how many.
func (r passwordRow) tries() string {
	switch {
	case r.State == password.None || r.State == password.Active:
		return ""
	case r.MaxAttempts > 0:
		return fmt.Sprintf("%d of %d", r.Attempts, r.MaxAttempts)
	}
	return strconv.Itoa(r.Attempts)
}

// reasonWord is why a password failed, or what went wrong last.
func (r passwordRow) reasonWord() string { return cmp.Or(r.Reason, r.Last) }

// next says when a password is next offered or replaced.
func (a *app) next(r passwordRow) string {
	switch {
	case r.Waiting:
		return "check-in"
	case r.Due.IsZero():
		return ""
	case a.now().Before(r.Due):
		return a.ago(r.Due)
	}
	return "now"
}

// because joins a reason's sentence, in the server's words or else in ours, with its
// word, which logs and lists have.
func because(word, text string) string {
	text = cmp.Or(text, password.Text(word))
	if text == "" {
		return word
	}
	return text + " (" + word + ")"
}
