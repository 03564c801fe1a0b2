package password

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Nudge is the payload of the topic event.Password: the password of one person may
// be due. The row is the truth, so a nudge may be lost, late, doubled or wrong.
type Nudge struct {
	Enterprise string `json:"enterprise"`
	// Person is the key of the person; see person.KeyOf.
	Person string `json:"person"`
}

var nudgePattern = pattern.New(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Marshal returns the payload.
func (n Nudge) Marshal() ([]byte, error) {
	if err := n.validate(); err != nil {
		return nil, err
	}
	return json.Marshal(n)
}

// ParseNudge reads a payload. Unknown members, wrong types and anything behind the
// object are fault.Invalid.
func ParseNudge(data []byte) (Nudge, error) {
	var n Nudge
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&n); err != nil {
		return Nudge{}, fault.New(fault.Invalid, "invalid-json", "a nudge is one JSON object of enterprise and person")
	}
	if _, err := dec.Token(); err != io.EOF {
		return Nudge{}, fault.New(fault.Invalid, "invalid-json", "a nudge is one JSON object, and nothing stands behind it")
	}
	return n, n.validate()
}

func (n Nudge) validate() error {
	switch {
	case !nudgePattern.MatchString(n.Enterprise):
		return fault.Field("enterprise", "this is no enterprise's id")
	case !nudgePattern.MatchString(n.Person):
		return fault.Field("person", "this is no person's key")
	}
	return nil
}
