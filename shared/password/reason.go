package password

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Reasons of this package, for Ledger.Reason and Ledger.Last.
const (
	// ReasonAttempts: the policy's maximum of attempts was reached.
	ReasonAttempts = "password-attempts"
	// ReasonDeferrals: Google could not be asked for longer than the policy allows.
	ReasonDeferrals = "password-deferrals"
	// ReasonUnknownPerson: Google has no account for the person.
	ReasonUnknownPerson = "password-person-unknown"
	// ReasonPersonAway: the directory says that the person left, or is locked.
	ReasonPersonAway = "password-person-away"
	// ReasonOff: the enterprise has no password policy any more.
	ReasonOff = "password-off"
	// ReasonNoDirectory: the enterprise's directory says nothing about Google.
	ReasonNoDirectory = "google-not-configured"
	// ReasonNoAnswer: the worker that had the password did not come back.
	ReasonNoAnswer = "password-no-answer"
	// ReasonUnexplained: the failure had no word.
	ReasonUnexplained = "password-unexplained"
)

// Reasons of the faults of a Sealer and its counterpart that opens.
const (
	// ReasonKeyMissing (Transient): the secret store has no key.
	ReasonKeyMissing = "password-key-missing"
	// ReasonKeyUnknown (Transient): the password was sealed with a key that is not
	// in the key set.
	ReasonKeyUnknown = "password-key-unknown"
	// ReasonKeyDamaged (Transient): what the secret store has is no key set.
	ReasonKeyDamaged = "password-key-damaged"
	// ReasonUnreadable (Permanent): the ciphertext is damaged, or of another
	// enterprise, person or version.
	ReasonUnreadable = "password-unreadable"
)

// texts say to an admin what happened and what to do. The words that begin with
// google- and workspace- are those of the clients of Google's APIs.
var texts = map[string]string{
	ReasonAttempts:      "Google did not accept the password in the number of attempts that the policy allows. See the last error, then renew the password.",
	ReasonDeferrals:     "Google could not be asked for longer than the policy allows. See the last error, then renew the password.",
	ReasonUnknownPerson: "Google has no account for this person. Create it, or let the next directory sync find it; the password is then sent by itself.",
	ReasonPersonAway:    "The directory says that the person left or is locked. The password is sent by itself once the person is back.",
	ReasonOff:           "The enterprise has no password policy any more. Set one, and the password is sent by itself.",
	ReasonNoDirectory:   "The enterprise's directory is not configured for Google. Configure it, and the password is sent by itself.",
	ReasonNoAnswer:      "The attempt ended without an answer; it counts, and another follows.",
	ReasonUnexplained:   "The attempt failed for a reason without a name; see the log.",
	ReasonKeyMissing:    "The key for stored passwords is not in the secret store. Put its last version back, and nothing is lost; where there never was one: rollcall password key --rotate.",
	ReasonKeyUnknown:    "The password was sealed with a key that the key set lacks. Restore the key set's earlier version; nothing is lost.",
	ReasonKeyDamaged:    "The key set for stored passwords cannot be read. Restore its last good version; nothing is lost.",
	ReasonUnreadable:    "The stored password is damaged. Renew it.",

	"google-quota":          "Google asks for fewer calls; the password is sent when there is room.",
	"google-daily-quota":    "Google's daily limit is used up; the password is sent when it begins anew.",
	"google-local-limit":    "The enterprise's share of calls is used up; the password is sent when there is room.",
	"google-paused":         "Calls to Google are paused after too many failures; they begin again by themselves.",
	"google-backend":        "Google has a fault; the password is sent when it is over.",
	"google-network":        "Google cannot be reached; the password is sent when it can.",
	"google-deadline":       "Google did not answer in time; the password is sent again.",
	"google-token-rejected": "Google did not accept the access token; the password is sent with a new one.",
	"google-not-ready":      "Google is still creating the account; the password is sent when it is there.",
	"google-config":         "An API is off or a scope is missing at Google. Change that in Google's console; the password is then sent by itself.",
	"google-not-found":      "Google has no account for this person.",
	"google-duplicate":      "Google answered that the change was made already; it is sent again to be sure.",
	"google-invalid":        "Google says that the request is wrong. Check the person's address, then renew the password.",
	"google-forbidden":      "The service account may not change this person. Grant it the right, then renew the password.",
	"google-limit-exceeded": "A limit of the Google contract is reached. Mend that, then renew the password.",
	"google-refused":        "Google refused in a way that is not known here; see the log, then renew the password.",
	"google-subject":        "The administrator whom Rollcall acts as cannot be impersonated. Name another; the password is then sent by itself.",
	"google-key":            "The service account's key does not work. Import a new one; the password is then sent by itself.",

	"workspace-deleted":        "The person's Google account is deleted; it can be restored for 20 days.",
	"workspace-unconfirmed":    "Google did not say whether it took the password; it is sent again.",
	"workspace-password":       "Google refuses this password. Check that the policy's length is no less than Google's, then renew the password.",
	"workspace-domain":         "The domain is not one of this Google account. Check the directory's configuration; the password is then sent by itself.",
	"workspace-administrator":  "The person is an administrator whom Rollcall may not change. Use an administrator of higher rank, or leave the person out.",
	"workspace-subject-rights": "The administrator whom Rollcall acts as may not administer users. Grant the right; the password is then sent by itself.",
	"workspace-read-only":      "The enterprise's directory is read only. Allow changes, then the password is sent by itself.",
}

// Text returns a sentence for an admin on a reason: what happened and what to do;
// empty for the empty word.
func Text(reason string) string {
	if reason == "" {
		return ""
	}
	if s, ok := texts[reason]; ok {
		return s
	}
	switch reason {
	case "secretmanager", "secretmanager-quota":
		return "The secret store is out of reach for the moment; the password is sent when it is back."
	}
	if strings.HasPrefix(reason, "secret") {
		return "The secret store does not give a key of the enterprise; see the log. Mend that, then the password is sent by itself."
	}
	return texts[ReasonUnexplained]
}

var wordPattern = pattern.New(`^[a-z][a-z0-9-]{0,63}$`)

// word keeps out of the row what is no word: it is shown, logged and audited.
func word(reason string) string {
	if !wordPattern.MatchString(reason) {
		return ReasonUnexplained
	}
	return reason
}
