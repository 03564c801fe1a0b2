package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// previewRow is what one setting means for a device.
type previewRow struct {
	Setting             string                `json:"setting"`
	Name                string                `json:"name"`
	Version             int                   `json:"version"`
	Status              mail.Status           `json:"status"`
	HeldVersion         int                   `json:"heldVersion"`
	HeldPasswordVersion int                   `json:"heldPasswordVersion"`
	At                  time.Time             `json:"at"`
	Next                mail.Action           `json:"next"`
	Reason              string                `json:"reason"`
	ReasonText          string                `json:"reasonText"`
	Content             *protocol.MailSetting `json:"content"`
	SecretKeys          []string              `json:"secretKeys"`
	NeedsGenerated      bool                  `json:"needsGenerated"`
	PasswordVersion     int                   `json:"passwordVersion"`
	Waits               bool                  `json:"waits"`
}

func (a *app) settingPreview() *cobra.Command {
	cmd := &cobra.Command{
		Use: "preview DEVICE", Short: "Show which mail settings a device has and gets, and what waits", Args: exactlyOne,
		Long: "Show each mail setting that a device has or is to have: what it has, what its next\n" +
			"check-in brings, why a setting waits or cannot be sent, and what exactly is sent.\nPasswords are never shown.",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		l, err := (&pager{}).list(cmd.Context(), c, path+"/devices/"+segment(args[0])+"/settings", nil)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(l)
		}
		found, err := items[previewRow](l)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			a.say("The device has no mail setting and is to get none: no setting is applied to one of its labels, or it may have none at all.\nIts labels, and whether it is held: %s", a.command("device show %s", args[0]))
			return nil
		}
		for i, r := range found {
			if i > 0 {
				if err := a.print(""); err != nil {
					return err
				}
			}
			if err := a.table(nil, a.previewRows(r)); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func (a *app) previewRows(r previewRow) [][]string {
	title := fmt.Sprintf("%s, version %d", r.Setting, r.Version)
	if r.Name != "" && r.Name != r.Setting {
		title += " (" + r.Name + ")"
	}
	rows := [][]string{{"setting", title}, {"  the device", a.has(r)}, {"  next check-in", r.brings()}}
	if r.Reason != "" || r.ReasonText != "" {
		rows = append(rows, []string{"  why", because(r.Reason, r.ReasonText)})
	}
	if r.Content != nil {
		rows = append(rows, contentRows(*r.Content, r)...)
	}
	return rows
}

// has says what the device has of the setting.
func (a *app) has(r previewRow) string {
	version := fmt.Sprintf("version %d", r.HeldVersion)
	if r.HeldPasswordVersion > 0 {
		version += fmt.Sprintf(" with password %d", r.HeldPasswordVersion)
	}
	switch at := a.both(r.At); r.Status {
	case "":
		return "does not have it"
	case mail.Applied:
		return "has " + version + ", since " + at
	case mail.Sent:
		return "was sent " + version + " and has not answered, " + at
	case mail.Failed:
		return "could not set up " + version + ", " + at
	case mail.Withdrawing:
		return "was told to remove " + version + " and has not answered, " + at
	}
	return string(r.Status) + " " + version
}

// brings says what the device's next check-in does about the setting.
func (r previewRow) brings() string {
	switch r.Next {
	case mail.Send:
		if r.Status == mail.Applied || r.Status == mail.Failed {
			return "sends it in the place of what was sent before"
		}
		return "sends it"
	case mail.Withdraw:
		return "has it removed"
	case mail.Wait:
		if r.PasswordVersion > 0 {
			return "WAITS: the stored password of the person does not open"
		}
		return "WAITS: Google has not accepted the person's password"
	case mail.Block:
		if r.Status == "" {
			return "CANNOT be sent to this device"
		}
		return "CANNOT be sent to this device; what the device has stays as it is"
	case "":
		if r.Status == mail.Failed {
			return "does not send it again, until the setting changes or the device is released (rollcall device release)"
		}
		return "changes nothing"
	}
	return string(r.Next)
}

// contentRows shows what exactly is sent.
func contentRows(m protocol.MailSetting, r previewRow) [][]string {
	password := []string{"  password", fmt.Sprintf("the generated one, version %d; not shown", r.PasswordVersion)}
	if r.PasswordVersion == 0 {
		password[1] = "the generated one, once Google has accepted it"
	}
	if c := m.Managed; c != nil {
		rows := [][]string{{"  sent as", "managed configuration of " + c.Package}}
		values := map[string]string{}
		for k, v := range c.Values {
			values[k] = fmt.Sprint(v)
		}
		for _, k := range r.SecretKeys {
			values[k] = password[1]
		}
		for _, k := range slices.Sorted(maps.Keys(values)) {
			rows = append(rows, []string{"    " + k, values[k]})
		}
		return rows
	}
	c := m.Account
	if c == nil {
		return nil
	}
	rows := [][]string{{"  sent as", "an account of the kind " + string(c.Kind)}}
	if c.Exchange != nil {
		e := mail.Exchange{Server: c.Exchange.Server, SSL: c.Exchange.SSL, Sync: mail.Items(c.Exchange.Sync)}
		rows = append(rows, indent(serverRows(&e, nil))...)
	}
	if c.IMAP != nil {
		rows = append(rows, indent(serverRows(nil, &mail.IMAP{Host: c.IMAP.Host, Port: c.IMAP.Port, TLS: mail.TLS(c.IMAP.TLS)}))...)
	}
	rows = append(rows, []string{"    sign-in", string(c.SignIn)}, []string{"    user name", c.UserName}, []string{"    mailbox", c.Email})
	switch {
	case r.NeedsGenerated:
		rows = append(rows, indent([][]string{{"password", password[1]}})...)
	case c.AskPassword:
		rows = append(rows, []string{"    password", "the mail client asks the person"})
	}
	return rows
}

func indent(rows [][]string) [][]string {
	for i := range rows {
		rows[i][0] = "    " + strings.TrimSpace(rows[i][0])
	}
	return rows
}
