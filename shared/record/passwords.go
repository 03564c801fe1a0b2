package record

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Password returns the password row of a person by key; one that was never written
// is password.New.
func (db *DB) Password(ctx context.Context, ent, key string) (password.Ledger, error) {
	return ledgerOrNew(ent, key)(fetch[password.Ledger](ctx, db, Passwords, key))
}

// Passwords lists an enterprise's password rows; with a state, those in it alone.
func (db *DB) Passwords(ctx context.Context, ent string, state password.State, p Page) ([]password.Ledger, string, error) {
	if state == "" {
		return list[password.Ledger](ctx, db, store.Equal(Passwords, byEnterprise, ent, 0), p)
	}
	return list[password.Ledger](ctx, db, store.Equal(Passwords, byState, ent+"/"+string(state), 0), p)
}

// AnyPassword reports whether a person of any enterprise has a password row, so that
// a key set has sealed something. It reads one row at most.
func (db *DB) AnyPassword(ctx context.Context) (bool, error) {
	docs, _, err := find(ctx, db, store.Query{Kind: Passwords}, Page{Limit: 1})
	return len(docs) > 0, err
}

// EveryPassword is Passwords for work on all of them: those that cannot be read are
// counted and left out, for one must not stop the others.
func (db *DB) EveryPassword(ctx context.Context, ent string, p Page) (ls []password.Ledger, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Equal(Passwords, byEnterprise, ent, 0), p)
	ls, damaged = readable[password.Ledger](docs)
	return ls, damaged, next, err
}

// PasswordsDue lists the rows of all enterprises in a shard, 0 to
// password.DueShards-1, that are due at or before now, the longest due first, and
// counts those that cannot be read.
func (db *DB) PasswordsDue(ctx context.Context, shard int, now time.Time, p Page) (ls []password.Ledger, damaged int, next string, err error) {
	from, to := password.DueRange(shard, now)
	docs, next, err := find(ctx, db, store.Query{Kind: Passwords, Field: byDue, From: from, To: to}, p)
	ls, damaged = readable[password.Ledger](docs)
	return ls, damaged, next, err
}

// Password returns the password row of a person; one that was never written is
// password.New.
func (tx *Tx) Password(ent, key string) (password.Ledger, error) {
	return ledgerOrNew(ent, key)(get[password.Ledger](tx, Passwords, key))
}

// PutPassword stores a password row, so that it is found by state and when it is
// due.
func (tx *Tx) PutPassword(l password.Ledger) error {
	index := map[string]string{byEnterprise: l.Enterprise, byState: l.Enterprise + "/" + string(l.State)}
	if due := l.DueKey(); due != "" {
		index[byDue] = due
	}
	return put(tx, Passwords, l.Person, l, index)
}

func ledgerOrNew(ent, key string) func(password.Ledger, error) (password.Ledger, error) {
	return func(l password.Ledger, err error) (password.Ledger, error) {
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return password.New(ent, key), nil
		case err == nil && l.Enterprise != ent:
			return l, fault.New(fault.NotFound, "not-found", "there is no person %q in this enterprise", key)
		}
		return l, err
	}
}

// PasswordPolicy returns an enterprise's policy of generated passwords. Without one
// no password is generated, and it is fault.NotFound.
func (db *DB) PasswordPolicy(ctx context.Context, ent string) (password.Policy, error) {
	return fetch[password.Policy](ctx, db, PasswordPolicies, ent)
}

// PasswordPolicy returns an enterprise's policy of generated passwords, or
// fault.NotFound.
func (tx *Tx) PasswordPolicy(ent string) (password.Policy, error) {
	return get[password.Policy](tx, PasswordPolicies, ent)
}

// PutPasswordPolicy stores a policy.
func (tx *Tx) PutPasswordPolicy(p password.Policy) error {
	return put(tx, PasswordPolicies, p.Enterprise, p, nil)
}

// DeletePasswordPolicy removes a policy.
func (tx *Tx) DeletePasswordPolicy(ent string) error {
	return tx.txn.Delete(store.Key{Kind: PasswordPolicies, ID: ent})
}

// PasswordTurns returns whose turn it is among an enterprise's passwords. A row that
// is missing, or cannot be read, is the beginning: losing it loses nothing.
func (tx *Tx) PasswordTurns(ent string) (password.Turns, error) {
	t, err := get[password.Turns](tx, PasswordTurns, ent)
	switch {
	case fault.KindOf(err) == fault.NotFound, fault.ReasonOf(err) == reasonDamaged, err == nil && t.Enterprise != ent:
		return password.Turns{Enterprise: ent}, nil
	}
	return t, err
}

// PutPasswordTurns stores whose turn it is.
func (tx *Tx) PutPasswordTurns(t password.Turns) error {
	return put(tx, PasswordTurns, t.Enterprise, t, nil)
}

// MailBook returns an enterprise's mail settings; a book that was never written is
// empty.
func (db *DB) MailBook(ctx context.Context, ent string) (mail.Book, error) {
	return bookOrNew(ent)(fetch[mail.Book](ctx, db, MailBooks, ent))
}

// MailBook returns an enterprise's mail settings; a book that was never written is
// empty.
func (tx *Tx) MailBook(ent string) (mail.Book, error) {
	return bookOrNew(ent)(get[mail.Book](tx, MailBooks, ent))
}

// PutMailBook stores an enterprise's mail settings.
func (tx *Tx) PutMailBook(b mail.Book) error { return put(tx, MailBooks, b.Enterprise, b, nil) }

func bookOrNew(ent string) func(mail.Book, error) (mail.Book, error) {
	return func(b mail.Book, err error) (mail.Book, error) {
		if fault.KindOf(err) == fault.NotFound {
			return mail.Book{Enterprise: ent}, nil
		}
		return b, err
	}
}
