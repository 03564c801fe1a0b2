package agent

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Play is the device's side of Google Play: on Android, the device policy
// controller's support library and the AccountManager. An Agent calls one method
// at a time.
//
// An error of AddAccount or RemoveAccount may have a reason of [A-Z0-9_]{1,64}, such as
// the name of the library's error, as a fault or by a method Reason() string, and a
// method Detail() string for the operator; nothing else of it leaves the device.
type Play interface {
	// AddAccount adds a managed account by a single-use token and returns its
	// name as Accounts gives it. When it returns, Accounts lists the account.
	AddAccount(ctx context.Context, token secret.Value) (name string, err error)
	// RemoveAccount removes an account. One that is not there is no error.
	RemoveAccount(ctx context.Context, name string) error
	// Accounts returns every managed account on the device, at most 20.
	Accounts(ctx context.Context) ([]protocol.Account, error)
}

// Reasons that an agent gives for an error of Play that has none of its own.
const (
	ReasonAddFailed    = "ADD_ACCOUNT_FAILED"
	ReasonRemoveFailed = "REMOVE_ACCOUNT_FAILED"
	// ReasonUnnamed: AddAccount gave no name of 1 to 254 characters.
	ReasonUnnamed = "ACCOUNT_UNNAMED"
)

var reasonPattern = regexp.MustCompile(`^[A-Z0-9_]{1,64}$`)

// failure turns an error of Play or Mail into an outcome that the server takes.
// Whatever the error says, what is to be hidden is not in it.
func failure(directiveID string, err error, reason string, hide []string) protocol.Outcome {
	o := protocol.Outcome{DirectiveID: directiveID, Result: protocol.Failed, Reason: reason}
	if own := scrub(ownReason(err), hide); reasonPattern.MatchString(own) {
		o.Reason = own
	}
	var more interface{ Detail() string }
	if errors.As(err, &more) {
		o.Detail = clip(scrub(more.Detail(), hide), 256)
	}
	return o
}

// ownReason returns the reason that an error gives, or "".
func ownReason(err error) string {
	var own interface{ Reason() string }
	if errors.As(err, &own) {
		return own.Reason()
	}
	return fault.ReasonOf(err)
}

// clip returns s without control characters and with at most n characters.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n])
	}
	return s
}

// shortSecret is the length in bytes below which a secret would be told by the gaps
// that hiding it leaves in a text.
const shortSecret = 12

// scrub returns s with every one of the hidden texts replaced, and nothing of s where it
// has a short one.
func scrub(s string, hide []string) string {
	for _, h := range hide {
		if h != "" && len(h) < shortSecret && strings.Contains(s, h) {
			return secret.Redacted
		}
		if h != "" {
			s = strings.ReplaceAll(s, h, secret.Redacted)
		}
	}
	return s
}
