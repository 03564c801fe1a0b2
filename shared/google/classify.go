package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Classify returns err as a *fault.Error with one of the reasons above, or nil
// for nil. It knows *googleapi.Error, *oauth2.RetrieveError, network and context
// errors, and answers that are not JSON; an error that is or wraps a
// *fault.Error comes back as that one; anything else is Permanent.
//
// The text of the result is made here from status, known reasons and the names
// of network failures. What the server sent, and the URL that was called, are
// left out: bodies and messages can echo a request, and URLs carry tokens. The
// result wraps context.Canceled and context.DeadlineExceeded, and nothing else
// of err.
//
// A Retry-After that is a date is read against the machine's clock; a Caller
// reads it against its own.
func Classify(err error) error { return classify(err, time.Now) }

func classify(err error, now func() time.Time) error {
	if err == nil {
		return nil
	}
	if f := fault.As(err); f != nil {
		return f
	}
	var api *googleapi.Error
	if errors.As(err, &api) {
		return classifyAPI(api, now())
	}
	var tok *oauth2.RetrieveError
	if errors.As(err, &tok) {
		return classifyToken(tok, now())
	}
	return classifyTransport(err)
}

func classifyTransport(err error) *fault.Error {
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Wrap(context.Canceled, fault.Transient, ReasonDeadline, "The call to Google was given up.")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(context.DeadlineExceeded, fault.Transient, ReasonDeadline, "Google did not answer in time.")
	}
	if text, ok := networkText(err); ok {
		cause := error(errors.New(text))
		if neverSent(err) {
			cause = unsent(cause)
		}
		return fault.Wrap(cause, fault.Transient, ReasonNetwork, "Google cannot be reached at the moment.")
	}
	var syn *json.SyntaxError
	var typ *json.UnmarshalTypeError
	if errors.As(err, &syn) || errors.As(err, &typ) {
		return fault.Wrap(errors.New("answer is not the expected JSON"),
			fault.Transient, ReasonBackend, "Google's answer could not be read.")
	}
	return fault.Wrap(fmt.Errorf("unclassified %T", err), fault.Permanent, ReasonRefused, "The call to Google failed.")
}

// networkText names a network failure in words of the standard library only: a
// protocol error's own text quotes what the peer sent.
func networkText(err error) (string, bool) {
	var op *net.OpError
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	var u *url.Error
	switch {
	case errors.As(err, &dns):
		return "look up " + dns.Name + ": no address", true
	case errors.As(err, &op) && errors.As(err, &errno):
		return op.Op + ": " + errno.Error(), true
	case errors.As(err, &op):
		return op.Op + " failed", true
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection closed", true
	case errors.As(err, &u):
		return fmt.Sprintf("%s: %T", u.Op, u.Err), true
	default:
		return "", false
	}
}

// neverSent reports whether the request cannot have reached Google.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || (errors.As(err, &op) && op.Op == "dial")
}

// unsentError marks a failure before which nothing was sent to the API, so that
// even a call that must not be doubled may be tried again.
type unsentError struct{ err error }

func unsent(err error) error { return &unsentError{err} }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// NothingDone reports whether the failure err proves that Google changed
// nothing: it refused for its limits or for the access token, or the request
// never left. False means that nobody knows. The answer is about errors of
// Classify, Caller and Tokens; for others it is false.
func NothingDone(err error) bool {
	switch fault.ReasonOf(err) {
	case ReasonQuota, ReasonDailyQuota, ReasonLocalLimit, ReasonTokenRejected, ReasonPaused:
		return true
	}
	var u *unsentError
	return errors.As(err, &u)
}
