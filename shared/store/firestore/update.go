package firestore

import (
	"context"
	"errors"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/store"
)

// MaxAttempts is how often an Update's closure runs at most before the Update
// gives up. The backoff grows from about one second, so that more attempts would
// outlast the requests that wait.
const MaxAttempts = 6

// Update implements store.Driver.
func (s *Store) Update(ctx context.Context, fn func(store.Txn) error) error {
	client, err := s.connect(ctx)
	if err != nil {
		return err
	}
	var run *store.Run
	err = client.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
		var cause error // what Google said, by which RunTransaction tries again
		run = store.RunClosure(fn, func(key store.Key) (store.Document, error) {
			snap, err := tx.Get(ref(client, key))
			if err != nil {
				if status.Code(err) != codes.NotFound {
					cause = err
				}
				return store.Document{}, classifyRead(ctx, key, err)
			}
			return decode(key, snap.Data())
		})
		switch {
		case cause != nil:
			return cause
		case run.Aborted() || run.Err != nil || run.ReadErr != nil:
			return errAbandoned
		}
		return stage(client, tx, run.Writes)
	}, firestore.MaxAttempts(MaxAttempts))
	if errors.Is(err, errAbandoned) {
		run.Release()
		if run.ReadErr != nil {
			return run.ReadErr
		}
		return run.Err
	}
	return classify(ctx, err)
}

// errAbandoned makes RunTransaction roll back without trying again, whatever
// status the closure's own error may wrap.
var errAbandoned = errors.New("firestore: the closure did not ask for a commit")

// stage hands the writes of a run to the transaction.
func stage(client *firestore.Client, tx *firestore.Transaction, writes []store.Write) error {
	for _, w := range writes {
		ref := ref(client, w.Document.Key)
		var err error
		if w.Delete {
			err = tx.Delete(ref)
		} else {
			err = tx.Set(ref, encode(w))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
