// Package enterprise describes customer organisations. Every record, key, quota
// and breaker belongs to one enterprise; a fault in one never stops another.
package enterprise

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// State is how far the binding to managed Google Play is known to hold.
type State string

// The states of an enterprise.
const (
	Pending State = "pending" // not yet seen at Google
	Bound   State = "bound"   // Google answered for it
	Gone    State = "gone"    // Google no longer knows it, or unbound it from this EMM
)

// Enterprise is one customer organisation.
type Enterprise struct {
	// ID is chosen by the admin: 2 to 40 of [a-z0-9-], beginning with a letter.
	ID string `json:"id"`
	// Name is the organisation's name, 1 to 60 characters. It is shown in the
	// account switcher of Google Play, so it must not be a person's.
	Name string `json:"name"`
	// Play is Google's id of the enterprise, such as "LC03abcd12".
	Play      string    `json:"play"`
	State     State     `json:"state"`
	Policy    Policy    `json:"policy"`
	CreatedAt time.Time `json:"createdAt"`
	CheckedAt time.Time `json:"checkedAt,omitzero"`
	// MailRevision is the revision of the enterprise's mail settings, 0 where it has
	// none, so that check-ins read them only where there are any.
	MailRevision int `json:"mailRevision,omitzero"`
}

// DeviceLimit says what happens to the device after the last that a user account
// takes (invariant P5).
type DeviceLimit string

// The answers to one device too many.
const (
	Refuse         DeviceLimit = "refuse"        // the device is held with the reason device-limit
	UseDeviceAcct  DeviceLimit = "deviceAccount" // the device gets an account of its own
	defaultCheckIn             = 4 * 60 * 60
)

// Policy is what an enterprise decides about accounts. A zero field means its
// default.
type Policy struct {
	// AccountType is for devices without a label that says otherwise; default
	// userAccount.
	AccountType account.Type `json:"accountType,omitempty"`
	// LabelAccountType overrides AccountType for devices that carry the label;
	// where several labels speak, deviceAccount wins.
	LabelAccountType map[string]account.Type `json:"labelAccountType,omitempty"`
	// DeviceLimit is for the 11th device of a person; default refuse.
	DeviceLimit DeviceLimit `json:"deviceLimit,omitempty"`
	// CheckInSeconds is the usual time between check-ins, 60 to 604800; default
	// 14400 (four hours). Devices are told it with 10 % of jitter either way.
	CheckInSeconds int `json:"checkInSeconds,omitzero"`
}

var (
	idPattern    = pattern.New(`^[a-z][a-z0-9-]{1,39}$`)
	playPattern  = pattern.New(`^[A-Za-z0-9_-]{1,64}$`)
	labelPattern = pattern.New(`^[a-z0-9][a-z0-9._-]{0,39}$`)
)

// CheckID returns fault.Invalid unless id may name an enterprise.
func CheckID(id string) error {
	if !idPattern.MatchString(id) {
		return fault.Field("id", "an enterprise id is 2 to 40 of a-z, 0-9 and '-', beginning with a letter")
	}
	return nil
}

// CheckLabel returns fault.Invalid, naming field, unless l may be a label.
func CheckLabel(field, l string) error {
	if !labelPattern.MatchString(l) {
		return fault.Field(field, "a label is 1 to 40 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
	}
	return nil
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (e Enterprise) Validate() error {
	if err := CheckID(e.ID); err != nil {
		return err
	}
	if n := len([]rune(e.Name)); n < 1 || n > 60 {
		return fault.Field("name", "a name has 1 to 60 characters")
	}
	if !playPattern.MatchString(e.Play) {
		return fault.Field("play", "give Google's enterprise id, such as LC03abcd12")
	}
	return e.Policy.Validate()
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (p Policy) Validate() error {
	if err := checkType("policy.accountType", p.AccountType); err != nil {
		return err
	}
	if len(p.LabelAccountType) > 100 {
		return fault.Field("policy.labelAccountType", "at most 100 labels can be given")
	}
	for l, t := range p.LabelAccountType {
		path := "policy.labelAccountType." + l
		if err := CheckLabel(path, l); err != nil {
			return err
		}
		if t == "" {
			return fault.Field(path, "give userAccount or deviceAccount")
		}
		if err := checkType(path, t); err != nil {
			return err
		}
	}
	switch p.DeviceLimit {
	case "", Refuse, UseDeviceAcct:
	default:
		return fault.Field("policy.deviceLimit", "give refuse or deviceAccount")
	}
	if p.CheckInSeconds != 0 && (p.CheckInSeconds < 60 || p.CheckInSeconds > 7*24*3600) {
		return fault.Field("policy.checkInSeconds", "give 60 to 604800 seconds")
	}
	return nil
}

func checkType(field string, t account.Type) error {
	switch t {
	case "", account.UserAccount, account.DeviceAccount:
		return nil
	}
	return fault.Field(field, "give userAccount or deviceAccount")
}

// Required makes a missing enterprise an operator's trouble: what names it exists,
// so a caller could not help it.
func Required(e Enterprise, err error) (Enterprise, error) {
	if fault.KindOf(err) == fault.NotFound {
		err = fault.Wrap(err, fault.Permanent, "enterprise-missing",
			"the record of this device's enterprise is missing; an operator must restore it")
	}
	return e, err
}

// AccountTypeFor returns the type for a device with the given labels.
func (p Policy) AccountTypeFor(labels []string) account.Type {
	found := account.Type("")
	for _, l := range labels {
		switch p.LabelAccountType[l] {
		case account.DeviceAccount:
			return account.DeviceAccount
		case account.UserAccount:
			found = account.UserAccount
		}
	}
	switch {
	case found != "":
		return found
	case p.AccountType != "":
		return p.AccountType
	}
	return account.UserAccount
}

// CheckIn returns the usual time between check-ins, in seconds.
func (p Policy) CheckIn() int {
	if p.CheckInSeconds == 0 {
		return defaultCheckIn
	}
	return p.CheckInSeconds
}
