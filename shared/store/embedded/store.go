package embedded

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Store is a store.Driver over one bbolt file. It is made by Open and safe for
// concurrent use; no other process can open the file meanwhile.
type Store struct {
	db *bolt.DB

	mu    sync.Mutex
	queue []*update     // updates that wait for the next commit
	turn  chan struct{} // holds a token while a commit is under way

	// failed latches the first commit of unknown outcome; see commit.
	failed atomic.Pointer[fault.Error]
}

var _ store.Driver = (*Store)(nil)

// Get implements store.Driver.
func (s *Store) Get(ctx context.Context, key store.Key) (store.Document, error) {
	if err := ready(ctx); err != nil {
		return store.Document{}, err
	}
	if err := key.Validate(); err != nil {
		return store.Document{}, err
	}
	var doc store.Document
	var err error
	if txErr := s.db.View(func(tx *bolt.Tx) error {
		doc, err = get(tx, key)
		return nil
	}); txErr != nil {
		return store.Document{}, classify(txErr)
	}
	return doc, err
}

// get returns a document within tx, classified for the caller.
func get(tx *bolt.Tx, key store.Key) (store.Document, error) {
	bucket := tx.Bucket(kindBucket(key.Kind))
	if bucket == nil {
		return store.Document{}, notFound(key)
	}
	raw := bucket.Get([]byte(key.ID))
	if raw == nil {
		return store.Document{}, notFound(key)
	}
	doc, err := decodeRecord(key, raw)
	if err != nil {
		return store.Document{}, corrupt(err)
	}
	return doc, nil
}

// Find implements store.Driver.
func (s *Store) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	if err := ready(ctx); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	var docs []store.Document
	var err error
	if txErr := s.db.View(func(tx *bolt.Tx) error {
		docs, err = find(tx, q)
		return nil
	}); txErr != nil {
		return nil, classify(txErr)
	}
	return docs, err
}

func find(tx *bolt.Tx, q store.Query) ([]store.Document, error) {
	name, from := kindBucket(q.Kind), []byte(q.From)
	after := []byte(q.After.ID)
	if q.Field != "" {
		name = indexBucket(q.Kind, q.Field)
		after = indexKey(q.After.Value, q.After.ID)
	}
	bucket := tx.Bucket(name)
	if bucket == nil {
		return nil, nil
	}
	if !q.After.IsZero() && bytes.Compare(after, from) > 0 {
		from = after
	}
	var docs []store.Document
	cursor := bucket.Cursor()
	for k, _ := cursor.Seek(from); k != nil && len(docs) < q.Limit; k, _ = cursor.Next() {
		if !q.After.IsZero() && bytes.Compare(k, after) <= 0 {
			continue
		}
		id := k
		if q.Field != "" {
			value, rest, _ := bytes.Cut(k, []byte{0})
			if q.To != "" && string(value) >= q.To {
				break
			}
			id = rest
		}
		doc, err := get(tx, store.Key{Kind: q.Kind, ID: string(id)})
		if fault.KindOf(err) == fault.NotFound {
			return nil, corrupt(errors.New("embedded: an index entry has no document"))
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// Close implements store.Driver. It waits for calls under way; later ones are
// fault.Permanent.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil && !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return classify(err)
	}
	return nil
}

// ready turns a context that is already over into the error to return.
func ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Transient, "cancelled", "The call was given up before the store was asked.")
	}
	return nil
}

func notFound(key store.Key) error {
	return fault.New(fault.NotFound, "", "There is no such document in %q.", key.Kind)
}
