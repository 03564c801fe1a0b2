package pubsub

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// deadName is the dead-letter topic's name, and its subscription's.
const deadName = "dead"

// Attributes that the server adds to a dead letter which it moved.
const (
	sourceDeliveries   = "CloudPubSubDeadLetterSourceDeliveryCount"
	sourceSubscription = "CloudPubSubDeadLetterSourceSubscription"
	sourcePublished    = "CloudPubSubDeadLetterSourceTopicPublishTime"
)

const (
	// listed is among how many dead letters List looks for the oldest.
	listed = 1000
	// searched is among how many dead letters Replay looks for one.
	searched = 10_000
	// pullBatch keeps one answer, of the largest payloads, under gRPC's bounds.
	pullBatch = 50
	// releaseTimeout bounds the giving back of what was pulled.
	releaseTimeout = 10 * time.Second
)

// List implements event.DeadLetters. It pulls and gives back at once, so while
// it works another process's listing may miss some. Oldest first holds among up
// to 1000, or limit if that is more.
func (b *Bus) List(ctx context.Context, limit int) ([]event.DeadLetter, error) {
	held, err := b.holdDead(ctx, max(limit, listed))
	defer held.unlock()
	if err != nil {
		return nil, errors.Join(classify(err, "list dead letters"), held.release(ctx))
	}
	if err := held.release(ctx); err != nil {
		return nil, err
	}
	var list []event.DeadLetter
	seen := map[string]bool{}
	for _, m := range held.messages {
		// A receiver that died between burying and acknowledging buries twice.
		if d := b.deadLetter(m.Message); !seen[d.ID] {
			seen[d.ID] = true
			list = append(list, d)
		}
	}
	slices.SortStableFunc(list, func(x, y event.DeadLetter) int {
		if c := x.Died.Compare(y.Died); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return list[:max(0, min(limit, len(list)))], nil
}

// Replay implements event.DeadLetters. A crash between publication and removal
// leaves the dead letter, so the event may be replayed twice. A dead letter that
// does not tell its topic, which only foreign messages do, is fault.Conflict.
func (b *Bus) Replay(ctx context.Context, id string) error {
	held, err := b.holdDead(ctx, searched)
	defer held.unlock()
	if err != nil {
		return errors.Join(classify(err, "replay a dead letter"), held.release(ctx))
	}
	mine := held.take(func(m *pubsubpb.PubsubMessage) bool { return b.deadLetter(m).ID == id })
	if err := held.release(ctx); err != nil || len(mine) == 0 {
		if err == nil {
			err = fault.New(fault.NotFound, "dead-letter-missing", "there is no dead letter with this id")
		}
		return err
	}
	found := dead{bus: b, client: held.client, messages: mine}
	d := b.deadLetter(mine[0].Message)
	if !event.Known(d.Topic) {
		return errors.Join(fault.New(fault.Conflict, "dead-letter-topic", "the dead letter does not tell its topic"), found.release(ctx))
	}
	if _, err := b.Publish(ctx, d.Topic, d.Data); err != nil {
		return errors.Join(err, found.release(ctx))
	}
	err = held.client.SubscriptionAdminClient.Acknowledge(context.WithoutCancel(ctx), &pubsubpb.AcknowledgeRequest{
		Subscription: b.subscriptionName(deadName), AckIds: found.ackIDs(),
	})
	return classify(err, "remove a replayed dead letter")
}

// dead is a set of dead letters that this process has pulled.
type dead struct {
	bus      *Bus
	client   *gpubsub.Client
	messages []*pubsubpb.ReceivedMessage
}

// holdDead pulls up to limit dead letters. The caller unlocks.
func (b *Bus) holdDead(ctx context.Context, limit int) (*dead, error) {
	b.deadMu.Lock()
	d := &dead{bus: b}
	if err := ctx.Err(); err != nil {
		return d, err
	}
	client, err := b.dial(ctx)
	if err != nil {
		return d, err
	}
	d.client = client
	for len(d.messages) < limit {
		batch, err := b.pull(ctx, client, min(pullBatch, limit-len(d.messages)))
		if err != nil {
			return d, err
		}
		if len(batch) == 0 {
			break
		}
		d.messages = append(d.messages, batch...)
	}
	return d, nil
}

// pull returns some dead letters, or none if none came in PullWait.
func (b *Bus) pull(ctx context.Context, client *gpubsub.Client, n int) ([]*pubsubpb.ReceivedMessage, error) {
	wait, cancel := context.WithTimeout(ctx, b.opt.PullWait)
	defer cancel()
	answer, err := client.SubscriptionAdminClient.Pull(wait, &pubsubpb.PullRequest{
		Subscription: b.subscriptionName(deadName), MaxMessages: int32(n),
	})
	if err != nil && ctx.Err() == nil && (wait.Err() != nil || status.Code(err) == codes.DeadlineExceeded) {
		return nil, nil
	}
	return answer.GetReceivedMessages(), err
}

func (d *dead) unlock() { d.bus.deadMu.Unlock() }

// take removes the messages that match from the set and returns them.
func (d *dead) take(match func(*pubsubpb.PubsubMessage) bool) (taken []*pubsubpb.ReceivedMessage) {
	d.messages = slices.DeleteFunc(d.messages, func(m *pubsubpb.ReceivedMessage) bool {
		if !match(m.Message) {
			return false
		}
		taken = append(taken, m)
		return true
	})
	return taken
}

func (d *dead) ackIDs() []string {
	ids := make([]string, len(d.messages))
	for i, m := range d.messages {
		ids[i] = m.AckId
	}
	return ids
}

// release gives the messages back, also when ctx has ended.
func (d *dead) release(ctx context.Context) error {
	if len(d.messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	// One request must stay under 512 KiB.
	for ids := range slices.Chunk(d.ackIDs(), 500) {
		err := d.client.SubscriptionAdminClient.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: d.bus.subscriptionName(deadName), AckIds: ids,
		})
		if err != nil {
			return classify(err, "give dead letters back")
		}
	}
	return nil
}

// deadLetter reads a message that Run or the server put on the dead-letter topic.
func (b *Bus) deadLetter(m *pubsubpb.PubsubMessage) event.DeadLetter {
	a := m.GetAttributes()
	d := event.DeadLetter{
		Event: event.Event{
			ID: a[event.AttributeID], Topic: event.Topic(a[event.AttributeTopic]), Data: m.GetData(),
			Published: m.GetPublishTime().AsTime(),
		},
		Reason: a[attributeReason],
		Died:   m.GetPublishTime().AsTime(),
	}
	if d.ID == "" {
		d.ID = m.GetMessageId()
	}
	if d.Topic == "" {
		if t := event.Topic(strings.TrimPrefix(a[sourceSubscription], b.opt.Prefix)); event.Known(t) {
			d.Topic = t
		}
	}
	if d.Reason == "" {
		d.Reason = fault.Unknown.String()
	}
	for _, name := range []string{attributeAttempt, sourceDeliveries} {
		if n, err := strconv.Atoi(a[name]); err == nil && d.Attempt == 0 {
			d.Attempt = n
		}
	}
	for _, name := range []string{sourcePublished, attributePublished} {
		if at, err := time.Parse(time.RFC3339Nano, a[name]); err == nil {
			d.Published = at.UTC()
		}
	}
	return d
}
