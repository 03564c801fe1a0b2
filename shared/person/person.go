// Package person holds what Rollcall knows of each person of an organisation:
// what the directory says, which Google account is the person's, and whether the
// person's devices may hold accounts.
//
// A person is keyed by the directory's immutable id (entryUUID, objectGUID or
// Google's id), never by an address, so that a rename keeps the person.
package person

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// Person is one row.
type Person struct {
	// Key is made of enterprise and ID; see KeyOf.
	Key        string `json:"key"`
	Enterprise string `json:"enterprise"`
	// ID is the directory's immutable id.
	ID string `json:"id"`
	// Entry is what the directory last said, and EntryAt when it was read.
	Entry   Entry     `json:"entry"`
	EntryAt time.Time `json:"entryAt"`
	// Google is the joined Google account; the zero value is none. GoogleAt is
	// when Google was last asked, which a full walk that began earlier must not
	// undo.
	Google   Google    `json:"google,omitzero"`
	GoogleAt time.Time `json:"googleAt,omitzero"`

	// Labels are what admins gave the person; the person's devices count as having
	// them. No directory changes them.
	Labels []string `json:"labels,omitempty"`
	// LabelsAsked is when each label was last asked about; see
	// workflow.Command.Relabel.
	LabelsAsked map[string]time.Time `json:"labelsAsked,omitempty"`

	State State `json:"state"`
	// Since is when State began.
	Since time.Time `json:"since"`
	// DeleteAt is when the accounts of a Leaving person are deleted.
	DeleteAt time.Time `json:"deleteAt,omitzero"`
	// Settled is the access that devices and accounts were last brought to, empty
	// while they are being brought to another; work is left while it differs from
	// State's.
	Settled Access `json:"settled"`
	// Attempts counts how often bringing them there failed; each makes the next
	// later.
	Attempts int `json:"attempts,omitzero"`
	// Problems are what a run could not do for the person, each one word; empty
	// when all is well.
	Problems  []string  `json:"problems,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// State is where a person stands.
type State string

// The states. Only a positive finding leads from Active to Leaving: absence from a
// list alone makes a person Missing, which changes nothing (invariant D5).
const (
	Active State = "active"
	// Disabled: the directory has the person and says that the account is locked.
	Disabled State = "disabled"
	// Missing: the person was not listed, and nothing confirms that they left.
	Missing State = "missing"
	// Leaving: the person left; accounts are deleted at DeleteAt.
	Leaving State = "leaving"
	// Gone: the person left and the accounts are deleted. The row stays, so that
	// whoever returns is known.
	Gone State = "gone"
)

// Access is what a person's devices may have.
type Access string

// The degrees of access.
const (
	// Granted: devices hold their accounts.
	Granted Access = "granted"
	// Withdrawn: devices give their accounts up, and Google revokes their access;
	// the accounts stay.
	Withdrawn Access = "withdrawn"
	// Removed: the accounts are deleted.
	Removed Access = "removed"
)

// Access returns the access that goes with the state.
func (s State) Access() Access {
	switch s {
	case Active, Missing:
		return Granted
	case Disabled, Leaving:
		return Withdrawn
	}
	return Removed
}

// Entry is a person as the directory describes them. Empty fields are absent.
type Entry struct {
	ID string `json:"id"`
	// DN is LDAP's name of the entry, for reports alone: it changes.
	DN string `json:"dn,omitempty"`
	// Mail is the primary address as the directory writes it; compare it with
	// MailKey.
	Mail    string   `json:"mail,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	// Unranked: Mail is one of several addresses that the directory does not put in
	// an order; the others are among Aliases.
	Unranked bool `json:"unranked,omitzero"`
	// Login is the user id, such as uid or sAMAccountName.
	Login       string `json:"login,omitempty"`
	GivenName   string `json:"givenName,omitempty"`
	FamilyName  string `json:"familyName,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	// Unit is where the person is in the organisation: the DN of the parent entry,
	// or Google's path of the organizational unit.
	Unit string `json:"unit,omitempty"`
	// Enabled is Unknown where the source does not say; that is not No.
	Enabled Tri `json:"enabled,omitempty"`
	// Attributes are the custom attributes that the mapping asks for, by their
	// name in the mapping.
	Attributes map[string]string `json:"attributes,omitempty"`
	// Hash is a keyed digest of the password hash, where hashes are synchronised:
	// it tells that the hash changed and nothing else.
	Hash string `json:"hash,omitempty"`
}

// Google is a person's Google account as Google last described it.
type Google struct {
	// ID is Google's immutable id; empty while the account is being created, and
	// where there is none.
	ID          string   `json:"id,omitempty"`
	Mail        string   `json:"mail,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
	GivenName   string   `json:"givenName,omitempty"`
	FamilyName  string   `json:"familyName,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
	OrgUnit     string   `json:"orgUnit,omitempty"`
	// Suspended and Archived are Unknown where Google left them out.
	Suspended Tri `json:"suspended,omitempty"`
	Archived  Tri `json:"archived,omitempty"`
	// Admin is No only where Google says that the user administers nothing.
	Admin Tri `json:"admin,omitempty"`
	// Owner is the person key that Rollcall wrote into the account when it made
	// it; empty for all others.
	Owner     string    `json:"owner,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	// Deleted: Google confirmed that the account was deleted.
	Deleted bool `json:"deleted,omitzero"`
	// SuspendedByUs: Rollcall suspended the account, so Rollcall may lift it.
	SuspendedByUs bool `json:"suspendedByUs,omitzero"`
	// DeleteAt is when the account is to be deleted at Google, where policy says so.
	DeleteAt time.Time `json:"deleteAt,omitzero"`
	// Hash is Entry.Hash of the password hash that was last sent.
	Hash string `json:"hash,omitempty"`
}

// CanSignIn reports whether the account is known to be open.
func (g Google) CanSignIn() bool {
	return g.ID != "" && !g.Deleted && g.Suspended == No && g.Archived != Yes
}

// Tri is a statement that may be missing.
type Tri string

// The three values.
const (
	Unknown Tri = ""
	No      Tri = "no"
	Yes     Tri = "yes"
)

// TriOf returns Yes or No.
func TriOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// KeyOf returns the key of a person: 26 characters of [a-z2-7], 128 bits of a hash
// of enterprise and directory id, so that any id the directory makes up can be
// stored and found with one read.
func KeyOf(enterprise, id string) string { return KeyText(KeyHash(enterprise, id)) }

// KeyHash is KeyOf in binary.
func KeyHash(enterprise, id string) (k [16]byte) {
	sum := sha256.Sum256([]byte("rollcall person v1\x00" + enterprise + "\x00" + id))
	copy(k[:], sum[:])
	return k
}

// KeyText renders a binary key.
func KeyText(k [16]byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(k[:]))
}

// MailKey returns the form of an address in which two that reach the same mailbox
// are equal: lower case, without surrounding space.
func MailKey(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// Name returns what people call the person: the display name, else the names, else
// the address, else the id.
func (e Entry) Name() string {
	full := strings.TrimSpace(e.GivenName + " " + e.FamilyName)
	for _, s := range []string{e.DisplayName, full, e.Mail, e.Login} {
		if s != "" {
			return s
		}
	}
	return e.ID
}
