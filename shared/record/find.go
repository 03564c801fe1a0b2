package record

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Page is where a listing is to go on: the zero value is the beginning, and the
// Next of a listing is where the following page starts ("" at the end). Limit is
// 1 to 1000; 0 means 100.
type Page struct {
	Next  string
	Limit int
}

func fetch[T any](ctx context.Context, db *DB, kind store.Kind, id string) (T, error) {
	key := store.Key{Kind: kind, ID: id}
	doc, err := db.driver.Get(ctx, key)
	doc.Key = key
	return decode[T](doc, err)
}

// Enterprise returns an enterprise.
func (db *DB) Enterprise(ctx context.Context, id string) (enterprise.Enterprise, error) {
	return fetch[enterprise.Enterprise](ctx, db, Enterprises, id)
}

// Token returns an enrollment token.
func (db *DB) Token(ctx context.Context, id string) (enrollment.Token, error) {
	return fetch[enrollment.Token](ctx, db, Tokens, id)
}

// Device returns a device.
func (db *DB) Device(ctx context.Context, id string) (device.Device, error) {
	return fetch[device.Device](ctx, db, Devices, id)
}

// Account returns an account.
func (db *DB) Account(ctx context.Context, id string) (account.Account, error) {
	return fetch[account.Account](ctx, db, Accounts, id)
}

// Enterprises lists every enterprise in order of id.
func (db *DB) Enterprises(ctx context.Context, p Page) ([]enterprise.Enterprise, string, error) {
	return list[enterprise.Enterprise](ctx, db, store.Query{Kind: Enterprises}, p)
}

// EveryEnterprise is Enterprises for work on all of them: those that cannot be read
// are counted and left out, for one's damaged record must not stop the others.
func (db *DB) EveryEnterprise(ctx context.Context, p Page) (es []enterprise.Enterprise, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Query{Kind: Enterprises}, p)
	es, damaged = readable[enterprise.Enterprise](docs)
	return es, damaged, next, err
}

// Tokens lists an enterprise's enrollment tokens.
func (db *DB) Tokens(ctx context.Context, ent string, p Page) ([]enrollment.Token, string, error) {
	return list[enrollment.Token](ctx, db, store.Equal(Tokens, byEnterprise, ent, 0), p)
}

// Devices lists an enterprise's devices.
func (db *DB) Devices(ctx context.Context, ent string, p Page) ([]device.Device, string, error) {
	return list[device.Device](ctx, db, store.Equal(Devices, byEnterprise, ent, 0), p)
}

// EveryDevice is Devices for work on all of them: those that cannot be read are
// counted and left out.
func (db *DB) EveryDevice(ctx context.Context, ent string, p Page) (ds []device.Device, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Equal(Devices, byEnterprise, ent, 0), p)
	ds, damaged = readable[device.Device](docs)
	return ds, damaged, next, err
}

// DevicesOf lists the devices that should hold an account.
func (db *DB) DevicesOf(ctx context.Context, accountID string, p Page) ([]device.Device, string, error) {
	return list[device.Device](ctx, db, store.Equal(Devices, byAccount, accountID, 0), p)
}

// Accounts lists an enterprise's accounts.
func (db *DB) Accounts(ctx context.Context, ent string, p Page) ([]account.Account, string, error) {
	return list[account.Account](ctx, db, store.Equal(Accounts, byEnterprise, ent, 0), p)
}

// AccountsDue lists the accounts whose Due lies at or before now, the longest
// due first, and counts those that cannot be read: they are of all enterprises, and
// one enterprise's damaged record must not stop the others.
func (db *DB) AccountsDue(ctx context.Context, now time.Time, limit int) (as []account.Account, damaged int, err error) {
	docs, err := db.driver.Find(ctx, store.Query{Kind: Accounts, Field: byDue, To: store.Timestamp(now.Add(1)), Limit: limit})
	as, damaged = readable[account.Account](docs)
	return as, damaged, err
}

// AccountByUser finds an account by Google's ids.
func (db *DB) AccountByUser(ctx context.Context, playEnterprise, userID string) (account.Account, error) {
	return only[account.Account](ctx, db, store.Equal(Accounts, byUser, playEnterprise+"/"+userID, 1), "account with user id "+userID)
}

// AccountsByName lists an enterprise's accounts of the name that devices report.
// Each device says the name of its own account, so a device that lies gives its
// account the name of another: one name may have several accounts.
func (db *DB) AccountsByName(ctx context.Context, ent, name string, p Page) ([]account.Account, string, error) {
	return list[account.Account](ctx, db, store.Equal(Accounts, byName, nameIndex(ent, name), 0), p)
}

// Audit lists the trail of an enterprise from a moment on, oldest first.
func (db *DB) Audit(ctx context.Context, ent string, since time.Time, p Page) ([]audit.Record, string, error) {
	q := store.Query{Kind: Audit, Field: byTrail, From: ent + "|" + store.Timestamp(since), To: ent + "}"}
	return list[audit.Record](ctx, db, q, p)
}

// AppendAudit stores one record that belongs to no other change.
func (db *DB) AppendAudit(ctx context.Context, r audit.Record) error {
	return db.Update(ctx, func(tx *Tx) error { return tx.Audit(r) })
}

func only[T any](ctx context.Context, db *DB, q store.Query, what string) (T, error) {
	vs, _, err := list[T](ctx, db, q, Page{Limit: 1})
	if err != nil || len(vs) == 0 {
		var zero T
		if err == nil {
			err = fault.New(fault.NotFound, "not-found", "there is no %s", what)
		}
		return zero, err
	}
	return vs[0], nil
}

func list[T any](ctx context.Context, db *DB, q store.Query, p Page) ([]T, string, error) {
	docs, next, err := find(ctx, db, q, p)
	if err != nil {
		return nil, "", err
	}
	vs := make([]T, 0, len(docs))
	for _, d := range docs {
		v, err := decode[T](d, nil)
		if err != nil {
			return nil, "", err
		}
		vs = append(vs, v)
	}
	return vs, next, nil
}

// readable decodes the documents that can be, and counts the others.
func readable[T any](docs []store.Document) (vs []T, damaged int) {
	for _, d := range docs {
		v, err := decode[T](d, nil)
		if err != nil {
			damaged++
			continue
		}
		vs = append(vs, v)
	}
	return vs, damaged
}

func find(ctx context.Context, db *DB, q store.Query, p Page) (docs []store.Document, next string, err error) {
	q.Limit = p.Limit
	if q.Limit == 0 {
		q.Limit = 100
	}
	if p.Next != "" {
		if q.After, err = parseCursor(p.Next); err != nil {
			return nil, "", err
		}
	}
	if docs, err = db.driver.Find(ctx, q); err != nil || len(docs) < q.Limit {
		return docs, "", err
	}
	return docs, formatCursor(q.Cursor(docs[len(docs)-1])), nil
}

func formatCursor(c store.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.Value + "\x00" + c.ID))
}

func parseCursor(s string) (store.Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	value, id, ok := strings.Cut(string(b), "\x00")
	if err != nil || !ok || id == "" {
		return store.Cursor{}, fault.Field("next", "give the next value of the page before, unchanged")
	}
	return store.Cursor{Value: value, ID: id}, nil
}
