package event

import "github.com/rollcall-emm/rollcall/shared/fault"

// MaxData is the largest payload that a bus takes, in bytes.
const MaxData = 256 << 10

// DefaultMaxAttempts is how often an event is delivered before it is given up;
// it is the least that Pub/Sub's dead-letter policy allows.
const DefaultMaxAttempts = 5

// The attributes of a message, where the bus carries attributes. They travel
// with it into the dead letters, where a bus gives the message a new id of its
// own. A message without them, such as a schedule's, takes the topic from where
// it came in and the message's own id.
const (
	AttributeTopic = "rollcall-topic"
	AttributeID    = "rollcall-id"
)

// CheckData returns fault.TooLarge for a payload over MaxData.
func CheckData(data []byte) error {
	if len(data) > MaxData {
		return fault.New(fault.TooLarge, "event-too-large", "an event's payload is at most %d bytes, this one has %d", MaxData, len(data))
	}
	return nil
}

// Known reports whether t is one of Topics.
func Known(t Topic) bool {
	for _, known := range Topics() {
		if t == known {
			return true
		}
	}
	return false
}

// CheckTopic returns fault.Invalid unless t is one of Topics.
func CheckTopic(t Topic) error {
	if !Known(t) {
		return fault.Field("topic", "%q is not a topic", string(t))
	}
	return nil
}
