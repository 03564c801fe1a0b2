// Package workflow defines the command that starts work on accounts and devices:
// the payload of the topic event.Provision.
//
// An admin's request becomes one Command; whoever publishes it does none of the
// work. Like every event it is a nudge that may come twice, late or out of order,
// so each operation is one that can be done again.
package workflow

import (
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Op is what is to be done.
type Op string

// The operations on accounts.
const (
	// Create provisions accounts: rows that are not finished, or were deleted, are
	// brought to Google again, and devices that desire them are told to add them.
	Create Op = "create"
	// Rename gives accounts the display name DisplayName at Google.
	Rename Op = "rename"
	// Revoke signs every device out of the accounts (RevokeDeviceAccess) and holds
	// the devices, so that none adds its account again until it is released.
	Revoke Op = "revoke"
	// Delete has devices give the accounts up, and deletes the accounts at Google.
	Delete Op = "delete"
)

// The operations on devices.
const (
	// Retire takes devices out of service for good: each gives its account up, and
	// its key is never admitted again.
	Retire Op = "retire"
	// Release lifts the hold of devices and forgives their count of tokens.
	Release Op = "release"
)

// The operations on an enterprise.
const (
	// Verify asks Google whether the enterprise is bound.
	Verify Op = "verify"
	// Reconcile finishes what a crash left half done in the enterprise.
	Reconcile Op = "reconcile"
)

// Ops lists every operation.
func Ops() []Op { return []Op{Create, Rename, Revoke, Delete, Retire, Release, Verify, Reconcile} }

// OnAccounts reports whether the operation takes accounts.
func (o Op) OnAccounts() bool { return o == Create || o == Rename || o == Revoke || o == Delete }

// OnDevices reports whether the operation takes devices.
func (o Op) OnDevices() bool { return o == Retire || o == Release }

// MaxIDs is how many accounts or devices one command names; for more, use All.
const MaxIDs = 100

// Command asks for one operation in one enterprise. Exactly one of Accounts,
// Devices and All says on what, except for Verify and Reconcile, which take none.
type Command struct {
	Enterprise string   `json:"enterprise"`
	Op         Op       `json:"op"`
	Accounts   []string `json:"accounts,omitempty"` // account identifiers
	Devices    []string `json:"devices,omitempty"`  // device ids
	// All asks for every account, or every device, of the enterprise.
	All bool `json:"all,omitzero"`
	// Next is where a run over All goes on: the consumer publishes the rest of its
	// work as a continuation. Whoever starts a workflow leaves it empty.
	Next string `json:"next,omitempty"`
	// DisplayName is what Rename gives, 1 to 60 characters without personal data.
	DisplayName string `json:"displayName,omitempty"`
	// RequestedBy is the audit actor that asked, such as "admin:EMAIL".
	RequestedBy string `json:"requestedBy"`
	// RequestID ties the audit records of one request together.
	RequestID string `json:"requestId"`
	// RequestedAt is when it was asked for. What was asked for before the last
	// command that touched a row, and comes after it, is dropped there: an event may
	// be late, and a deletion that is must not undo the creation after it.
	RequestedAt time.Time `json:"requestedAt"`
}

var (
	enterprisePattern = pattern.New(`^[a-z][a-z0-9-]{1,39}$`)
	idPattern         = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	nextPattern       = pattern.New(`^[A-Za-z0-9_-]*$`)
)

// Validate returns fault.Invalid naming the first field that is wrong.
func (c Command) Validate() error {
	if !enterprisePattern.MatchString(c.Enterprise) {
		return fault.Field("enterprise", "an enterprise id is 2 to 40 of a-z, 0-9 and '-', beginning with a letter")
	}
	if err := c.checkTargets(); err != nil {
		return err
	}
	name := len([]rune(c.DisplayName))
	switch {
	case c.Op == Rename && (name < 1 || name > 60):
		return fault.Field("displayName", "give the new display name, 1 to 60 characters and nothing personal")
	case c.Op != Rename && name > 0:
		return fault.Field("displayName", "only rename takes a display name")
	case c.Next != "" && !c.All:
		return fault.Field("next", "only a command for all can be continued")
	case len(c.Next) > 4000 || !nextPattern.MatchString(c.Next):
		return fault.Field("next", "give the next value of the page before, unchanged")
	case c.RequestedBy == "" || len(c.RequestedBy) > 300:
		return fault.Field("requestedBy", "say who asks, such as admin:EMAIL")
	case c.RequestedAt.IsZero():
		return fault.Field("requestedAt", "say when it was asked for")
	case !idPattern.MatchString(c.RequestID):
		return fault.Field("requestId", "give the request an id of 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'")
	}
	return nil
}

func (c Command) checkTargets() error {
	switch {
	case c.Op.OnAccounts():
		if len(c.Devices) > 0 {
			return fault.Field("devices", "%s takes accounts, not devices", c.Op)
		}
		return checkIDs("accounts", c.Accounts, c.All)
	case c.Op.OnDevices():
		if len(c.Accounts) > 0 {
			return fault.Field("accounts", "%s takes devices, not accounts", c.Op)
		}
		return checkIDs("devices", c.Devices, c.All)
	case c.Op != Verify && c.Op != Reconcile:
		return fault.Field("op", "give create, rename, revoke, delete, retire, release, verify or reconcile")
	case len(c.Accounts) > 0:
		return fault.Field("accounts", "%s takes no accounts", c.Op)
	case len(c.Devices) > 0:
		return fault.Field("devices", "%s takes no devices", c.Op)
	case c.All:
		return fault.Field("all", "%s is for the whole enterprise already", c.Op)
	}
	return nil
}

func checkIDs(field string, ids []string, all bool) error {
	switch {
	case all && len(ids) > 0:
		return fault.Field(field, "name %s or give all, not both", field)
	case !all && len(ids) == 0:
		return fault.Field(field, "name 1 to %d %s, or give all", MaxIDs, field)
	case len(ids) > MaxIDs:
		return fault.Field(field, "at most %d %s can be named at once; send several requests, or give all", MaxIDs, field)
	}
	seen := make(map[string]bool, len(ids))
	for i, id := range ids {
		path := fmt.Sprintf("%s[%d]", field, i)
		if !idPattern.MatchString(id) {
			return fault.Field(path, "this is not an id")
		}
		if seen[id] {
			return fault.Field(path, "this id is there twice")
		}
		seen[id] = true
	}
	return nil
}
