package directory

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Op is what a Command asks for.
type Op string

// The operations.
const (
	// Schedule starts a run, or takes up the one under way, if it is time.
	Schedule Op = "schedule"
	// Start starts a run now; a quarantined one is superseded.
	Start Op = "start"
	// Continue takes up a run where it stopped.
	Continue Op = "continue"
	Approve  Op = "approve"
	Reject   Op = "reject"
	// Refresh reads single Google users again. With Full in place of Users it says
	// that more changed until RequestedAt than anybody names: the next run that
	// begins later lists Google.
	Refresh Op = "refresh"
)

// MaxUsers is how many users one Refresh names.
const MaxUsers = 50

// Command is the payload of the topic event.Directory. An empty payload is a
// schedule's for every enterprise.
type Command struct {
	Enterprise string `json:"enterprise"`
	Op         Op     `json:"op"`
	// Run is the run's id: of Start the id of the new run, so that who asks can
	// follow it.
	Run  string `json:"run,omitempty"`
	Kind Kind   `json:"kind,omitempty"` // of Start
	Full bool   `json:"full,omitzero"`  // of Start; of Refresh in place of Users
	// AdditionsOnly lets of a quarantined run only through what takes nothing.
	AdditionsOnly bool `json:"additionsOnly,omitzero"`
	// Users are Google's ids, of Refresh.
	Users       []string  `json:"users,omitempty"`
	RequestedBy string    `json:"requestedBy"`
	RequestedAt time.Time `json:"requestedAt"`
}

var (
	runPattern  = pattern.New(`^[a-z2-7]{26}$`)
	userPattern = pattern.New(`^[0-9A-Za-z_-]{1,64}$`)
)

// Validate returns fault.Invalid naming the first field that is wrong.
func (c Command) Validate() error {
	if enterprise.CheckID(c.Enterprise) != nil {
		return fault.Field("enterprise", "an enterprise id is 2 to 40 of a-z, 0-9 and '-', beginning with a letter")
	}
	needsRun := false
	switch c.Op {
	case Start:
		needsRun = true
		if c.Kind != Sync && c.Kind != DryRun && c.Kind != Probe {
			return fault.Field("kind", "give sync, plan or test")
		}
	case Continue, Approve, Reject:
		needsRun = true
	case Refresh:
		if (len(c.Users) == 0) != c.Full || len(c.Users) > MaxUsers {
			return fault.Field("users", "name 1 to %d users", MaxUsers)
		}
		for _, u := range c.Users {
			if !userPattern.MatchString(u) {
				return fault.Field("users", "give Google's immutable ids")
			}
		}
	case Schedule:
	default:
		return fault.Field("op", "give schedule, start, continue, approve, reject or refresh")
	}
	switch {
	case needsRun && !runPattern.MatchString(c.Run):
		return fault.Field("run", "give the run's id, 26 of a-z and 2-7")
	case c.RequestedBy == "" || len(c.RequestedBy) > 300:
		return fault.Field("requestedBy", "say who asks, such as admin:EMAIL")
	case c.RequestedAt.IsZero():
		return fault.Field("requestedAt", "say when it was asked for")
	}
	return nil
}

// Marshal returns the command as an event's payload, or fault.Invalid.
func (c Command) Marshal() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// ParseCommand reads an event's payload. What is no command is fault.Invalid, for
// it can never work.
func ParseCommand(data []byte) (Command, error) {
	var c Command
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil || dec.Decode(&struct{}{}) != io.EOF {
		return Command{}, fault.New(fault.Invalid, "payload", "the payload is not a directory command")
	}
	if err := c.Validate(); err != nil {
		return Command{}, err
	}
	return c, nil
}
