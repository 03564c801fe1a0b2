// Package store keeps Rollcall's records. A Driver is a dumb store of JSON
// documents with closure transactions; validation and state machines live in
// the domain packages, never here. The drivers are in store/embedded (bbolt) and
// store/firestore; both pass store/storetest.
package store

import (
	"context"
	"encoding/json"
	"time"
)

// Kind names a collection of documents, such as "devices": 1 to 100 of the
// characters A-Z a-z 0-9 _ - and not of the form "__…__".
type Kind string

// Key names one document. An ID is 1 to 500 bytes of printable ASCII without
// '/', and is neither "." nor ".." nor of the form "__…__" (Firestore's rules);
// any other is fault.Invalid.
type Key struct {
	Kind Kind
	ID   string
}

// Document is one stored record.
type Document struct {
	Key Key
	// Body is a JSON object of at most 900 KiB (MaxBody, else fault.TooLarge).
	// Integers within ±2^53 survive; the order of members need not. It nests at
	// most MaxDepth levels, holds no array directly within an array, and no
	// member whose name is empty or of the form "__…__" (Firestore's rules, held
	// by every driver; else fault.Invalid).
	Body json.RawMessage
	// Index holds the values by which Find finds the document. A document without
	// a field is not found by that field. Values compare bytewise, so times are
	// written in a fixed-width form (Timestamp) and numbers zero-padded. There are
	// at most 50 fields, named with 1 to 100 of A-Z a-z 0-9 _ - . and not of the
	// form "__…__"; a value is at most 1000 bytes of UTF-8 without NUL.
	Index map[string]string
	// Expires lets the store drop the document some time after that moment; the
	// zero time keeps it for ever. Readers must not rely on the dropping. It comes
	// back in UTC, cut to microseconds.
	Expires time.Time
}

// Timestamp renders t so that bytewise order is the order of time.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// Query selects documents of one kind by one index field.
type Query struct {
	Kind Kind
	// Field is the index field; empty selects every document of the kind, in
	// order of ID, and From, To must then be empty.
	Field string
	// From and To bound the field's value: From <= value < To. An empty bound is
	// open. For equality use Equal.
	From, To string
	// After continues behind the document at which an earlier page ended: it is
	// the Cursor of that page's last document. Empty starts at the beginning.
	After Cursor
	// Limit is the largest number of documents to return, 1 to 1000.
	Limit int
}

// Cursor is a place in the order of a query: the index value and the ID.
type Cursor struct{ Value, ID string }

// IsZero reports whether the cursor is the beginning.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// Equal returns a query for the documents whose field has exactly value.
func Equal(kind Kind, field, value string, limit int) Query {
	return Query{Kind: kind, Field: field, From: value, To: value + "\x00", Limit: limit}
}

// Driver is a store of documents. It may be called concurrently. Errors are
// *fault.Error: NotFound for a missing document; Transient where trying again
// may help; Exhausted with reason "store-full" where the disk is full
// (nothing acknowledged is lost); Permanent where an operator must act.
type Driver interface {
	// Get returns one document as last committed, or fault.NotFound.
	Get(ctx context.Context, key Key) (Document, error)
	// Find returns the documents that q selects, ordered by the field's value
	// and then by ID, and no more than q.Limit of them. It sees every update that
	// was committed before it was called.
	Find(ctx context.Context, q Query) ([]Document, error)
	// Update runs fn in one serialisable transaction: all of fn's writes become
	// durable together when Update returns nil, and none does when fn returns an
	// error (which Update returns as it is). When Update itself fails, all hold or
	// none: fault.Transient may hide a commit whose answer was lost, so that the
	// caller reads again or repeats a closure that bears it. fn may run several
	// times, also after a run whose writes were thrown away, so it must have no
	// effect outside the transaction but through variables that it sets anew on
	// each run. It may run on another goroutine; its panic reaches the caller of
	// Update. fn must not call the Driver.
	Update(ctx context.Context, fn func(Txn) error) error
	// Close releases the store. Calls under way may fail.
	Close() error
}

// Sweeper is a Driver that has to be told to drop what expired; Firestore does by
// itself. It may be called concurrently.
type Sweeper interface {
	// Sweep drops up to limit documents that expired at or before now, and returns
	// how many it dropped. It is called again while it returns limit.
	Sweep(ctx context.Context, now time.Time, limit int) (dropped int, err error)
}

// Txn is a transaction under way. It must not be used by several goroutines nor
// after its closure has returned. It writes at most MaxWrite documents
// (fault.Permanent) with MaxCommit bytes of bodies (fault.TooLarge). A write that
// was refused fails the whole Update, also when the closure overlooks the error.
type Txn interface {
	// Get returns the document as of this transaction, or fault.NotFound. All
	// reads come before the first write; a read after one is fault.Permanent
	// with reason "read-after-write", on every backend.
	Get(key Key) (Document, error)
	// Put creates or replaces a document. doc is the caller's again afterwards. Of
	// several writes of one document the last one holds.
	Put(doc Document) error
	// Delete removes a document; a missing one is no error.
	Delete(key Key) error
}
