package pubsub

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Attributes that only a dead letter has which Run made.
const (
	attributeReason    = "rollcall-reason"
	attributeAttempt   = "rollcall-attempt"
	attributePublished = "rollcall-published"
)

// buryTimeout bounds the publication of a dead letter; an event that misses it
// comes again.
const buryTimeout = 30 * time.Second

// Run pulls the topics that have a handler until ctx ends, then waits for the
// handlers at work and returns nil. The handlers' context ends with ctx. It
// returns earlier when a subscription is missing or access is refused.
func (b *Bus) Run(ctx context.Context) error {
	client, err := b.dial(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	var topics []event.Topic
	for t := range b.handlers {
		topics = append(topics, t)
	}
	b.mu.Unlock()
	g, gctx := errgroup.WithContext(ctx)
	for _, t := range topics {
		g.Go(func() error {
			sub := client.Subscriber(b.subscriptionName(string(t)))
			sub.ReceiveSettings.MaxOutstandingMessages = b.opt.Concurrency
			sub.ReceiveSettings.NumGoroutines = 1
			err := sub.Receive(gctx, func(mctx context.Context, m *gpubsub.Message) { b.receive(mctx, t, m) })
			return classify(err, "receive events of "+string(t))
		})
	}
	if len(topics) == 0 {
		<-ctx.Done()
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// receive delivers one message and answers it.
func (b *Bus) receive(ctx context.Context, topic event.Topic, m *gpubsub.Message) {
	e := event.Event{ID: m.ID, Topic: topic, Data: m.Data, Published: m.PublishTime.UTC(), Attempt: b.attempt(m)}
	if id := m.Attributes[event.AttributeID]; id != "" {
		e.ID = id
	}
	b.mu.Lock()
	h := b.handlers[topic]
	b.mu.Unlock()
	err := b.call(ctx, h, e)
	switch {
	case !fault.Redeliver(err):
		if err != nil {
			b.log(ctx, slog.LevelWarn, "event failed for good", e, slog.Any("error", err))
		}
		b.done(m)
	case ctx.Err() != nil:
		m.Nack() // the bus is stopping; another receiver takes the event
	case e.Attempt < b.opt.MaxAttempts:
		b.log(ctx, slog.LevelWarn, "event failed, will come again", e, slog.Any("error", err))
		m.Nack()
	default:
		if buryErr := b.bury(ctx, e, m, err); buryErr != nil {
			b.log(ctx, slog.LevelError, "dead letter not published", e, slog.Any("error", buryErr))
			m.Nack()
			return
		}
		b.log(ctx, slog.LevelError, "event given up", e, slog.Any("error", err))
		b.done(m)
	}
}

// attempt returns which delivery of the message this is.
func (b *Bus) attempt(m *gpubsub.Message) int {
	if m.DeliveryAttempt != nil && *m.DeliveryAttempt > 0 {
		return *m.DeliveryAttempt
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts[m.ID]++
	return b.attempts[m.ID]
}

func (b *Bus) done(m *gpubsub.Message) {
	b.mu.Lock()
	delete(b.attempts, m.ID)
	b.mu.Unlock()
	m.Ack()
}

// bury publishes the event to the dead-letter topic.
func (b *Bus) bury(ctx context.Context, e event.Event, m *gpubsub.Message, failure error) error {
	attributes := map[string]string{
		event.AttributeTopic: string(e.Topic),
		event.AttributeID:    e.ID,
		attributeReason:      fault.KindOf(failure).String(),
		attributeAttempt:     strconv.Itoa(e.Attempt),
		attributePublished:   e.Published.Format(time.RFC3339Nano),
	}
	// A stop in this moment would bring the event back for an attempt too many.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buryTimeout)
	defer cancel()
	return b.send(ctx, b.topicName(deadName), &gpubsub.Message{Data: m.Data, Attributes: attributes})
}

// call runs the handler; a panic is a failed delivery like any other.
func (b *Bus) call(ctx context.Context, h event.Handler, e event.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may hold anything, so only its type is kept.
			err = fault.New(fault.Unknown, "panic", "the handler panicked with a %s", fmt.Sprintf("%T", p))
			b.log(ctx, slog.LevelError, "event handler panicked", e, slog.String("stack", string(debug.Stack())))
		}
	}()
	return h(ctx, e)
}

func (b *Bus) log(ctx context.Context, level slog.Level, msg string, e event.Event, attrs ...slog.Attr) {
	b.opt.Log.LogAttrs(ctx, level, msg, append([]slog.Attr{
		slog.String("topic", string(e.Topic)), slog.String("event_id", e.ID), slog.Int("attempt", e.Attempt),
	}, attrs...)...)
}
