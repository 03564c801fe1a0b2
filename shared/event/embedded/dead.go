package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// List implements event.DeadLetters, oldest first.
func (b *Bus) List(ctx context.Context, limit int) ([]event.DeadLetter, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(err, fault.Transient, "cancelled", "the call was cancelled")
	}
	var list []event.DeadLetter
	err := b.db.View(func(tx *bbolt.Tx) error {
		cur := tx.Bucket(bucketDead).Cursor()
		for k, v := cur.First(); k != nil && len(list) < limit; k, v = cur.Next() {
			m, err := decode(v)
			if err != nil {
				return err
			}
			data := cloned(tx.Bucket(bucketData).Get(dataKey(keySeq(k))))
			list = append(list, event.DeadLetter{Event: m.event(data), Reason: m.Reason, Died: m.Died})
		}
		return nil
	})
	return list, classify(err, "list dead letters")
}

// Replay implements event.DeadLetters. The new event and the removal of the old
// one are one transaction: a crash leaves neither both nor none.
func (b *Bus) Replay(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Transient, "cancelled", "the call was cancelled")
	}
	now := b.opt.Now().UTC()
	fresh := b.opt.NewID()
	err := b.db.Update(func(tx *bbolt.Tx) error {
		k := cloned(tx.Bucket(bucketIndex).Get([]byte(id)))
		if len(k) == 0 {
			return fault.New(fault.NotFound, "dead-letter-missing", "there is no dead letter with this id")
		}
		m, err := decode(tx.Bucket(bucketDead).Get(k))
		if err != nil {
			return err
		}
		data := cloned(tx.Bucket(bucketData).Get(dataKey(keySeq(k))))
		if err := exhume(tx, k, id); err != nil {
			return err
		}
		return enqueue(tx, meta{ID: fresh, Topic: m.Topic, Published: now}, now, data)
	})
	if err == nil {
		b.nudge()
	}
	return classify(err, "replay a dead letter")
}
