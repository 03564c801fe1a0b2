package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Marshal validates c and returns it as an event's payload.
func (c Command) Marshal() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// Parse reads one Command from an event's payload and validates it. It is
// strict: unknown members, members in another case or there twice, wrong types,
// null, and anything behind the object are fault.Invalid, naming the member. So a
// payload that was written by hand, or by a newer version, is never half obeyed.
func Parse(data []byte) (Command, error) {
	var c Command
	// Each member is taken out once it was read, which leaves a second one unknown.
	members := map[string]any{
		"enterprise": &c.Enterprise, "op": &c.Op, "accounts": &c.Accounts, "devices": &c.Devices, "people": &c.People, "all": &c.All,
		"next": &c.Next, "displayName": &c.DisplayName, "havingLabel": &c.HavingLabel, "now": &c.Now, "lost": &c.Lost,
		"addLabels": &c.AddLabels, "removeLabels": &c.RemoveLabels, "requestedBy": &c.RequestedBy, "requestId": &c.RequestID,
		"requestedAt": &c.RequestedAt,
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return Command{}, fault.Wrap(err, fault.Invalid, "invalid-json", "a command is one JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return Command{}, broken(err)
		}
		name, _ := t.(string)
		into := members[name]
		if into == nil {
			return Command{}, fault.Field(name, "this member is not known here, or is there twice")
		}
		delete(members, name)
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return Command{}, broken(err)
		}
		if err := json.Unmarshal(raw, into); err != nil || string(raw) == "null" {
			return Command{}, fault.Field(name, "this member has the wrong type or form")
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return Command{}, broken(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Command{}, broken(err)
	}
	return c, c.Validate()
}

func broken(err error) error {
	return fault.Wrap(err, fault.Invalid, "invalid-json", "a command is one JSON object, and this is not valid JSON (RFC 8259)")
}
