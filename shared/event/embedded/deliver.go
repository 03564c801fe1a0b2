package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// reorderWindow is among how many due events chaos chooses.
const reorderWindow = 64

// idle is how long Run sleeps at most; a nudge or a due event ends it earlier.
const idle = time.Minute

// claim is one event under delivery.
type claim struct {
	key     []byte
	meta    meta
	data    []byte
	handler event.Handler
}

// Run delivers until ctx ends, then waits for the handlers at work and returns
// nil. The handlers' context ends with ctx; a delivery that fails because of
// that is not counted. Run returns earlier only when the file fails for good.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, b.opt.Concurrency)
	for {
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		c, err := b.claim(ctx)
		if err != nil && fault.KindOf(err) != fault.Exhausted {
			return err
		}
		if c != nil {
			wg.Go(func() {
				b.deliver(ctx, c)
				<-slots
				b.nudge()
			})
			continue
		}
		<-slots
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-b.opt.After(b.untilDue(err)):
		}
	}
}

// Drain delivers, one at a time and in order, everything that is due, until
// nothing is due or ctx ends, and returns how many deliveries that were. With an
// injected clock it makes a test's deliveries happen when the test says.
func (b *Bus) Drain(ctx context.Context) (deliveries int, err error) {
	for ctx.Err() == nil {
		c, err := b.claim(ctx)
		if err != nil {
			return deliveries, err
		}
		if c == nil {
			return deliveries, nil
		}
		b.deliver(ctx, c)
		deliveries++
	}
	return deliveries, fault.Wrap(ctx.Err(), fault.Transient, "cancelled", "the call was cancelled")
}

// NextDue returns when the next event of a topic with a handler is due, and
// false when none waits. The moment may have passed.
func (b *Bus) NextDue() (at time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.db.View(func(tx *bbolt.Tx) error {
		for topic := range b.handlers {
			if k := b.first(tx, topic); k != nil && (!ok || keyTime(k).Before(at)) {
				at, ok = keyTime(k), true
			}
		}
		return nil
	})
	return at, ok
}

// untilDue returns how long nothing is due; at a failed claim a little while.
func (b *Bus) untilDue(claimErr error) time.Duration {
	if claimErr != nil {
		return b.opt.MinBackoff
	}
	at, ok := b.NextDue()
	if !ok {
		return idle
	}
	return max(0, min(idle, at.Sub(b.opt.Now())))
}

// first returns the key of the topic's earliest event that nobody delivers now.
// The caller holds b.mu.
func (b *Bus) first(tx *bbolt.Tx, topic event.Topic) []byte {
	cur := queue(tx, topic).Cursor()
	for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
		if !b.inflight[keySeq(k)] {
			return k
		}
	}
	return nil
}

// deliver calls the handler and books what became of it.
func (b *Bus) deliver(ctx context.Context, c *claim) {
	e := c.meta.event(c.data)
	err := b.call(ctx, c.handler, e)
	if err = b.book(ctx, c, err); err != nil {
		// The event stays in the file and is due, so it comes again.
		b.log(ctx, slog.LevelError, "event not booked", e, slog.Any("error", err))
	}
	b.mu.Lock()
	delete(b.inflight, keySeq(c.key))
	b.mu.Unlock()
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

// book removes, postpones or buries the event, as its handler's error says.
func (b *Bus) book(ctx context.Context, c *claim, failure error) error {
	e := c.meta.event(nil)
	now := b.opt.Now().UTC()
	switch {
	case !fault.Redeliver(failure):
		if failure != nil {
			b.log(ctx, slog.LevelWarn, "event failed for good", e, slog.Any("error", failure))
		}
		return b.write("acknowledge an event", func(tx *bbolt.Tx) error { return remove(tx, c) })
	case ctx.Err() != nil:
		// The bus is stopping: the attempt was not the handler's fault.
		m := c.meta
		m.Attempt--
		return b.write("release an event", func(tx *bbolt.Tx) error { return putMeta(queue(tx, m.Topic), c.key, m) })
	case c.meta.Attempt >= b.opt.MaxAttempts:
		b.log(ctx, slog.LevelError, "event given up", e, slog.Any("error", failure))
		m := c.meta
		m.Reason, m.Died = fault.KindOf(failure).String(), now
		return b.write("give up an event", func(tx *bbolt.Tx) error { return bury(tx, c.key, m) })
	default:
		wait := max(b.backoff(c.meta.Attempt), retryAfter(failure))
		b.log(ctx, slog.LevelWarn, "event failed, will come again", e, slog.Any("error", failure), slog.Duration("wait", wait))
		return b.write("postpone an event", func(tx *bbolt.Tx) error { return postpone(tx, c, now.Add(wait)) })
	}
}

func retryAfter(err error) time.Duration {
	if e := fault.As(err); e != nil {
		return e.RetryAfter
	}
	return 0
}

func (b *Bus) write(doing string, fn func(*bbolt.Tx) error) error {
	return classify(b.db.Batch(fn), doing)
}
