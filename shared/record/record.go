// Package record maps the domain's types to documents of a store.Driver: which
// kind each lives in, its id, and the index fields by which it is found. It holds
// no rules; those are in the domain packages.
package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// The kinds of document, which are Firestore's collections.
const (
	Enterprises store.Kind = "enterprises"
	Tokens      store.Kind = "enrollmentTokens"
	Uses        store.Kind = "enrollmentUses"
	Devices     store.Kind = "devices"
	Accounts    store.Kind = "accounts"
	Audit       store.Kind = "audit"
	// PlayClaims holds which enterprise each of Google's is bound to, so that two
	// enterprises cannot be bound to one.
	PlayClaims store.Kind = "playClaims"

	People             store.Kind = "people"
	Directories        store.Kind = "directories"
	DirectoryStates    store.Kind = "directoryStates"
	DirectoryRuns      store.Kind = "directoryRuns"
	DirectoryPages     store.Kind = "directoryPages"
	DirectoryManifests store.Kind = "directoryManifests"
	DirectoryPlans     store.Kind = "directoryPlans"
	DirectoryChannels  store.Kind = "directoryChannels"

	// SignInAttempts counts wrong credentials; see package signin.
	SignInAttempts store.Kind = "signInAttempts"

	Passwords        store.Kind = "passwords"
	PasswordPolicies store.Kind = "passwordPolicies"
	// PasswordTurns spaces an enterprise's calls to Google; see password.Turns.
	PasswordTurns store.Kind = "passwordTurns"
	// MailBooks holds the mail settings, one row an enterprise.
	MailBooks store.Kind = "mailBooks"
	// MailClients holds the servers that get tokens for mailboxes.
	MailClients store.Kind = "mailClients"
)

// Kinds lists every kind.
func Kinds() []store.Kind {
	return []store.Kind{Enterprises, Tokens, Uses, Devices, Accounts, Audit, PlayClaims, People, Directories,
		DirectoryStates, DirectoryRuns, DirectoryPages, DirectoryManifests, DirectoryPlans, DirectoryChannels, SignInAttempts,
		Passwords, PasswordPolicies, PasswordTurns, MailBooks, MailClients}
}

// The index fields.
const (
	byEnterprise = "enterprise" // the enterprise's id
	byAccount    = "account"    // a device's desired account
	byUser       = "user"       // Google's enterprise and user ids
	byName       = "name"       // enterprise and account name on devices
	byDue        = "due"        // when the row needs attention
	byTrail      = "trail"      // enterprise and time
	byPerson     = "person"     // a device's person
	bySubject    = "subject"    // whose account it is
	byMail       = "mail"       // enterprise and a person's address
	byGoogleMail = "googleMail" // enterprise and the address of a person's Google account, where it is another
	byLogin      = "login"      // enterprise and a person's user id
	byGoogle     = "google"     // enterprise and a person's Google account
	byState      = "state"      // enterprise and a person's state
	byGoogleDue  = "googleDue"  // enterprise and when a Google account is to be deleted
)

// DB is the typed store. It may be used concurrently. A missing record is
// fault.NotFound with a public text that names it.
type DB struct {
	driver store.Driver
	ids    func() string
	audit  time.Duration
}

// New returns a DB over driver. ids makes the ids of audit records, unique and
// without order (26 characters or so of [a-z2-7]).
func New(driver store.Driver, ids func() string) *DB { return &DB{driver: driver, ids: ids} }

// KeepAudit returns a DB that has the store drop audit records some time after d;
// 0 keeps them for ever.
func (db *DB) KeepAudit(d time.Duration) *DB {
	kept := *db
	kept.audit = d
	return &kept
}

// Sweep drops up to limit records that expired at or before now, where the store
// does not do that by itself, and returns how many it dropped.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (dropped int, err error) {
	if s, ok := db.driver.(store.Sweeper); ok {
		return s.Sweep(ctx, now, limit)
	}
	return 0, nil
}

// Tx is a transaction under way, with the store's rules: all reads come before
// the first write.
type Tx struct {
	txn   store.Txn
	ids   func() string
	audit time.Duration
}

// Update runs fn in one transaction; see store.Driver.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.driver.Update(ctx, func(txn store.Txn) error { return fn(&Tx{txn, db.ids, db.audit}) })
}

// In returns db's Update as a function over T, the narrow view of a transaction
// that a domain package declares. *Tx must implement T.
func In[T any](db *DB) func(context.Context, func(T) error) error {
	return func(ctx context.Context, fn func(T) error) error {
		return db.Update(ctx, func(tx *Tx) error { return fn(any(tx).(T)) })
	}
}

// *Tx is every view of a transaction that is declared elsewhere.
var (
	_ account.Rows    = (*Tx)(nil)
	_ enterprise.Rows = (*Tx)(nil)
)

