package main

import (
	"context"
	"encoding/json"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// shownOnly are the members that the server adds to a setting when it shows one.
var shownOnly = []string{"warnings", "needsGenerated", "standing", "truncated", "changed", "enterprise"}

// setByServer are those that it sets and takes back unchanged.
var setByServer = []string{"version", "createdAt", "updatedAt"}

// createFromFile stores the setting of a file, under the id of the argument if there
// is one.
func (a *app) createFromFile(ctx context.Context, file string, args []string, yes bool) error {
	b, err := a.readFile("--file", file)
	if err != nil {
		return err
	}
	raw, err := toJSON(b, "setting")
	if err != nil {
		return err
	}
	body, err := decode[map[string]json.RawMessage](raw)
	if err != nil {
		return usagef("--file holds no setting")
	}
	var id string
	if json.Unmarshal(body["id"], &id) != nil {
		id = ""
	}
	if len(args) > 0 && args[0] != id {
		id = args[0]
		without(body, setByServer...) // it is another setting from now on
	}
	if id == "" {
		return usagef("--file names no setting; put its id into the file, or behind create")
	}
	without(body, append(shownOnly, "id")...)
	path, err := a.settingPath(id)
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	old, err := c.setting(ctx, path)
	if err != nil {
		return err
	}
	if _, told := body["version"]; !told {
		// Where the file tells no version nobody looked at what is there.
		if err := a.confirmChange(ctx, old, fromFile(body, old), yes); err != nil {
			return err
		}
	}
	if err := a.save(ctx, c, path, old, body); err != nil {
		return asIn(err, "--file")
	}
	return nil
}

// fromFile is the setting as far as the file can be read; the server judges the rest.
func fromFile(body map[string]json.RawMessage, old *mail.Setting) mail.Setting {
	var s mail.Setting
	if raw, err := json.Marshal(body); err == nil {
		_ = json.Unmarshal(raw, &s) // what is wrong is told by the server
	}
	if old != nil {
		s.ID, s.Enterprise = old.ID, old.Enterprise
	}
	return s
}

func without(body map[string]json.RawMessage, names ...string) {
	for _, name := range names {
		delete(body, name)
	}
}

// asIn says which file a refusal of the server is about.
func asIn(err error, flag string) error {
	if f := asFailure(err); f.fromServer && f.code == exitUsage {
		return inFile(err, flag)
	}
	return err
}
