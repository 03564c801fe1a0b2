package account

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Type is the kind of managed Google Play account, in Google's own words.
type Type string

// The account types. A UserAccount belongs to one person on at most MaxDevices
// devices; a DeviceAccount belongs to one device.
const (
	UserAccount   Type = "userAccount"
	DeviceAccount Type = "deviceAccount"
)

// MaxDevices is how many devices may hold one UserAccount (Play EMM API,
// Users.generateAuthenticationToken).
const MaxDevices = 10

// Spec is what Google is told of an account. Neither Identifier nor DisplayName
// holds personal data (invariant P3).
type Spec struct {
	Identifier  string
	Type        Type
	DisplayName string
}

// Remote is what Google says of an account.
type Remote struct {
	UserID      string
	Identifier  string
	Type        Type
	DisplayName string
}

// Reasons that a Provider gives with fault.NotFound.
const (
	// ReasonUserMissing: Google has no such user in the enterprise.
	ReasonUserMissing = "play-user-missing"
	// ReasonEnterpriseMissing: Google has no such enterprise, or no longer binds
	// it to this EMM.
	ReasonEnterpriseMissing = "play-enterprise-missing"
)

// Provider creates accounts at Google and mints their tokens. The classic
// Users.insert flow (package play) is one; others can stand beside it
// (invariant P6). Implementations may be called concurrently; each method
// retries by itself what is worth retrying, so an error is the last word within
// ctx: fault.Transient or fault.Exhausted (with RetryAfter) where a later call
// may work, fault.NotFound with one of the reasons above, fault.Permanent else.
//
// playEnterprise is Google's id of the enterprise, such as "LC03abcd12".
type Provider interface {
	// Insert creates the account, or finds the one with the same identifier
	// (then at most its display name changes), and returns Google's user id. It
	// may be called any number of times with the same Spec (invariant P2).
	Insert(ctx context.Context, playEnterprise string, s Spec) (userID string, err error)
	// MintToken returns a new single-use authentication token. For a
	// DeviceAccount it deactivates the token before it. It is not retried once
	// Google may have minted one.
	MintToken(ctx context.Context, playEnterprise, userID string) (secret.Value, error)
}

// Remover takes accounts away at Google; the contract of Provider holds.
type Remover interface {
	// Delete deletes the account; a missing one is no error.
	Delete(ctx context.Context, playEnterprise, userID string) error
	// RevokeDeviceAccess signs every device out of the account; a missing one is
	// fault.NotFound.
	RevokeDeviceAccess(ctx context.Context, playEnterprise, userID string) error
}

// Renamer changes what Google shows for an account; the contract of Provider
// holds.
type Renamer interface {
	Rename(ctx context.Context, playEnterprise, userID, displayName string) error
}

// Inspector asks Google; the contract of Provider holds.
type Inspector interface {
	// Lookup returns what Google says of the account.
	Lookup(ctx context.Context, playEnterprise, userID string) (Remote, error)
}
