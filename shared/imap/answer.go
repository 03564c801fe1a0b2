package imap

import (
	"errors"
	"slices"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// knownTexts are texts of refusals for which servers have no code: Gmail sends them
// with ALERT or without any. They are looked for and never repeated.
var knownTexts = []struct {
	text string
	told told
}{
	{"not enabled for imap use", off},
	{"imap access is disabled", off},
	{"too many simultaneous connections", busy},
	{"maximum number of connections", busy}, // Dovecot's mail_max_userip_connections
	{"exceeded command or bandwidth limits", busy},
	{"web login required", atBrowser},
	{"log in via your web browser", atBrowser},
	{"temporary system", failing},
}

// knownCodes are the response codes that say what is wrong (RFC 5530, section 3, and
// Gmail's WEBALERT).
var knownCodes = map[goimap.ResponseCode]told{
	goimap.ResponseCodeAuthorizationFailed: otherMailbox,
	goimap.ResponseCodeLimit:               busy,
	goimap.ResponseCodeInUse:               busy,
	goimap.ResponseCodeOverQuota:           busy,
	goimap.ResponseCodeUnavailable:         failing,
	goimap.ResponseCodeServerBug:           failing,
	goimap.ResponseCodeContactAdmin:        refusing,
	"WEBALERT":                             atBrowser,
}

// told is what a refusal is told as.
type told struct {
	kind           fault.Kind
	reason, public string
}

var (
	off = told{fault.Permanent, ReasonOff,
		"IMAP is turned off for this mailbox. Turn it on in Google's admin console under Apps, Google Workspace, Gmail, End User Access, POP and IMAP access; the person may have turned it off too, in Gmail's settings under Forwarding and POP/IMAP."}
	busy = told{fault.Exhausted, ReasonBusy,
		"The mailbox has too many connections, or its limit of traffic is reached: Gmail takes 15 connections at once. Let the mail server keep fewer open, and try again later."}
	atBrowser = told{fault.Permanent, ReasonRefused,
		"The mail server wants the person to sign in with a browser first: Google has locked the account or found the sign-in suspicious. Look at the account in Google's admin console."}
	failing = told{fault.Transient, ReasonServer, "The mail server has a fault at the moment. Try again later."}

	otherMailbox = told{fault.Permanent, ReasonMailbox,
		"The mail server takes the token, but not for this mailbox: it is another person's. Get a token with exactly this address as its subject."}
	refusing = told{fault.Permanent, ReasonRefused,
		"The mail server refuses the sign-in, and not because of the token. Its administrator's log says why."}
	noIMAP = told{fault.Permanent, ReasonProtocol,
		"What listens at this address does not speak IMAP as it should. Check host and port: 993 is usual for TLS, 143 for STARTTLS."}
)

func (t told) because(cause string) *fault.Error {
	return fault.Wrap(errors.New(cause), t.kind, t.reason, "%s", t.public)
}

// refused tells a NO, BAD or BYE in words. refusal is what the server said of the
// token before it, nil if nothing.
func refused(answer *goimap.Error, refusal *Refusal) *fault.Error {
	text := strings.ToLower(answer.Text)
	for _, known := range knownTexts {
		if strings.Contains(text, known.text) {
			return known.told.because(outline(answer))
		}
	}
	if known, ok := knownCodes[answer.Code]; ok {
		return known.because(outline(answer))
	}
	switch {
	case refusal != nil:
		return refusal.Fault()
	case answer.Code == goimap.ResponseCodeAuthenticationFailed, answer.Code == goimap.ResponseCodeExpired:
		return Refusal{}.Fault()
	case answer.Type == goimap.StatusResponseTypeNo:
		return refusing.because(outline(answer))
	case answer.Type == goimap.StatusResponseTypeBye:
		return failing.because(outline(answer))
	default:
		return noIMAP.because(outline(answer))
	}
}

// outline is what an answer was without what the server put into it.
func outline(answer *goimap.Error) string {
	if _, ok := knownCodes[answer.Code]; ok || slices.Contains(plainCodes, answer.Code) {
		return string(answer.Type) + " [" + string(answer.Code) + "]"
	}
	return string(answer.Type)
}

// plainCodes are more codes that may be shown.
var plainCodes = []goimap.ResponseCode{
	goimap.ResponseCodeAlert, goimap.ResponseCodeAuthenticationFailed, goimap.ResponseCodeExpired, goimap.ResponseCodePrivacyRequired,
}
