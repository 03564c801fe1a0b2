package firestore

import (
	"context"
	"errors"
	"sync"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// DefaultDatabase is the name of a project's first database.
const DefaultDatabase = firestore.DefaultDatabaseID

// Store is a store.Driver over one Firestore database. It is made by New and
// safe for concurrent use.
type Store struct {
	dial func(context.Context) (*firestore.Client, error)

	mu     sync.Mutex
	client *firestore.Client
	closed bool
}

var _ store.Driver = (*Store)(nil)

// New returns a Store over a database of a Google Cloud project; an empty name
// is DefaultDatabase. It opens no connection: that happens at the first use, and
// when it fails, again at the next. Where the environment has
// FIRESTORE_EMULATOR_HOST the emulator there is used, without credentials.
func New(project, database string, opts ...option.ClientOption) *Store {
	if database == "" {
		database = DefaultDatabase
	}
	return &Store{dial: func(ctx context.Context) (*firestore.Client, error) {
		return firestore.NewClientWithDatabase(ctx, project, database, opts...)
	}}
}

// connect returns the client, and makes it if there is none.
func (s *Store) connect(ctx context.Context) (*firestore.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, classify(ctx, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fault.New(fault.Permanent, "store-closed", "The store is closed.")
	}
	if s.client == nil {
		// The client refreshes its credentials under this context for as long as
		// it lives, so it must not end with the first caller.
		client, err := s.dial(context.WithoutCancel(ctx))
		if err != nil {
			// Transient, although an operator may have to act: a metadata server
			// that is slow at a cold start must not cost an event.
			return nil, fault.Wrap(err, fault.Transient, "store-credentials",
				"Firestore cannot be reached. Check the project's name, and that the process has application default credentials.")
		}
		s.client = client
	}
	return s.client, nil
}

// Get implements store.Driver.
func (s *Store) Get(ctx context.Context, key store.Key) (store.Document, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return store.Document{}, err
	}
	if err := key.Validate(); err != nil {
		return store.Document{}, err
	}
	snap, err := ref(client, key).Get(ctx)
	if err != nil {
		return store.Document{}, classifyRead(ctx, key, err)
	}
	return decode(key, snap.Data())
}

// Find implements store.Driver.
func (s *Store) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	iter := query(client, q).Documents(ctx)
	defer iter.Stop()
	var docs []store.Document
	for {
		snap, err := iter.Next()
		if errors.Is(err, iterator.Done) {
			return docs, nil
		}
		if err != nil {
			return nil, classify(ctx, err)
		}
		doc, err := decode(store.Key{Kind: q.Kind, ID: snap.Ref.ID}, snap.Data())
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
}

// query renders q. Field paths are given in pieces, because a field's name may
// hold a dot.
func query(client *firestore.Client, q store.Query) firestore.Query {
	out := client.Collection(string(q.Kind)).Limit(q.Limit)
	if q.Field == "" {
		out = out.OrderBy(firestore.DocumentID, firestore.Asc)
		if !q.After.IsZero() {
			out = out.StartAfter(q.After.ID)
		}
		return out
	}
	path := firestore.FieldPath{fieldIndex, q.Field}
	if q.From != "" {
		out = out.WherePath(path, ">=", q.From)
	}
	if q.To != "" {
		out = out.WherePath(path, "<", q.To)
	}
	out = out.OrderByPath(path, firestore.Asc).OrderBy(firestore.DocumentID, firestore.Asc)
	if !q.After.IsZero() {
		out = out.StartAfter(q.After.Value, q.After.ID)
	}
	return out
}

// Close implements store.Driver. A Store that was never used has nothing to
// close.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.client == nil {
		return nil
	}
	client := s.client
	s.client = nil
	if err := client.Close(); err != nil {
		return fault.Wrap(err, fault.Transient, "store-io", "The connection to Firestore did not close cleanly.")
	}
	return nil
}

func ref(client *firestore.Client, key store.Key) *firestore.DocumentRef {
	return client.Collection(string(key.Kind)).Doc(key.ID)
}
