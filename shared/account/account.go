// Package account maps people and devices to managed Google Play accounts and
// keeps that mapping through the accounts' lives.
//
// The row is written before Google is called (invariant P1), and the identifier
// is derived from the subject (P2), so whatever is interrupted can be done again
// and lands on the same account.
package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/replay"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// SubjectKind says whose account it is.
type SubjectKind string

// The kinds of subject.
const (
	Person SubjectKind = "person"
	Device SubjectKind = "device"
)

// Subject is whom an account belongs to: a person by the directory's immutable
// id, or a device by its id.
type Subject struct {
	Kind SubjectKind `json:"kind"`
	ID   string      `json:"id"`
}

// String returns "kind:id", for audit records.
func (s Subject) String() string { return string(s.Kind) + ":" + s.ID }

// Identifier returns the account identifier of a subject: 32 characters of
// [a-z2-7], a keyed hash of enterprise, type and subject. It is the same for ever
// (a lost mapping is found again by Users.insert) and cannot be turned back into
// the subject without the key (invariant P3). The type is part of it because
// Google lets nobody change an account's type.
func Identifier(key secret.Value, enterprise string, t Type, s Subject) string {
	m := hmac.New(sha256.New, key.Bytes())
	// Length-free joining is safe: none of the parts before the id holds NUL.
	m.Write([]byte(strings.Join([]string{"rollcall account v1", enterprise, string(t), string(s.Kind), s.ID}, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(m.Sum(nil)[:20]))
}

// State is where an account is in its life.
type State string

// The states of a row. A Deleted row stays, so that the account's history is
// known and its identifier is found when the subject returns.
const (
	Creating State = "creating" // intent is stored; Google may or may not have it
	Active   State = "active"   // Google has it under UserID
	Deleting State = "deleting" // to be deleted at Google
	Deleted  State = "deleted"
)

// Account is one row of the mapping; ID is the account identifier.
type Account struct {
	ID             string  `json:"id"`
	Enterprise     string  `json:"enterprise"`
	PlayEnterprise string  `json:"playEnterprise"`
	Subject        Subject `json:"subject"`
	Type           Type    `json:"type"`
	DisplayName    string  `json:"displayName"`
	State          State   `json:"state"`
	// UserID is Google's id, known from Active on.
	UserID string `json:"userId,omitempty"`
	// Name is the account's name on devices, known once a device reported it.
	Name string `json:"name,omitempty"`
	// Reason is the word of the last failure, empty when all is well.
	Reason string `json:"reason,omitempty"`
	// Incarnation counts how often the account had to be made anew.
	Incarnation int `json:"incarnation,omitzero"`
	// Attempts counts how often unfinished work was taken up in vain; each makes
	// the next later.
	Attempts  int       `json:"attempts,omitzero"`
	Bindings  []Binding `json:"bindings,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	// RecheckAt is when to look again whether Google has the account of a Deleted row:
	// it was deleted while its creation was under way, which may have ended later.
	RecheckAt time.Time `json:"recheckAt,omitzero"`
	// CommandAt is when the last workflow that touched the row was asked for.
	CommandAt time.Time `json:"commandAt,omitzero"`
}

// Binding is one device's hold on the account.
type Binding struct {
	DeviceID  string        `json:"deviceId"`
	AndroidID string        `json:"androidId,omitempty"`
	Since     time.Time     `json:"since"`
	Tokens    token.Ledger  `json:"tokens,omitempty"`
	Proofs    replay.Window `json:"proofs,omitempty"`
	// RevokeAt is when to sign every device out once more and drop the place: the
	// device lost it while a token that it had asked for could still add the account.
	RevokeAt time.Time `json:"revokeAt,omitzero"`
}

// ReasonDeviceLimit is the refusal of one device too many.
const ReasonDeviceLimit = "device-limit"

// Spec returns what Google is told of the account.
func (a *Account) Spec() Spec {
	return Spec{Identifier: a.ID, Type: a.Type, DisplayName: a.DisplayName}
}

// Capacity is how many devices may hold the account.
func (a *Account) Capacity() int {
	if a.Type == DeviceAccount {
		return 1
	}
	return MaxDevices
}

// Binding returns the device's binding, or nil.
func (a *Account) Binding(deviceID string) *Binding {
	for i := range a.Bindings {
		if a.Bindings[i].DeviceID == deviceID {
			return &a.Bindings[i]
		}
	}
	return nil
}

// Bind returns the device's binding, making it if there is room. Otherwise it is
// fault.Conflict with ReasonDeviceLimit (invariant P5). A place that was to be dropped
// stays: the device may have the account again.
func (a *Account) Bind(deviceID string, now time.Time) (*Binding, error) {
	if b := a.Binding(deviceID); b != nil {
		b.RevokeAt = time.Time{}
		return b, nil
	}
	if len(a.Bindings) >= a.Capacity() {
		return nil, fault.New(fault.Conflict, ReasonDeviceLimit,
			"this account is on %d devices already; remove one, or let policy give this device an account of its own", len(a.Bindings))
	}
	a.Bindings = append(a.Bindings, Binding{DeviceID: deviceID, Since: now})
	return &a.Bindings[len(a.Bindings)-1], nil
}

// Vacate drops the places of the devices that leave says, once they are signed out.
// One whose token may still add the account is kept with RevokeAt, so that they are
// signed out again when it no longer can. It reports whether the row changed, and
// whether a place is kept.
func (a *Account) Vacate(now time.Time, leave func(Binding) bool) (changed, kept bool) {
	var left []Binding
	for _, b := range a.Bindings {
		if leave(b) {
			until := b.Tokens.Usable(now)
			if until.IsZero() {
				changed = true
				continue
			}
			changed, kept = changed || !b.RevokeAt.Equal(until), true
			b.RevokeAt = until
		}
		left = append(left, b)
	}
	a.Bindings = left
	return changed, kept
}

// Answer is what a device said of the token that it was given.
type Answer struct {
	AccountID   string
	DirectiveID string
	Added       bool
	AccountName string // for Added
	Reason      string // for not Added
}

// Acknowledge records a device's answer in its ledger and, with the first
// addition, the account's name on devices, which Google's word of the addition
// may have preceded but does not tell. It reports whether the row changed; a
// device that is not bound changes nothing.
func (a *Account) Acknowledge(deviceID string, ans Answer, now time.Time) bool {
	b := a.Binding(deviceID)
	if b == nil {
		return false
	}
	tokens, changed := b.Tokens.Acknowledge(now, ans.DirectiveID, ans.Added, ans.Reason)
	named := ans.Added && a.Name == "" && ans.AccountName != ""
	if !changed && !named {
		return false
	}
	if changed {
		a.Bindings = slices.Clone(a.Bindings)
		a.Binding(deviceID).Tokens = tokens
	}
	if named {
		a.Name = ans.AccountName
	}
	if ans.Added {
		a.Reason = "" // all is well again
	}
	a.UpdatedAt = now
	return true
}

// Unfinished work is left to its caller for the grace and then taken up by
// reconcile, ever more rarely when that fails.
const (
	grace    = 2 * time.Minute
	maxGrace = 6 * time.Hour
)

// Postpone notes that unfinished work was taken up in vain, and why.
func (a *Account) Postpone(now time.Time, reason string) {
	a.Attempts++
	a.Reason, a.UpdatedAt = reason, now
}

// Due is when the row next needs attention without anybody asking: unfinished
// work, an unanswered token's deadline, or a place to be dropped. The zero time is
// never.
func (a *Account) Due() time.Time {
	switch a.State {
	case Creating, Deleting:
		return a.UpdatedAt.Add(min(maxGrace, grace<<min(a.Attempts, 10)))
	case Deleted:
		return a.RecheckAt
	}
	var due time.Time
	for _, b := range a.Bindings {
		for _, d := range []time.Time{b.Tokens.Due(), b.RevokeAt} {
			if !d.IsZero() && (due.IsZero() || d.Before(due)) {
				due = d
			}
		}
	}
	return due
}
