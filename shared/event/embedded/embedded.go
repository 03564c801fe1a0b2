// Package embedded is the event bus of one machine: durable over one bbolt file,
// with no server beside it. It is the bus of development, of tests and of
// installations without Google Cloud; it can also deliver twice, late and out of
// order on demand, so that handlers are tested against what Pub/Sub may do.
package embedded

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// FileName is the bus's file inside its folder.
const FileName = "events.db"

// lockWait is how long Open waits for another process to let the file go.
const lockWait = time.Second

// Bus is an event bus in a file. An accepted event survives a crash at any
// moment and is delivered again until its handler is done with it. Its methods
// may be called concurrently.
type Bus struct {
	db   *bbolt.DB
	opt  Options
	dice *dice
	// wake tells Run that there may be something new to deliver.
	wake chan struct{}

	mu       sync.Mutex
	handlers map[event.Topic]event.Handler
	// inflight holds the sequence numbers under delivery. It lives in memory
	// alone: after a crash nothing is in flight, so everything is due again.
	inflight map[uint64]bool
}

var (
	_ event.Publisher   = (*Bus)(nil)
	_ event.DeadLetters = (*Bus)(nil)
)

// Open opens the bus in the folder dir, creating folder and file if need be. A
// file that another process holds is fault.Conflict with reason "bus-locked",
// after about one second. opt may be nil.
func Open(dir string, opt *Options) (*Bus, error) {
	o := opt.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, classifyOpen(err, dir)
	}
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, MaxSize: o.MaxBytes,
	})
	if err != nil {
		return nil, classifyOpen(err, dir)
	}
	// Publishers that come at once share one fsync; one alone need not wait.
	db.MaxBatchDelay = time.Millisecond
	if err := db.Update(createBuckets); err != nil {
		_ = db.Close()
		return nil, classify(err, "prepare the event bus")
	}
	return &Bus{
		db: db, opt: o, dice: &dice{r: o.Rand},
		wake:     make(chan struct{}, 1),
		handlers: map[event.Topic]event.Handler{},
		inflight: map[uint64]bool{},
	}, nil
}

// Close releases the file. Run and Drain must have returned.
func (b *Bus) Close() error { return classify(b.db.Close(), "close the event bus") }

// Publish implements event.Publisher. An event of a topic without a handler
// waits for one. A full disk, or a file at Options.MaxBytes, is fault.Exhausted
// with reason "bus-full"; nothing accepted is lost by it.
func (b *Bus) Publish(ctx context.Context, topic event.Topic, data []byte) (string, error) {
	if err := event.CheckTopic(topic); err != nil {
		return "", err
	}
	if err := event.CheckData(data); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fault.Wrap(err, fault.Transient, "cancelled", "the call was cancelled")
	}
	now := b.opt.Now().UTC()
	m := meta{ID: b.opt.NewID(), Topic: topic, Published: now}
	// The chances are drawn outside the transaction, which may run twice.
	due := []time.Time{now.Add(b.late())}
	if b.dice.happens(b.opt.Chaos.Duplicate) {
		due = append(due, now.Add(b.late()))
	}
	err := b.db.Batch(func(tx *bbolt.Tx) error {
		for _, at := range due {
			if err := enqueue(tx, m, at, data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", classify(err, "publish an event")
	}
	b.nudge()
	return m.ID, nil
}

// late returns how late chaos makes one copy.
func (b *Bus) late() time.Duration {
	if !b.dice.happens(b.opt.Chaos.Delay) {
		return 0
	}
	return b.dice.upTo(b.opt.Chaos.MaxDelay)
}

// Subscribe makes h the handler of topic; a later call replaces it. An unknown
// topic panics, for topics are fixed at compile time.
func (b *Bus) Subscribe(topic event.Topic, h event.Handler) {
	if err := event.CheckTopic(topic); err != nil {
		panic(err)
	}
	b.mu.Lock()
	b.handlers[topic] = h
	b.mu.Unlock()
	b.nudge()
}

func (b *Bus) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *Bus) log(ctx context.Context, level slog.Level, msg string, e event.Event, attrs ...slog.Attr) {
	b.opt.Log.LogAttrs(ctx, level, msg, append([]slog.Attr{
		slog.String("topic", string(e.Topic)), slog.String("event_id", e.ID), slog.Int("attempt", e.Attempt),
	}, attrs...)...)
}
