package password

import (
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Outcome is what a failed attempt means for the password.
type Outcome string

// The outcomes.
const (
	// Deferred: nobody could have been served; try later, and do not count it.
	Deferred Outcome = "deferred"
	// Counted: it may work when tried again, and counts.
	Counted Outcome = "counted"
	// Permanent: trying again is of no use.
	Permanent Outcome = "permanent"
	// PersonUnknown: Google has no such person.
	PersonUnknown Outcome = "unknown"
)

// Verdict is what Judge makes of an error.
type Verdict struct {
	Outcome Outcome
	// Reason is a word that Text knows, where the error had one.
	Reason     string
	RetryAfter time.Duration
	// Unanswered: the request may still be on its way to Google.
	Unanswered bool
}

// Settling is how long after an account was made Google may deny that it is there
// or that it may be changed: servers learn of it one after the other.
const Settling = 10 * time.Minute

// everybody lists the words of failures that are about the enterprise's access to
// Google or to its keys and not about one person. An admin mends them; until then
// nobody's password must be given up for them. They are Permanent or Transient
// faults for everyone else, so the kind alone does not tell.
var everybody = []string{
	"google-key", "google-subject", "google-config", "workspace-subject-rights", "workspace-domain",
	"workspace-read-only", ReasonKeyMissing, ReasonKeyUnknown, ReasonKeyDamaged, ReasonOff, ReasonNoDirectory,
}

// aboutEverybody reports whether a word is one of everybody, or of the secret
// store, which has the keys of the whole enterprise; but for what is over by itself.
func aboutEverybody(reason string, kind fault.Kind) bool {
	passes := kind == fault.Transient || kind == fault.Exhausted
	return slices.Contains(everybody, reason) || strings.HasPrefix(reason, "secret") && !passes
}

// unanswered lists the words of calls that may have been sent and were not answered
// by Google itself.
var unanswered = []string{"google-deadline", "google-network", "google-backend", ReasonUnexplained}

// recheck is how long to wait for an admin.
const recheck = time.Hour

// Judge decides on an error of the call that sets a password, or of opening the
// sealed one. Age is how old the Google account is; 0 is unknown. It reads kind,
// reason and wait of fault.Error, as the clients of Google's APIs make them:
//
//   - Transient and Exhausted (google-quota, google-daily-quota,
//     google-local-limit, google-paused, google-backend, google-network,
//     google-deadline, google-token-rejected, google-not-ready) are Deferred; so is
//     what is about the whole enterprise (google-key, google-subject,
//     google-config, google-not-configured, workspace-subject-rights,
//     workspace-domain, the keys and the secret store's refusals), with an hour's
//     wait.
//   - NotFound (google-not-found, workspace-deleted) is PersonUnknown; but Deferred
//     within Settling of the account's creation, as is google-forbidden.
//   - Conflict (google-duplicate) and workspace-unconfirmed are Counted: Google
//     answered, and whether it took the password cannot be read back. So is an error
//     that nobody classified.
//   - Everything else (google-invalid, google-forbidden, google-refused,
//     google-limit-exceeded, workspace-password, workspace-administrator) is
//     Permanent.
func Judge(err error, age time.Duration) Verdict {
	v := Verdict{Outcome: Permanent, Reason: word(fault.ReasonOf(err))}
	if f := fault.As(err); f != nil {
		v.RetryAfter = f.RetryAfter
	}
	settling := age > 0 && age < Settling
	switch kind := fault.KindOf(err); {
	case v.Reason == "workspace-unconfirmed", kind == fault.Conflict, kind == fault.Unknown:
		v.Outcome = Counted
	case aboutEverybody(v.Reason, kind):
		v.Outcome, v.RetryAfter = Deferred, max(v.RetryAfter, recheck)
	case kind == fault.Transient, kind == fault.Exhausted:
		v.Outcome = Deferred
	case settling && (kind == fault.NotFound || v.Reason == "google-forbidden"):
		v.Outcome = Deferred
	case kind == fault.NotFound:
		v.Outcome = PersonUnknown
	}
	v.Unanswered = v.Outcome == Deferred && slices.Contains(unanswered, v.Reason)
	return v
}
