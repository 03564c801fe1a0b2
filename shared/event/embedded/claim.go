package embedded

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// claim takes the event that has been due longest, or nil when none is due. The
// attempt is counted durably before the handler sees the event, so that a
// handler that kills the process cannot go on for ever.
func (b *Bus) claim(ctx context.Context) (*claim, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		c, over, err := b.claimOne()
		if err != nil || c == nil {
			return nil, err
		}
		if !over {
			b.inflight[keySeq(c.key)] = true
			return c, nil
		}
		b.log(ctx, slog.LevelError, "event given up: its last attempt never ended", c.meta.event(nil))
	}
}

// claimOne takes one event; over says that it had no attempt left and was
// buried. The caller holds b.mu.
func (b *Bus) claimOne() (c *claim, over bool, err error) {
	now := b.opt.Now().UTC()
	if !b.anyDue(now) {
		return nil, false, nil // without the cost of a writing transaction
	}
	shuffle := b.dice.happens(b.opt.Chaos.Reorder)
	err = b.db.Update(func(tx *bbolt.Tx) error {
		c, over = nil, false
		topic, k := b.choose(tx, now, shuffle)
		if k == nil {
			return nil
		}
		k = cloned(k)
		m, err := decode(queue(tx, topic).Get(k))
		if err != nil {
			return err
		}
		c = &claim{key: k, meta: m, data: cloned(tx.Bucket(bucketData).Get(dataKey(keySeq(k)))), handler: b.handlers[topic]}
		if m.Attempt >= b.opt.MaxAttempts {
			over = true
			m.Reason, m.Died = fault.Unknown.String(), now
			return bury(tx, k, m)
		}
		c.meta.Attempt++
		return putMeta(queue(tx, topic), k, c.meta)
	})
	return c, over, classify(err, "take an event")
}

func (b *Bus) anyDue(now time.Time) (due bool) {
	_ = b.db.View(func(tx *bbolt.Tx) error {
		_, k := b.choose(tx, now, false)
		due = k != nil
		return nil
	})
	return due
}

// choose returns the topic and key of the next event to deliver, or no key.
func (b *Bus) choose(tx *bbolt.Tx, now time.Time, shuffle bool) (event.Topic, []byte) {
	var topic event.Topic
	var best []byte
	for _, t := range event.Topics() {
		if b.handlers[t] == nil {
			continue
		}
		if k := b.first(tx, t); k != nil && !keyTime(k).After(now) && (best == nil || string(k) < string(best)) {
			topic, best = t, k
		}
	}
	if best == nil || !shuffle {
		return topic, best
	}
	var due [][]byte
	cur := queue(tx, topic).Cursor()
	for k, _ := cur.First(); k != nil && !keyTime(k).After(now) && len(due) < reorderWindow; k, _ = cur.Next() {
		if !b.inflight[keySeq(k)] {
			due = append(due, k)
		}
	}
	return topic, due[b.dice.below(len(due))]
}

// remove ends a claimed event.
func remove(tx *bbolt.Tx, c *claim) error {
	return errors.Join(
		queue(tx, c.meta.Topic).Delete(c.key),
		tx.Bucket(bucketData).Delete(dataKey(keySeq(c.key))),
	)
}

// postpone makes a claimed event due at another moment.
func postpone(tx *bbolt.Tx, c *claim, due time.Time) error {
	q := queue(tx, c.meta.Topic)
	return errors.Join(q.Delete(c.key), putMeta(q, key(due, keySeq(c.key)), c.meta))
}
