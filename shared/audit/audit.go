// Package audit defines the append-only trail: one record for every admin action
// and every change of state that matters to an auditor (invariant E5).
package audit

import "time"

// OK is the result of what succeeded; a refusal or failure has its reason word
// there instead.
const OK = "ok"

// Record says who did what, on whom, when, and with what result. It never holds
// a secret or more personal data than the subject's directory id. A stored
// record is never changed.
type Record struct {
	// ID is unique; it carries no order.
	ID         string    `json:"id"`
	Enterprise string    `json:"enterprise"`
	At         time.Time `json:"at"`
	// Actor is "device:ID", "mail-client:ID", "admin:EMAIL", "system:FUNCTION" or
	// "unknown".
	Actor string `json:"actor"`
	// Action is a dotted word such as "token.request".
	Action string `json:"action"`
	// Target is what was acted on, as "device:ID", "account:ID" and so on.
	Target string `json:"target"`
	// Result is OK or a reason word in kebab-case.
	Result string `json:"result"`
	// Detail is a short text for people; may be empty.
	Detail string `json:"detail,omitempty"`
	// Subjects stand for those whom a record of many concerns: each is a digest, which
	// whoever knows the person or the mailbox can make; see mailclient.Digest.
	Subjects []string `json:"subjects,omitempty"`
}
