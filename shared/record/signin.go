package record

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/signin"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Attempts returns what went wrong with a login or from an address; nothing where
// there is no record.
func (db *DB) Attempts(ctx context.Context, id string) (signin.Attempts, error) {
	return orNone(id)(fetch[signin.Attempts](ctx, db, SignInAttempts, id))
}

// Attempts returns what went wrong with a login or from an address; nothing where
// there is no record.
func (tx *Tx) Attempts(id string) (signin.Attempts, error) {
	return orNone(id)(get[signin.Attempts](tx, SignInAttempts, id))
}

func orNone(id string) func(signin.Attempts, error) (signin.Attempts, error) {
	return func(a signin.Attempts, err error) (signin.Attempts, error) {
		if fault.KindOf(err) == fault.NotFound {
			return signin.Attempts{ID: id}, nil
		}
		return a, err
	}
}

// PutAttempts stores attempts for as long as they say anything under the rule.
func (tx *Tx) PutAttempts(a signin.Attempts, r signin.Rule) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode attempts: %w", err)
	}
	return tx.txn.Put(store.Document{Key: store.Key{Kind: SignInAttempts, ID: a.ID}, Body: body, Expires: a.Expires(r)})
}

// DeleteAttempts forgets what went wrong.
func (tx *Tx) DeleteAttempts(id string) error {
	return tx.txn.Delete(store.Key{Kind: SignInAttempts, ID: id})
}
