// Package pubsub is the event bus over Google Cloud Pub/Sub.
//
// In the cloud a function publishes through a Bus, and receives through its
// trigger (package event/cloudevent); Terraform makes topics and subscriptions.
// On one machine a Bus does the rest too: EnsureTopics makes what Terraform
// would, and Run pulls.
//
// # Names
//
// Every topic has one subscription of the same name, prefix and topic joined;
// all share one dead-letter topic and subscription, prefix and "dead".
//
// # Dead letters
//
// A subscription has a dead-letter policy, by which the server counts the
// attempts and moves an event on after the last. Run does not leave the last
// step to the server: when the last attempt fails, it publishes the event to the
// dead-letter topic itself, with the reason, and acknowledges it, so that the
// server has nothing left to move. The server's own step remains for receivers
// that die or that are functions. Where the server counts nothing (a
// subscription without policy, an old emulator), Run counts in memory.
//
// The server gives a dead letter a message id of its own, so the event's id
// travels as an attribute from the first publication on.
package pubsub

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Options configure a Bus. A nil *Options, and the zero value of each field,
// give what the field's comment says.
type Options struct {
	// Prefix stands before every name of a topic or subscription; "" is none.
	Prefix string
	// MaxAttempts is how often an event is delivered before it is given up, 5 to
	// 100 (Pub/Sub's bounds); 0 is event.DefaultMaxAttempts.
	MaxAttempts int
	// Concurrency is how many handlers of one topic Run lets work at once; 0 is 8.
	Concurrency int
	// MinBackoff and MaxBackoff, up to 10 min, go into the subscriptions that
	// EnsureTopics makes; 0 is 10 s and 10 min.
	MinBackoff, MaxBackoff time.Duration
	// PullWait is how long List and Replay wait for another dead letter before
	// they take it that there is none; 0 is 3 s.
	PullWait time.Duration
	// Log takes what became of events that failed; nil is slog.Default.
	Log *slog.Logger
	// NewID makes the id of an event, unique for ever; nil is 130 random bits.
	NewID func() string
	// Client goes to Google's client, for tests.
	Client []option.ClientOption
}

// Bus publishes, receives, and keeps dead letters. It dials at first use, and
// again after a failed one. Its methods may be called concurrently.
type Bus struct {
	project string
	opt     Options

	mu         sync.Mutex
	client     *gpubsub.Client
	publishers map[string]*gpubsub.Publisher
	handlers   map[event.Topic]event.Handler
	// attempts counts deliveries by message id where the server does not.
	attempts map[string]int

	// deadMu keeps two listings of one process from hiding letters from each
	// other: what one has pulled, the other cannot.
	deadMu sync.Mutex
}

var (
	_ event.Publisher   = (*Bus)(nil)
	_ event.DeadLetters = (*Bus)(nil)
)

// New returns a bus of the Google Cloud project. It does no I/O. opt may be nil.
func New(project string, opt *Options) *Bus {
	var o Options
	if opt != nil {
		o = *opt
	}
	setDefault(&o.MaxAttempts, event.DefaultMaxAttempts)
	setDefault(&o.Concurrency, 8)
	setDefault(&o.MinBackoff, 10*time.Second)
	setDefault(&o.MaxBackoff, 10*time.Minute)
	setDefault(&o.PullWait, 3*time.Second)
	setDefault(&o.Log, slog.Default())
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	return &Bus{
		project: project, opt: o,
		publishers: map[string]*gpubsub.Publisher{},
		handlers:   map[event.Topic]event.Handler{},
		attempts:   map[string]int{},
	}
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Publish implements event.Publisher. It waits for the server's word, also
// through short outages, until ctx ends or about a minute has passed.
func (b *Bus) Publish(ctx context.Context, topic event.Topic, data []byte) (string, error) {
	if err := event.CheckTopic(topic); err != nil {
		return "", err
	}
	if err := event.CheckData(data); err != nil {
		return "", err
	}
	id := b.opt.NewID()
	err := b.send(ctx, b.topicName(string(topic)), &gpubsub.Message{Data: data, Attributes: map[string]string{
		event.AttributeTopic: string(topic), event.AttributeID: id,
	}})
	if err != nil {
		return "", classify(err, "publish an event on "+string(topic))
	}
	return id, nil
}

func (b *Bus) send(ctx context.Context, topicName string, m *gpubsub.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := b.publisher(ctx, topicName)
	if err != nil {
		return err
	}
	_, err = p.Publish(ctx, m).Get(ctx)
	return err
}

// dial returns Google's client.
func (b *Bus) dial(ctx context.Context) (*gpubsub.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dialLocked(ctx)
}

func (b *Bus) dialLocked(ctx context.Context) (*gpubsub.Client, error) {
	if b.client == nil {
		// The client outlives the call that made it, so it must not end with it.
		c, err := gpubsub.NewClient(context.WithoutCancel(ctx), b.project, b.opt.Client...)
		if err != nil {
			return nil, fault.Wrap(err, fault.Permanent, "pubsub-client",
				"cannot make the Pub/Sub client; check the project and the credentials")
		}
		b.client = c
	}
	return b.client, nil
}

func (b *Bus) publisher(ctx context.Context, topicName string) (*gpubsub.Publisher, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	client, err := b.dialLocked(ctx)
	if err != nil {
		return nil, err
	}
	p := b.publishers[topicName]
	if p == nil {
		p = client.Publisher(topicName)
		// A function publishes one event and waits for it: no time to fill a batch.
		p.PublishSettings.DelayThreshold = time.Millisecond
		b.publishers[topicName] = p
	}
	return p, nil
}

// Close flushes what is being published and releases the connections. The bus
// dials again if it is used afterwards.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, p := range b.publishers {
		p.Stop()
		delete(b.publishers, name)
	}
	if b.client == nil {
		return nil
	}
	err := b.client.Close()
	b.client = nil
	if err != nil {
		return fault.Wrap(err, fault.Transient, "pubsub-close", "cannot close the Pub/Sub client")
	}
	return nil
}

func (b *Bus) topicName(topic string) string {
	return fmt.Sprintf("projects/%s/topics/%s%s", b.project, b.opt.Prefix, topic)
}

func (b *Bus) subscriptionName(topic string) string {
	return fmt.Sprintf("projects/%s/subscriptions/%s%s", b.project, b.opt.Prefix, topic)
}

// Subscribe makes h the handler of topic; a later call replaces it from the
// next delivery on. Run receives the topics that have a handler when it starts.
// An unknown topic panics, for topics are fixed at compile time.
func (b *Bus) Subscribe(topic event.Topic, h event.Handler) {
	if err := event.CheckTopic(topic); err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers[topic] = h
}
