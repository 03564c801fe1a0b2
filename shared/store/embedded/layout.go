package embedded

import (
	bolt "go.etcd.io/bbolt"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// Bucket names. Kinds hold no '/', so no two of them collide.
var expiryBucket = []byte("expires")

func kindBucket(k store.Kind) []byte { return []byte("doc/" + string(k)) }

func indexBucket(k store.Kind, field string) []byte {
	return []byte("index/" + string(k) + "/" + field)
}

// indexKey sorts like (value, id), because a value holds no NUL.
func indexKey(value, id string) []byte { return []byte(value + "\x00" + id) }

// expiryKey sorts by the time of expiry.
func expiryKey(d store.Document) []byte {
	return []byte(store.Timestamp(d.Expires) + "\x00" + string(d.Key.Kind) + "\x00" + d.Key.ID)
}

// entry is one key in one bucket of index entries.
type entry struct{ bucket, key string }

// entries returns every index entry of d.
func entries(d store.Document) map[entry]bool {
	out := make(map[entry]bool, len(d.Index)+1)
	for field, value := range d.Index {
		out[entry{string(indexBucket(d.Key.Kind, field)), string(indexKey(value, d.Key.ID))}] = true
	}
	if !d.Expires.IsZero() {
		out[entry{string(expiryBucket), string(expiryKey(d))}] = true
	}
	return out
}

// apply carries out one held-back write together with its index entries. Entries
// that stay are left alone, since each page that is touched is written anew.
func apply(tx *bolt.Tx, w store.Write) error {
	key := w.Document.Key
	docs, err := tx.CreateBucketIfNotExists(kindBucket(key.Kind))
	if err != nil {
		return err
	}
	var before, now map[entry]bool
	if raw := docs.Get([]byte(key.ID)); raw != nil {
		old, err := decodeRecord(key, raw)
		if err != nil {
			return err
		}
		before = entries(old)
	}
	if !w.Delete {
		now = entries(w.Document)
	}
	if err := reindex(tx, before, now); err != nil {
		return err
	}
	if w.Delete {
		return docs.Delete([]byte(key.ID))
	}
	return docs.Put([]byte(key.ID), encodeRecord(w.Document))
}

func reindex(tx *bolt.Tx, before, now map[entry]bool) error {
	for e := range before {
		if b := tx.Bucket([]byte(e.bucket)); b != nil && !now[e] {
			if err := b.Delete([]byte(e.key)); err != nil {
				return err
			}
		}
	}
	for e := range now {
		if before[e] {
			continue
		}
		b, err := tx.CreateBucketIfNotExists([]byte(e.bucket))
		if err != nil {
			return err
		}
		if err := b.Put([]byte(e.key), nil); err != nil {
			return err
		}
	}
	return nil
}
