// Package device holds what Rollcall knows and wants of each device, and the two
// pure rules of check-in: Report.Apply takes in what a device says, and Plan says
// what it should do next.
package device

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/replay"
)

// State is where a device is in its life.
type State string

// The states of a device. A Retired device stays known, because its key must
// never be pinned to another (invariant C2); it is told to give its accounts up.
const (
	Active  State = "active"
	Retired State = "retired"
)

// Device is one installation of the agent.
type Device struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	State      State  `json:"state"`
	// EncryptionKey is the public JWK that replies are sealed to.
	EncryptionKey json.RawMessage `json:"encryptionKey"`
	Subject       account.Subject `json:"subject"`
	Labels        []string        `json:"labels,omitempty"`
	// LabelsAsked is when a workflow was last asked to change each label; see
	// workflow.Command.Relabel.
	LabelsAsked map[string]time.Time `json:"labelsAsked,omitempty"`
	Info        protocol.DeviceInfo  `json:"info"`
	AndroidID   string               `json:"androidId,omitempty"`
	// EnrollmentToken is the id of the token it enrolled with; empty where EnrolledBy
	// is not.
	EnrollmentToken string `json:"enrollmentToken"`
	// EnrolledBy is the kind of credentials it enrolled with in place of a token.
	EnrolledBy     Credentials        `json:"enrolledBy,omitempty"`
	EnrolledAt     time.Time          `json:"enrolledAt"`
	LastSeen       time.Time          `json:"lastSeen"`
	CheckInSeconds int                `json:"checkInSeconds"`
	Desired        Desired            `json:"desired"`
	Accounts       []protocol.Account `json:"accounts,omitempty"` // as last reported
	Proofs         replay.Window      `json:"proofs,omitempty"`
	Mail           Mail               `json:"mail,omitzero"`
	// CommandAt is when the last workflow that touched the row was asked for.
	CommandAt time.Time `json:"commandAt,omitzero"`
}

// Credentials are an organisation's own credentials of its people.
type Credentials string

// The kinds of credentials.
const (
	ByPassword Credentials = "ldap" // a bind to the LDAP directory
	ByIDToken  Credentials = "oidc" // an ID token of the identity provider
)

// Hold is why a device that should have an account is not told to add it.
type Hold string

// The holds. Each is lifted by an operator, but for those of the person, which the
// person's return lifts, and nothing else.
const (
	NoHold        Hold = ""
	DeviceLimit   Hold = account.ReasonDeviceLimit
	NeedsOperator Hold = "needs-operator"
	AccountGone   Hold = "account-deleted"
	Revoked       Hold = "access-revoked"
	// EnterpriseGone: Google no longer knows the enterprise.
	EnterpriseGone Hold = account.ReasonEnterpriseMissing
	// PersonDisabled: the directory says that the person's account is locked.
	PersonDisabled Hold = "person-disabled"
	// PersonLeft: the directory no longer has the person.
	PersonLeft Hold = "person-left"
)

// Desired is the account that a device should hold.
type Desired struct {
	AccountID      string       `json:"accountId,omitempty"`
	AccountType    account.Type `json:"accountType,omitempty"`
	PlayEnterprise string       `json:"playEnterprise,omitempty"`
	DisplayName    string       `json:"displayName,omitempty"`
	// OwnAccountID is the identifier of the device account that takes the place
	// of a user account with no room left, so that the key is not needed then.
	OwnAccountID string `json:"ownAccountId,omitempty"`
	// Generation counts the additions asked for; it makes a directive's id new.
	Generation int `json:"generation,omitzero"`
	// AccountName is the account's name on the device once it was added.
	AccountName string `json:"accountName,omitempty"`
	Hold        Hold   `json:"hold,omitempty"`
	// Barred is the hold of the person while there is one; see Bar. It stands
	// behind Hold, so that whoever lifts another does not lift it.
	Barred Hold `json:"barred,omitempty"`
}

// ID returns the id of the device whose signing key has the given RFC 7638
// thumbprint (SHA-256). One key gives one id, so one key is one device for ever
// (invariant C2), and a request is matched to its row without an index.
func ID(thumbprint []byte) string {
	return "d" + digest("rollcall device v1", string(thumbprint))
}

// digest returns 25 characters of [a-z2-7], 125 bits.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:16]))[:25]
}

// Status is one word for people: what is the matter with the device's account.
func (d *Device) Status() string {
	switch {
	case d.State == Retired:
		return "retired"
	case d.Desired.Hold != NoHold:
		return "held"
	case d.Desired.AccountID == "":
		return "no account"
	case d.Desired.AccountName == "":
		return "adding"
	}
	return "ready"
}

// AccountSubject returns whom the desired account belongs to: the subject, or the
// device itself where it has an account of its own.
func (d *Device) AccountSubject() account.Subject {
	if d.Desired.AccountType == account.DeviceAccount {
		return account.Subject{Kind: account.Device, ID: d.ID}
	}
	return d.Subject
}

// UseOwnAccount gives the device an account of its own in place of its person's.
func (d *Device) UseOwnAccount() {
	d.Desired.AccountType = account.DeviceAccount
	d.Desired.Want(d.Desired.OwnAccountID)
}

// WantedAccount returns what the row of the desired account is made of.
func (d *Device) WantedAccount() account.Account {
	return account.Account{
		ID: d.Desired.AccountID, Enterprise: d.Enterprise, PlayEnterprise: d.Desired.PlayEnterprise,
		Subject: d.AccountSubject(), Type: d.Desired.AccountType, DisplayName: d.Desired.DisplayName,
	}
}
