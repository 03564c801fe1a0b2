// Package cloudevent receives events in a function: it reads the CloudEvent that
// a Pub/Sub trigger delivers through the Functions Framework, and gives the
// trigger the answer that an event.Handler's error means.
package cloudevent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Type is the type of a CloudEvent that carries a Pub/Sub message.
const Type = "google.cloud.pubsub.topic.v1.messagePublished"

// envelope is the CloudEvent's data: a Pub/Sub push body. It is Google's
// document and grows, so unknown members are let through.
type envelope struct {
	Message *struct {
		Data        []byte            `json:"data"`
		Attributes  map[string]string `json:"attributes"`
		MessageID   string            `json:"messageId"`
		PublishTime time.Time         `json:"publishTime"`
	} `json:"message"`
	// DeliveryAttempt is there when the subscription has a dead-letter policy.
	DeliveryAttempt int `json:"deliveryAttempt"`
}

// Decode returns the event inside a CloudEvent of Type. The topic is the
// message's attribute, else the last element of the source where that is a
// topic, else fallback, which a function that serves one topic knows. Anything
// malformed is fault.Invalid; a payload over event.MaxData is fault.TooLarge.
func Decode(ce cloudevents.Event, fallback event.Topic) (event.Event, error) {
	if ce.Type() != Type {
		return event.Event{}, fault.New(fault.Invalid, "event-type", "the CloudEvent is not a Pub/Sub message")
	}
	var body envelope
	if err := json.Unmarshal(ce.Data(), &body); err != nil {
		return event.Event{}, fault.Wrap(err, fault.Invalid, "event-body", "the CloudEvent's data is not a Pub/Sub message")
	}
	m := body.Message
	if m == nil {
		return event.Event{}, fault.Field("message", "the CloudEvent holds no message")
	}
	if err := event.CheckData(m.Data); err != nil {
		return event.Event{}, err
	}
	e := event.Event{
		ID:        first(m.Attributes[event.AttributeID], m.MessageID, ce.ID()),
		Topic:     event.Topic(m.Attributes[event.AttributeTopic]),
		Data:      m.Data,
		Published: m.PublishTime.UTC(),
		Attempt:   max(0, body.DeliveryAttempt),
	}
	if e.Published.IsZero() {
		e.Published = ce.Time().UTC()
	}
	if e.ID == "" {
		return event.Event{}, fault.Field("message.messageId", "the message has no id")
	}
	if e.Topic == "" {
		source := ce.Source()
		e.Topic = event.Topic(source[strings.LastIndexByte(source, '/')+1:])
		// A deployment's topics have a prefix, and the framework may not know the
		// topic at all.
		if !event.Known(e.Topic) {
			e.Topic = fallback
		}
	}
	return e, event.CheckTopic(e.Topic)
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// Function wraps h, which serves topic, for the Functions Framework. The
// function it returns may be called concurrently. It returns nil when the event
// is done, also for a failure that no redelivery can mend, which log records; and
// an error, by which the trigger delivers again, when fault.Redeliver says so. A
// panic of h counts as an unclassified failure. log nil is slog.Default.
func Function(topic event.Topic, h event.Handler, log *slog.Logger) func(context.Context, cloudevents.Event) error {
	if log == nil {
		log = slog.Default()
	}
	return func(ctx context.Context, ce cloudevents.Event) error {
		e, err := Decode(ce, topic)
		if err == nil && e.Topic != topic {
			err = fault.New(fault.Invalid, "event-topic", "the event is of the topic %s, this function serves %s", e.Topic, topic)
		}
		if err == nil {
			err = call(ctx, h, e, log)
		}
		if err == nil {
			return nil
		}
		attrs := []slog.Attr{
			slog.String("topic", string(topic)), slog.String("event_id", first(e.ID, ce.ID())),
			slog.Int("attempt", e.Attempt), slog.Any("error", err),
		}
		if !fault.Redeliver(err) {
			log.LogAttrs(ctx, slog.LevelWarn, "event failed for good", attrs...)
			return nil
		}
		log.LogAttrs(ctx, slog.LevelWarn, "event failed, will come again", attrs...)
		// The framework prints this text as a format string, unstructured: it
		// must hold nothing of the event or the failure, only one of our words.
		return errors.New("event will come again: " + fault.KindOf(err).String())
	}
}

func call(ctx context.Context, h event.Handler, e event.Event, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may hold anything, so only its type is kept.
			err = fault.New(fault.Unknown, "panic", "the handler panicked with a %s", fmt.Sprintf("%T", p))
			log.ErrorContext(ctx, "event handler panicked", slog.String("stack", string(debug.Stack())))
		}
	}()
	return h(ctx, e)
}
