// Package workflow defines the command that starts work on accounts, devices and
// people: the payload of the topic event.Provision.
//
// An admin's request, or what the directory's synchronisation found out, becomes
// one Command; whoever publishes it does none of the work. Like every event it is a nudge that may come twice, late or out of order,
// so each operation is one that can be done again.
package workflow

import (
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
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

// The operation on people.
const (
	// Settle brings the devices and accounts of people to the access that their rows
	// ask for (person.State.Access), whatever was asked for when the command was
	// published: the row is the truth, so a command that is late does no harm.
	Settle Op = "settle"
)

// The operations on an enterprise.
const (
	// Verify asks Google whether the enterprise is bound.
	Verify Op = "verify"
	// Reconcile finishes what a crash left half done in the enterprise.
	Reconcile Op = "reconcile"
)

// Ops lists every operation.
func Ops() []Op {
	return []Op{Create, Rename, Revoke, Delete, Retire, Release, Settle, Verify, Reconcile}
}

// OnAccounts reports whether the operation takes accounts.
func (o Op) OnAccounts() bool { return o == Create || o == Rename || o == Revoke || o == Delete }

// OnDevices reports whether the operation takes devices.
func (o Op) OnDevices() bool { return o == Retire || o == Release }

// OnPeople reports whether the operation takes people.
func (o Op) OnPeople() bool { return o == Settle }

// MaxIDs is how many accounts, devices or people one command names; for more
// accounts or devices, use All, for more people several commands.
const MaxIDs = 100

// Command asks for one operation in one enterprise. Exactly one of Accounts,
// Devices, People and All says on what, except for Verify and Reconcile, which take
// none. Settle takes no All.
type Command struct {
	Enterprise string   `json:"enterprise"`
	Op         Op       `json:"op"`
	Accounts   []string `json:"accounts,omitempty"` // account identifiers
	Devices    []string `json:"devices,omitempty"`  // device ids
	People     []string `json:"people,omitempty"`   // person keys; see person.KeyOf
	// All asks for every account, or every device, of the enterprise.
	All bool `json:"all,omitzero"`
	// Next is where a run over All goes on: the consumer publishes the rest of its
	// work as a continuation. Whoever starts a workflow leaves it empty.
	Next string `json:"next,omitempty"`
	// DisplayName is what Rename gives, 1 to 60 characters without personal data.
	DisplayName string `json:"displayName,omitempty"`
	// RequestedBy is the audit actor that asked, such as "admin:EMAIL" or
	// "system:directory".
	RequestedBy string `json:"requestedBy"`
	// RequestID ties the audit records of one request together.
	RequestID string `json:"requestId"`
	// RequestedAt is when it was asked for. What was asked for before the last
	// command that touched a row, and comes after it, is dropped there: an event may
	// be late, and a deletion that is must not undo the creation after it.
	RequestedAt time.Time `json:"requestedAt"`
}

var (
	idPattern   = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	nextPattern = pattern.New(`^[A-Za-z0-9_-]*$`)
)

// Validate returns fault.Invalid naming the first field that is wrong.
func (c Command) Validate() error {
	if enterprise.CheckID(c.Enterprise) != nil {
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
	if !slices.Contains(Ops(), c.Op) {
		return fault.Field("op", "give create, rename, revoke, delete, retire, release, settle, verify or reconcile")
	}
	targets := []struct {
		field string
		ids   []string
	}{{"accounts", c.Accounts}, {"devices", c.Devices}, {"people", c.People}}
	takes := c.Op.takes()
	for _, t := range targets {
		switch {
		case t.field == takes || len(t.ids) == 0:
		case takes == "":
			return fault.Field(t.field, "%s takes no %s", c.Op, t.field)
		default:
			return fault.Field(t.field, "%s takes %s, not %s", c.Op, takes, t.field)
		}
	}
	switch {
	case takes == "" && c.All:
		return fault.Field("all", "%s is for the whole enterprise already", c.Op)
	case takes == "people" && c.All:
		return fault.Field("all", "name 1 to %d people; reconcile settles whoever is left", MaxIDs)
	}
	for _, t := range targets {
		if t.field == takes {
			return checkIDs(t.field, t.ids, c.All)
		}
	}
	return nil
}

// takes names the member of a Command that the operation works on; "" for none.
func (o Op) takes() string {
	switch {
	case o.OnAccounts():
		return "accounts"
	case o.OnDevices():
		return "devices"
	case o.OnPeople():
		return "people"
	}
	return ""
}

func checkIDs(field string, ids []string, all bool) error {
	switch {
	case all && len(ids) > 0:
		return fault.Field(field, "name %s or give all, not both", field)
	case !all && len(ids) == 0 && field == "people":
		return fault.Field(field, "name 1 to %d people", MaxIDs)
	case !all && len(ids) == 0:
		return fault.Field(field, "name 1 to %d %s, or give all", MaxIDs, field)
	case len(ids) > MaxIDs:
		return fault.Field(field, "at most %d %s can be named at once; send several requests", MaxIDs, field)
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
