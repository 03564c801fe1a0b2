package imap

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Reasons of the faults that Check returns.
const (
	// ReasonToken (Denied): the server does not take the token for this mailbox.
	ReasonToken = "imap-token"
	// ReasonScope (Denied): the token's scope does not cover mail.
	ReasonScope = "imap-scope"
	// ReasonOff (Denied): IMAP is turned off for the mailbox or its domain.
	ReasonOff = "imap-off"
	// ReasonMechanism (Permanent): the server does not offer XOAUTH2.
	ReasonMechanism = "imap-mechanism"
	// ReasonBusy (Exhausted): too many connections to the mailbox.
	ReasonBusy = "imap-busy"
	// ReasonServer (Transient): the server failed, or its answer made no sense.
	ReasonServer = "imap-server"
	// ReasonNetwork (Transient): the server was not reached.
	ReasonNetwork = "imap-network"
	// ReasonCertificate (Permanent): the server's certificate is not its.
	ReasonCertificate = "imap-certificate"
)

// Refusal is the JSON in which a server says why it does not take a token (Gmail's
// page on XOAUTH2; RFC 7628, section 3.2.2).
type Refusal struct {
	Status  string `json:"status"`
	Schemes string `json:"schemes"`
	Scope   string `json:"scope"`
}

// status is what a status looks like: an HTTP status or a word of RFC 6750. Anything
// else is text, which may quote what was sent.
var status = pattern.New(`^([1-5][0-9]{2}|invalid_request|invalid_token|insufficient_scope)$`)

// ParseRefusal reads a challenge that is a refusal; what is none is an empty one.
// Members that may hold anything are left out.
func ParseRefusal(challenge []byte) Refusal {
	var r Refusal
	if json.Unmarshal(challenge, &r) != nil || !status.MatchString(r.Status) {
		return Refusal{}
	}
	return Refusal{Status: r.Status}
}

// Fault tells the refusal in words.
func (r Refusal) Fault() *fault.Error {
	cause := errors.New("XOAUTH2 refused")
	if r.Status != "" {
		cause = errors.New("XOAUTH2 refused with status " + r.Status)
	}
	switch {
	case r.Status == "403" || r.Status == "insufficient_scope":
		return fault.Wrap(cause, fault.Denied, ReasonScope,
			"The mail server takes the token, but not for mail: its scope is another one; grant and ask for https://mail.google.com/ or gmail.imap_admin.")
	case strings.HasPrefix(r.Status, "5"):
		return fault.Wrap(cause, fault.Transient, ReasonServer, "The mail server has a fault at the moment.")
	default:
		return fault.Wrap(cause, fault.Denied, ReasonToken,
			"The mail server does not take the token for this mailbox: it has ended, is another mailbox's, or has another scope; or there is no such mailbox.")
	}
}
