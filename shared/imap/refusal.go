package imap

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Refusal is the JSON in which a server says why it does not take a token (Gmail's
// page on XOAUTH2; RFC 7628, section 3.2.2). Its other members, schemes and scope,
// say what the server wants and not what is wrong.
type Refusal struct {
	// Status is an HTTP status or a word of RFC 6750; empty is unknown.
	Status string `json:"status"`
}

// status is what a status looks like. Anything else is text, which may quote what
// was sent.
var status = pattern.New(`^([1-5][0-9]{2}|invalid_request|invalid_token|insufficient_scope)$`)

// ParseRefusal reads a challenge, without its base64, that is a refusal; what is
// none is an empty one.
func ParseRefusal(challenge []byte) Refusal {
	var r Refusal
	if json.Unmarshal(challenge, &r) != nil || !status.MatchString(r.Status) {
		return Refusal{}
	}
	return r
}

// Fault tells the refusal in words: ReasonScope, ReasonServer or ReasonToken.
func (r Refusal) Fault() *fault.Error {
	cause := errors.New("XOAUTH2 refused")
	if r.Status != "" {
		cause = errors.New("XOAUTH2 refused with status " + r.Status)
	}
	switch {
	case r.Status == "403" || r.Status == "insufficient_scope":
		return fault.Wrap(cause, fault.Permanent, ReasonScope,
			"The mail server knows the token, but its scope does not cover mail: it must be https://mail.google.com/ or https://www.googleapis.com/auth/gmail.imap_admin. Grant one of them under domain-wide delegation and ask for that one.")
	case strings.HasPrefix(r.Status, "5"):
		return fault.Wrap(cause, fault.Transient, ReasonServer, "The mail server has a fault at the moment. Try again later.")
	default:
		return fault.Wrap(cause, fault.Permanent, ReasonToken,
			"The mail server does not take the token for this mailbox: it has ended or was revoked, is another mailbox's, or has another scope than https://mail.google.com/ or https://www.googleapis.com/auth/gmail.imap_admin; or there is no such mailbox. Get a new token for exactly this address.")
	}
}
