package workspace

import (
	"bytes"
	"time"
)

// Tri is a boolean that Google may leave out of a reply. New users come without
// suspended and archived for a while, and absence is not false: act only on Yes
// and No.
type Tri uint8

// The three values.
const (
	Unknown Tri = iota
	No
	Yes
)

// String returns "unknown", "no" or "yes".
func (t Tri) String() string { return [...]string{"unknown", "no", "yes"}[min(t, Yes)] }

// UnmarshalJSON reads true and false; null and all else is Unknown.
func (t *Tri) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("true")):
		*t = Yes
	case bytes.Equal(b, []byte("false")):
		*t = No
	default:
		*t = Unknown
	}
	return nil
}

func triOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// Key names a user in a call.
type Key struct {
	// ID is Google's immutable id, or else the primary address or an alias. Use
	// the id wherever it is known: a new address takes up to ten minutes to
	// reach every server.
	ID string
	// CreatedAt is when the user was inserted, where that is known. For
	// Options.Propagation from then on 404 and 403 are google.ReasonNotReady.
	// Zero is long ago.
	CreatedAt time.Time
}

// ByID returns the Key of a user who was not created of late.
func ByID(id string) Key { return Key{ID: id} }

// User is what Google says of a user. Empty and zero values are unknown.
type User struct {
	ID           string
	PrimaryEmail string
	Aliases      []string
	GivenName    string
	FamilyName   string
	DisplayName  string
	OrgUnitPath  string
	Suspended    Tri
	Archived     Tri
	// SuspensionReason is Google's word, for suspended users only.
	SuspensionReason          string
	ChangePasswordAtNextLogin Tri
	// Admin is a super administrator.
	Admin          Tri
	DelegatedAdmin Tri
	ExternalIDs    []ExternalID
	CreatedAt      time.Time
	// LastLoginAt is zero for a user who never signed in.
	LastLoginAt time.Time
	// DeletedAt is set in listings of deleted users only.
	DeletedAt time.Time
	ETag      string
}

// ExternalID is an id of the user elsewhere, such as in the organisation's own
// directory.
type ExternalID struct {
	Value string `json:"value"`
	// Type is account, custom, customer, login_id, network or organization.
	Type string `json:"type,omitempty"`
	// CustomType names a type custom.
	CustomType string `json:"customType,omitempty"`
}

// Key returns the user's key with the age.
func (u User) Key() Key { return Key{ID: u.ID, CreatedAt: u.CreatedAt} }

// MayBeAdmin reports whether the user is an administrator or Google does not
// say; such a user is never suspended or deleted (invariant D9).
func (u User) MayBeAdmin() bool { return u.Admin != No || u.DelegatedAdmin != No }

// userFields is the field mask of one user. What is not asked for is not sent,
// and personal data that nobody needs does not travel.
const userFields = "id,primaryEmail,aliases,name(givenName,familyName,displayName),orgUnitPath,suspended,archived," +
	"suspensionReason,changePasswordAtNextLogin,isAdmin,isDelegatedAdmin,externalIds,creationTime,lastLoginTime," +
	"deletionTime,etag"

// wireUser is Google's User, as far as userFields asks for it.
type wireUser struct {
	ID           string   `json:"id"`
	PrimaryEmail string   `json:"primaryEmail"`
	Aliases      []string `json:"aliases"`
	Name         struct {
		GivenName   string `json:"givenName"`
		FamilyName  string `json:"familyName"`
		DisplayName string `json:"displayName"`
	} `json:"name"`
	OrgUnitPath      string       `json:"orgUnitPath"`
	Suspended        Tri          `json:"suspended"`
	Archived         Tri          `json:"archived"`
	SuspensionReason string       `json:"suspensionReason"`
	ChangePassword   Tri          `json:"changePasswordAtNextLogin"`
	IsAdmin          Tri          `json:"isAdmin"`
	IsDelegatedAdmin Tri          `json:"isDelegatedAdmin"`
	ExternalIDs      []ExternalID `json:"externalIds"`
	CreationTime     string       `json:"creationTime"`
	LastLoginTime    string       `json:"lastLoginTime"`
	DeletionTime     string       `json:"deletionTime"`
	ETag             string       `json:"etag"`
}

func (w *wireUser) user() User {
	return User{
		ID: w.ID, PrimaryEmail: w.PrimaryEmail, Aliases: w.Aliases,
		GivenName: w.Name.GivenName, FamilyName: w.Name.FamilyName, DisplayName: w.Name.DisplayName,
		OrgUnitPath: w.OrgUnitPath, Suspended: w.Suspended, Archived: w.Archived, SuspensionReason: w.SuspensionReason,
		ChangePasswordAtNextLogin: w.ChangePassword, Admin: w.IsAdmin, DelegatedAdmin: w.IsDelegatedAdmin,
		ExternalIDs: w.ExternalIDs, CreatedAt: timeOf(w.CreationTime), LastLoginAt: timeOf(w.LastLoginTime),
		DeletedAt: timeOf(w.DeletionTime), ETag: w.ETag,
	}
}

// timeOf reads a time of Google. The beginning of 1970, which is how Google
// writes "never", and what is no time are zero.
func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Unix() <= 0 {
		return time.Time{}
	}
	return t.UTC()
}
