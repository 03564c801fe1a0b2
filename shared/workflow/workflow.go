// Package workflow defines the command that starts work on accounts, devices and
// people: the payload of the topic event.Provision.
//
// An admin's request, or what the directory's synchronisation found out, becomes
// one Command; whoever publishes it does none of the work. Like every event it is a
// nudge that may come twice, late or out of order, so each operation is one that can
// be done again.
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
	// Renew replaces the generated passwords of people. The new one goes to Google
	// when a device of the person next checks in, or with Now at once (invariant W7).
	Renew Op = "renew"
)

// The operation on devices or people.
const (
	// Label gives them labels (AddLabels) and takes labels away (RemoveLabels). A
	// person's labels are those of the person's devices as well.
	Label Op = "label"
)

// The operations on an enterprise.
const (
	// Verify asks Google whether the enterprise is bound.
	Verify Op = "verify"
	// Reconcile finishes what a crash left half done in the enterprise.
	Reconcile Op = "reconcile"
	// Replan brings the generated passwords of the enterprise in line with its
	// password policy, as it is by then.
	Replan Op = "replan"
)

// Ops lists every operation.
func Ops() []Op {
	return []Op{Create, Rename, Revoke, Delete, Retire, Release, Settle, Renew, Label, Verify, Reconcile, Replan}
}

// OnAccounts reports whether the operation takes accounts.
func (o Op) OnAccounts() bool { return o == Create || o == Rename || o == Revoke || o == Delete }

// OnDevices reports whether the operation takes devices.
func (o Op) OnDevices() bool { return o == Retire || o == Release || o == Label }

// OnPeople reports whether the operation takes people.
func (o Op) OnPeople() bool { return o == Settle || o == Renew || o == Label }

// MaxIDs is how many accounts, devices or people one command names; for more
// accounts or devices, use All, for more people several commands.
const MaxIDs = 100

// Command asks for one operation in one enterprise. Exactly one of Accounts,
// Devices, People and All says on what, except for Verify, Reconcile and Replan, which
// take none. Settle and Label take no All.
type Command struct {
	Enterprise string   `json:"enterprise"`
	Op         Op       `json:"op"`
	Accounts   []string `json:"accounts,omitempty"` // account identifiers
	Devices    []string `json:"devices,omitempty"`  // device ids
	People     []string `json:"people,omitempty"`   // person keys; see person.KeyOf
	// All asks for every account, or every device, of the enterprise.
	All bool `json:"all,omitzero"`
	// HavingLabel narrows All of Renew to the people who have the label, or have a
	// device with it.
	HavingLabel string `json:"havingLabel,omitempty"`
	// Next is where a run over All, or Replan, goes on: the consumer publishes the rest of
	// its work as a continuation. Whoever starts a workflow leaves it empty.
	Next string `json:"next,omitempty"`
	// Now has Renew send the new passwords to Google without waiting for a device.
	Now bool `json:"now,omitzero"`
	// Lost says that the devices which Retire takes out of service are in other hands,
	// so that the password policy may have their people's passwords replaced.
	Lost bool `json:"lost,omitzero"`
	// AddLabels and RemoveLabels are what Label changes, at most 20 each and at least
	// one of either; none is in both.
	AddLabels    []string `json:"addLabels,omitempty"`
	RemoveLabels []string `json:"removeLabels,omitempty"`
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
	if err := c.checkOptions(); err != nil {
		return err
	}
	switch {
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

// checkOptions checks what only some operations take.
func (c Command) checkOptions() error {
	name := len([]rune(c.DisplayName))
	switch {
	case c.Op == Rename && (name < 1 || name > 60):
		return fault.Field("displayName", "give the new display name, 1 to 60 characters and nothing personal")
	case c.Op != Rename && name > 0:
		return fault.Field("displayName", "only rename takes a display name")
	case c.Next != "" && !c.All && c.Op != Replan:
		return fault.Field("next", "only a command for all can be continued")
	case c.Now && c.Op != Renew:
		return fault.Field("now", "only renew takes this")
	case c.Lost && c.Op != Retire:
		return fault.Field("lost", "only retire takes this")
	case c.HavingLabel != "" && (c.Op != Renew || !c.All):
		return fault.Field("havingLabel", "only renew for all takes a label")
	case c.HavingLabel != "":
		return enterprise.CheckLabel("havingLabel", c.HavingLabel)
	case c.Op != Label && len(c.AddLabels)+len(c.RemoveLabels) > 0:
		return fault.Field("addLabels", "only label changes labels")
	case c.Op == Label:
		return c.checkLabels()
	}
	return nil
}

// maxLabels is how many labels a Command adds, and how many it removes, at most.
const maxLabels = 20

func (c Command) checkLabels() error {
	if len(c.AddLabels)+len(c.RemoveLabels) == 0 {
		return fault.Field("addLabels", "name labels to add or to remove")
	}
	seen := map[string]bool{}
	for _, list := range []struct {
		field  string
		labels []string
	}{{"addLabels", c.AddLabels}, {"removeLabels", c.RemoveLabels}} {
		if len(list.labels) > maxLabels {
			return fault.Field(list.field, "at most %d labels can be named at once", maxLabels)
		}
		for i, l := range list.labels {
			path := fmt.Sprintf("%s[%d]", list.field, i)
			if err := enterprise.CheckLabel(path, l); err != nil {
				return err
			}
			if seen[l] {
				return fault.Field(path, "this label is there twice")
			}
			seen[l] = true
		}
	}
	return nil
}

func (c Command) checkTargets() error {
	if !slices.Contains(Ops(), c.Op) {
		return fault.Field("op", "give create, rename, revoke, delete, retire, release, settle, renew, label, verify, reconcile or replan")
	}
	targets := []struct {
		field string
		ids   []string
	}{{"accounts", c.Accounts}, {"devices", c.Devices}, {"people", c.People}}
	takes := c.takes()
	for _, t := range targets {
		switch {
		case t.field == takes || len(t.ids) == 0:
		case takes == "":
			return fault.Field(t.field, "%s takes no %s", c.Op, t.field)
		case c.Op == Label && t.field != "accounts":
			return fault.Field(t.field, "name devices or people, not both")
		default:
			return fault.Field(t.field, "%s takes %s, not %s", c.Op, takes, t.field)
		}
	}
	switch {
	case takes == "" && c.All:
		return fault.Field("all", "%s is for the whole enterprise already", c.Op)
	case c.Op == Settle && c.All:
		return fault.Field("all", "name 1 to %d people; reconcile settles whoever is left", MaxIDs)
	case c.Op == Label && c.All:
		return fault.Field("all", "name 1 to %d devices or people", MaxIDs)
	}
	for _, t := range targets {
		if t.field == takes {
			return checkIDs(t.field, t.ids, c.All, c.Op == Settle || c.Op == Label)
		}
	}
	return nil
}

// takes names the member of the command that its operation works on; "" for none.
func (c Command) takes() string {
	switch {
	case c.Op.OnAccounts():
		return "accounts"
	case c.Op == Label && len(c.People) > 0:
		return "people"
	case c.Op.OnDevices():
		return "devices"
	case c.Op.OnPeople():
		return "people"
	}
	return ""
}

func checkIDs(field string, ids []string, all, named bool) error {
	switch {
	case all && len(ids) > 0:
		return fault.Field(field, "name %s or give all, not both", field)
	case !all && len(ids) == 0 && named:
		return fault.Field(field, "name 1 to %d %s", MaxIDs, field)
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
