package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// setting reads a setting, nil where there is none.
func (c *client) setting(ctx context.Context, path string) (*mail.Setting, error) {
	got, err := c.get(ctx, path, nil)
	if err != nil {
		if asFailure(err).code == exitNotFound {
			return nil, nil
		}
		return nil, err
	}
	r, err := decode[settingRow](got)
	return &r.Setting, err
}

// confirmChange asks before what devices have becomes something else.
func (a *app) confirmChange(ctx context.Context, old *mail.Setting, s mail.Setting, yes bool) error {
	if yes || old == nil || len(old.Labels) == 0 || mail.Save(*old, s, a.now()).Version == old.Version {
		return nil
	}
	return a.confirm(ctx, "a change of a setting that is there",
		fmt.Sprintf("The setting %s is there already (version %d), on %s. Change it for their devices?", old.ID, old.Version, onLabels(old.Labels)))
}

// save stores a setting and shows what there is then.
func (a *app) save(ctx context.Context, c *client, path string, old *mail.Setting, body map[string]json.RawMessage) error {
	got, err := c.change(ctx, http.MethodPut, path, body)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got)
	}
	r, err := decode[settingRow](got)
	if err != nil {
		return err
	}
	if err := a.table(nil, a.settingRows(r)); err != nil {
		return err
	}
	a.warn(r.Warnings)
	switch {
	case !r.Changed:
		a.say("The setting %s is there already as it is; nothing changed.", r.ID)
	case old == nil:
		a.say("Created. %s", a.afterwards(r))
	case old.Version == r.Version && slices.Equal(old.Labels, r.Labels):
		a.say("Changed; what devices get is the same.")
	case old.Version == r.Version:
		a.say("Changed. %s", a.afterwards(r))
	default:
		a.say("Changed: version %d takes the place of version %d. %s", r.Version, old.Version, a.afterwards(r))
	}
	return nil
}

// settingBody is what is sent of a setting: what the server sets itself is left out,
// but for the version, so that two admins do not undo each other's change.
func settingBody(s mail.Setting) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	for _, name := range []string{"enterprise", "createdAt", "updatedAt"} {
		delete(body, name)
	}
	if s.Version == 0 {
		delete(body, "version")
	}
	return body, nil
}

// afterwards says what happens with a setting that was stored.
func (a *app) afterwards(r settingRow) string {
	if len(r.Labels) == 0 {
		return "To give it to devices: " + a.command("setting apply %s --label LABEL", r.ID)
	}
	return "Devices with " + onLabels(r.Labels) + " get it at their next check-ins: " + a.command("setting show %s", r.ID)
}

// apart returns a setting whose change does not change s.
func apart(s mail.Setting) mail.Setting {
	if s.Exchange != nil {
		e := *s.Exchange
		s.Exchange = &e
	}
	if s.IMAP != nil {
		i := *s.IMAP
		s.IMAP = &i
	}
	if s.Managed != nil {
		m := *s.Managed
		s.Managed = &m
	}
	return s
}
