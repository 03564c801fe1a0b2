package embedded

import (
	"bytes"
	"context"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// Sweep drops up to limit documents that expired at or before now, the longest
// expired first, in one commit, and returns how many it dropped. Firestore does
// this by itself; here a schedule calls it, again while it returns limit.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (dropped int, err error) {
	if err := ready(ctx); err != nil {
		return 0, err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ready(ctx)
	}
	defer func() { <-s.turn }()
	err = s.transact(func(tx *bolt.Tx) (bool, error) {
		keys, err := expired(tx, now, limit)
		for _, key := range keys {
			if err := apply(tx, store.Write{Document: store.Document{Key: key}, Delete: true}); err != nil {
				return true, err
			}
		}
		dropped = len(keys)
		return dropped > 0, err
	})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}

// expired lists the keys first, because a bolt cursor does not survive deletions.
func expired(tx *bolt.Tx, now time.Time, limit int) ([]store.Key, error) {
	bucket := tx.Bucket(expiryBucket)
	if bucket == nil {
		return nil, nil
	}
	until := []byte(store.Timestamp(now) + "\x01") // behind every entry of that moment
	var keys []store.Key
	cursor := bucket.Cursor()
	for k, _ := cursor.First(); k != nil && len(keys) < limit && bytes.Compare(k, until) < 0; k, _ = cursor.Next() {
		parts := bytes.SplitN(k, []byte{0}, 3)
		if len(parts) != 3 {
			return nil, corrupt(errors.New("embedded: an expiry entry cannot be read"))
		}
		keys = append(keys, store.Key{Kind: store.Kind(parts[1]), ID: string(parts[2])})
	}
	return keys, nil
}
