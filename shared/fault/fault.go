// Package fault classifies errors once, so that every edge (HTTP, Pub/Sub,
// command line) decides from the same closed set of kinds instead of from text.
//
// An Error carries two texts that never mix: Public, which a caller may read,
// and the wrapped cause, which only the operator's log may show.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure happened, and so what the caller may do next.
type Kind int

// The closed set of kinds. Unknown is what an unclassified error has; it is
// treated as Transient towards Pub/Sub and as a defect towards HTTP.
const (
	Unknown      Kind = iota
	Invalid           // the input is wrong; Field names the member
	Unauthorized      // who asks is not proven
	Denied            // who asks is known and may not
	NotFound          // the thing is not there
	Conflict          // the thing is not in the state that the call needs
	TooLarge          // the body is over its bound
	Exhausted         // a limit or quota is used up; RetryAfter says how long
	Transient         // it may work when tried again; RetryAfter may say when
	Permanent         // a peer refused for good; an operator must act
)

var kindNames = [...]string{
	"unknown", "invalid", "unauthorized", "denied", "not found", "conflict",
	"too large", "exhausted", "transient", "permanent",
}

// String returns the kind's name in lower case, for logs and audit records.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is a classified failure. It is immutable once returned and safe for
// concurrent use.
type Error struct {
	Kind Kind
	// Reason is a stable word in kebab-case that programs may switch on, such
	// as "device-limit"; empty where the kind alone says enough.
	Reason string
	// Public is a sentence for the caller: what is wrong and what to do next.
	// It never holds a secret or personal data.
	Public string
	// Field is the JSON path of the offending member, for Invalid only.
	Field string
	// RetryAfter is how long to wait before trying again; zero is unknown.
	RetryAfter time.Duration
	// Err is the private cause; it never reaches a caller. May be nil.
	Err error
}

// Error returns public text and private cause, for the operator's log only.
func (e *Error) Error() string {
	s := e.Public
	if s == "" {
		s = e.Kind.String()
	}
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the given kind whose public text is made from format.
func New(k Kind, reason, format string, args ...any) *Error {
	return &Error{Kind: k, Reason: reason, Public: fmt.Sprintf(format, args...)}
}

// Wrap returns an error of the given kind around a private cause.
func Wrap(err error, k Kind, reason, format string, args ...any) *Error {
	e := New(k, reason, format, args...)
	e.Err = err
	return e
}

// Field returns an Invalid error that names the JSON path of the bad member.
func Field(path, format string, args ...any) *Error {
	e := New(Invalid, "invalid-field", format, args...)
	e.Field = path
	return e
}

// After returns a copy of e that says how long to wait.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// As returns the outermost Error in err's chain, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf returns the kind of the outermost Error in err's chain. A cancelled or
// timed-out context is Transient; any other unclassified error is Unknown.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Transient
	}
	return Unknown
}

// ReasonOf returns the stable word of the outermost Error in err's chain, or "".
func ReasonOf(err error) string {
	if e := As(err); e != nil {
		return e.Reason
	}
	return ""
}

// Redeliver reports whether an event whose handler returned err should come
// again. Only failures that time can mend are worth another delivery; the rest
// are recorded and acknowledged (invariant E2).
func Redeliver(err error) bool {
	if err == nil {
		return false
	}
	switch KindOf(err) {
	case Transient, Exhausted, Unknown:
		return true
	default:
		return false
	}
}
