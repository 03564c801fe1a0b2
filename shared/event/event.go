// Package event carries workflow events between functions. An event is a nudge:
// the row it speaks of is the truth, so a lost, late, doubled or reordered event
// changes nothing in the end (invariant W2).
//
// This package depends on fault alone. The buses are in event/embedded (one
// machine) and event/pubsub (Google Cloud Pub/Sub).
package event

import (
	"context"
	"time"
)

// Topic names a kind of event. Topic names are fixed at compile time.
type Topic string

// The topics. Reconcile, Directory and PasswordSweep are published by schedules
// without payload; Directory with a directory.Command as well. The payload of
// Password is a password.Nudge.
const (
	Provision     Topic = "provision"
	Reconcile     Topic = "reconcile"
	Directory     Topic = "directory"
	Password      Topic = "password"
	PasswordSweep Topic = "passwordsweep"
)

// Topics lists every topic, for set-up and for listing dead letters.
func Topics() []Topic { return []Topic{Provision, Reconcile, Directory, Password, PasswordSweep} }

// Event is one message.
type Event struct {
	// ID is unique for each publication; a redelivery has the same ID.
	ID    string
	Topic Topic
	// Data is the payload, a JSON object of at most 256 KiB; may be empty.
	Data []byte
	// Published is when the bus accepted the event, in UTC.
	Published time.Time
	// Attempt is 1 for the first delivery; 0 where the bus does not say.
	Attempt int
}

// Publisher accepts events. It may be called concurrently.
type Publisher interface {
	// Publish returns the event's id when the bus has made the event durable.
	Publish(ctx context.Context, topic Topic, data []byte) (id string, err error)
}

// Handler does the work of one event. It must be idempotent: an event may come
// twice, late and out of order. An error for which fault.Redeliver is true
// brings the event back; any other is final, and the event is done.
type Handler func(ctx context.Context, e Event) error

// DeadLetter is an event that was given up after its last attempt.
type DeadLetter struct {
	Event
	// Reason is the kind of the last failure, without secrets.
	Reason string
	// Died is when the bus gave the event up, in UTC.
	Died time.Time
}

// DeadLetters lists and replays what was given up. It may be called
// concurrently.
type DeadLetters interface {
	// List returns at most limit dead letters, oldest first as far as the bus
	// can tell. Listing changes nothing.
	List(ctx context.Context, limit int) ([]DeadLetter, error)
	// Replay publishes the dead letter with the given event id anew on its topic
	// and removes it from the dead letters. An unknown id is fault.NotFound.
	Replay(ctx context.Context, id string) error
}
