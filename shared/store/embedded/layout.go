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

// apply carries out one held-back write together with its index entries.
func apply(tx *bolt.Tx, w store.Write) error {
	key := w.Document.Key
	docs, err := tx.CreateBucketIfNotExists(kindBucket(key.Kind))
	if err != nil {
		return err
	}
	if raw := docs.Get([]byte(key.ID)); raw != nil {
		old, err := decodeRecord(key, raw)
		if err != nil {
			return err
		}
		if err := unindex(tx, old); err != nil {
			return err
		}
	}
	if w.Delete {
		return docs.Delete([]byte(key.ID))
	}
	if err := index(tx, w.Document); err != nil {
		return err
	}
	return docs.Put([]byte(key.ID), encodeRecord(w.Document))
}

func index(tx *bolt.Tx, d store.Document) error {
	put := func(bucket, key []byte) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		return b.Put(key, nil)
	}
	for field, value := range d.Index {
		if err := put(indexBucket(d.Key.Kind, field), indexKey(value, d.Key.ID)); err != nil {
			return err
		}
	}
	if d.Expires.IsZero() {
		return nil
	}
	return put(expiryBucket, expiryKey(d))
}

func unindex(tx *bolt.Tx, d store.Document) error {
	remove := func(bucket, key []byte) error {
		if b := tx.Bucket(bucket); b != nil {
			return b.Delete(key)
		}
		return nil
	}
	for field, value := range d.Index {
		if err := remove(indexBucket(d.Key.Kind, field), indexKey(value, d.Key.ID)); err != nil {
			return err
		}
	}
	if d.Expires.IsZero() {
		return nil
	}
	return remove(expiryBucket, expiryKey(d))
}