func get[T any](tx *Tx, kind store.Kind, id string) (T, error) {
	key := store.Key{Kind: kind, ID: id}
	doc, err := tx.txn.Get(key)
	doc.Key = key
	return decode[T](doc, err)
}

func put(tx *Tx, kind store.Kind, id string, v any, index map[string]string) error {
	return putUntil(tx, kind, id, v, index, time.Time{})
}

// putUntil is put for what the store may drop after expires; the zero time is
// never.
func putUntil(tx *Tx, kind store.Kind, id string, v any, index map[string]string, expires time.Time) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", kind, id, err)
	}
	return tx.txn.Put(store.Document{Key: store.Key{Kind: kind, ID: id}, Body: body, Index: index, Expires: expires})
}

// Enterprise returns an enterprise.
func (tx *Tx) Enterprise(id string) (enterprise.Enterprise, error) {
	return get[enterprise.Enterprise](tx, Enterprises, id)
}

// PutEnterprise stores an enterprise.
func (tx *Tx) PutEnterprise(e enterprise.Enterprise) error {
	return put(tx, Enterprises, e.ID, e, nil)
}

type playClaim struct {
	Enterprise string `json:"enterprise"`
}

// PlayClaim returns the id of the enterprise that is bound to Google's enterprise
// of that id, or fault.NotFound.
func (tx *Tx) PlayClaim(play string) (string, error) {
	c, err := get[playClaim](tx, PlayClaims, play)
	return c.Enterprise, err
}

// PutPlayClaim binds an enterprise to Google's enterprise.
func (tx *Tx) PutPlayClaim(play, id string) error {
	return put(tx, PlayClaims, play, playClaim{id}, nil)
}

// Token returns an enrollment token.
func (tx *Tx) Token(id string) (enrollment.Token, error) {
	return get[enrollment.Token](tx, Tokens, id)
}

// PutToken stores an enrollment token.
func (tx *Tx) PutToken(t enrollment.Token) error {
	return put(tx, Tokens, t.ID, t, map[string]string{byEnterprise: t.Enterprise})
}

// Shard returns a shard of an enrollment token's uses; one that was never
// written is empty.
func (tx *Tx) Shard(id string) (enrollment.Shard, error) {
	s, err := get[enrollment.Shard](tx, Uses, id)
	if fault.KindOf(err) == fault.NotFound {
		return enrollment.Shard{ID: id}, nil
	}
	return s, err
}

// PutShard stores a shard.
func (tx *Tx) PutShard(s enrollment.Shard) error { return put(tx, Uses, s.ID, s, nil) }

// Device returns a device.
func (tx *Tx) Device(id string) (device.Device, error) {
	return get[device.Device](tx, Devices, id)
}

// PutDevice stores a device.
func (tx *Tx) PutDevice(d device.Device) error {
	index := map[string]string{byEnterprise: d.Enterprise}
	if d.Desired.AccountID != "" {
		index[byAccount] = d.Desired.AccountID
	}
	if d.Subject.Kind == account.Person {
		index[byPerson] = d.Enterprise + "/" + d.Subject.ID
	}
	return put(tx, Devices, d.ID, d, index)
}

// Account returns an account.
func (tx *Tx) Account(id string) (account.Account, error) {
	return get[account.Account](tx, Accounts, id)
}

// PutAccount stores an account, so that it is found by user id, by name, and
// when it is due (invariant P4).
func (tx *Tx) PutAccount(a account.Account) error {
	index := map[string]string{byEnterprise: a.Enterprise, bySubject: a.Enterprise + "/" + a.Subject.String()}
	if a.UserID != "" {
		index[byUser] = a.PlayEnterprise + "/" + a.UserID
	}
	if a.Name != "" {
		index[byName] = nameIndex(a.Enterprise, a.Name)
	}
	if due := a.Due(); !due.IsZero() {
		index[byDue] = store.Timestamp(due)
	}
	return put(tx, Accounts, a.ID, a, index)
}

// nameIndex is the index value of an account's name on devices. A device may say a
// name of 254 characters, and the bytes of those can be more than a value has.
func nameIndex(enterprise, name string) string {
	if v := enterprise + "/" + name; len(v) <= store.MaxValue {
		return v
	}
	sum := sha256.Sum256([]byte(name))
	return enterprise + "/" + hex.EncodeToString(sum[:])
}

// Audit appends a record; its ID is made here.
func (tx *Tx) Audit(r audit.Record) error {
	r.ID = tx.ids()
	var expires time.Time
	if tx.audit > 0 {
		expires = r.At.Add(tx.audit)
	}
	return putUntil(tx, Audit, r.ID, r, map[string]string{byTrail: r.Enterprise + "|" + store.Timestamp(r.At)}, expires)
}
