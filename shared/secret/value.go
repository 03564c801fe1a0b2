// Package secret keeps what must never be seen: a Value redacts itself wherever
// it is printed, logged or marshalled, and a Store holds values by name.
//
// This package depends on fault alone, so that domain packages may use Value.
// The backends are in secret/file (one machine) and secret/secretmanager
// (Google).
package secret

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Value shows of itself.
const Redacted = "[redacted]"

// Value is a secret: a password, a token, a private key. Its zero value is
// empty. It is safe to print, log and marshal: every such path shows Redacted,
// or an address where a printer reaches it through an unexported field. Only
// Reveal and Bytes return the content. It is immutable and safe for concurrent
// use. It cannot be compared with == or reflect.DeepEqual; use Equal, as cmp does.
type Value struct {
	// A function, because printers call no method on an unexported field but
	// read it by reflection: fmt would print a string, and cmp follow a pointer.
	reveal func() string
}

// New returns a Value that holds s.
func New(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{reveal: func() string { return s }}
}

// NewBytes returns a Value that holds a copy of b.
func NewBytes(b []byte) Value { return New(string(b)) }

// Reveal returns the content, for the one place that needs it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Bytes returns a copy of the content.
func (v Value) Bytes() []byte { return []byte(v.Reveal()) }

// Empty reports whether there is no content.
func (v Value) Empty() bool { return v.Reveal() == "" }

// Equal compares in constant time for contents of equal length.
func (v Value) Equal(o Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(o.Reveal())) == 1
}

// Format writes Redacted whatever the verb and flags, for String alone leaves
// the verbs that are not for strings, such as %d, to reflection.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String returns Redacted.
func (v Value) String() string { return Redacted }

// GoString returns Redacted.
func (v Value) GoString() string { return Redacted }

// LogValue returns Redacted.
func (v Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns Redacted.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON returns Redacted as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// Store keeps secret values by name. Implementations may be called concurrently.
//
// A name is 1 to 200 characters of [A-Za-z0-9_-] (Secret Manager's secret ids,
// less the longest ones); any other name is fault.Invalid.
type Store interface {
	// Access returns the newest value; a missing name is fault.NotFound.
	Access(ctx context.Context, name string) (Value, error)
	// Put stores v as the newest value of name, creating the name if need be.
	// When it returns nil the value is durable. An empty value is fault.Invalid;
	// so is one over 64 KiB (Secret Manager's bound on a payload).
	Put(ctx context.Context, name string, v Value) error
	// Delete removes the name and every value it had; a missing name is no error.
	Delete(ctx context.Context, name string) error
}
