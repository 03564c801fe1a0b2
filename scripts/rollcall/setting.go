package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

const settingHelp = `Mail settings: Exchange and IMAP accounts that are described once, with variables for
what differs from person to person, and that devices with certain labels get.

  rollcall setting create imap mail --label sales   # Gmail, OAuth, each person's address
  rollcall device label d1 --add sales
  rollcall setting preview d1                       # what the device gets, and what waits
  rollcall setting show mail                        # on how many devices it is`

func (a *app) settingCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "setting", Short: "Mail settings, and which devices get them", Long: settingHelp, Aliases: []string{"settings"}}
	cmd.AddCommand(a.settingCreate(), a.settingList(), a.settingShow(), a.settingApply(), a.settingPreview(), a.settingRemove())
	return cmd
}

// settingRow is what is shown of a mail setting.
type settingRow struct {
	mail.Setting
	Warnings       []mail.Warning `json:"warnings"`
	NeedsGenerated bool           `json:"needsGenerated"`
	Standing       []struct {
		Version int         `json:"version"`
		Status  mail.Status `json:"status"`
		Devices int         `json:"devices"`
	} `json:"standing"`
	Truncated bool `json:"truncated"`
	Changed   bool `json:"changed"`
}

func (r settingRow) server() string {
	switch {
	case r.Exchange != nil:
		return r.Exchange.Server
	case r.IMAP != nil:
		return fmt.Sprintf("%s:%d", r.IMAP.Host, r.IMAP.Port)
	}
	return ""
}

// devices counts those that were sent the setting, by what became of it.
func (r settingRow) devices() string {
	n := map[string]int{}
	for _, s := range r.Standing {
		n[string(s.Status)] += s.Devices
	}
	return counts(n, r.Truncated, "applied", "sent", "failed", "withdrawing")
}

func (a *app) settingList() *cobra.Command {
	var p pager
	cmd := &cobra.Command{
		Use: "list", Short: "List an enterprise's mail settings, and on how many devices they are", Args: cobra.NoArgs,
		Long: "List an enterprise's mail settings, and on how many devices they are. What the\nwarnings are: rollcall setting show.",
	}
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		return show(cmd, a, &p, path+"/settings", nil,
			"There is no mail setting yet; make one with: rollcall setting create imap mail --label LABEL",
			[]string{"ID", "KIND", "SIGN-IN", "SERVER", "LABELS", "VERSION", "DEVICES", "WARNINGS"},
			func(r settingRow) []string {
				warnings := ""
				if n := len(r.Warnings); n > 0 {
					warnings = fmt.Sprint(n)
				}
				return []string{r.ID, string(r.Kind), string(r.SignIn), r.server(), join(r.Labels), fmt.Sprint(r.Version), r.devices(), warnings}
			})
	}
	return cmd
}

func (a *app) settingShow() *cobra.Command {
	return &cobra.Command{
		Use: "show SETTING", Short: "Show one mail setting, its warnings, and on how many devices it is", Args: exactlyOne,
		Long:    "Show one mail setting, its warnings, and on how many devices it is. With --json it\nis in the form that rollcall setting create --file takes.",
		Example: "  rollcall setting show mail --json > mail.json   # edit it, then:\n  rollcall setting create --file mail.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			got, err := a.one(cmd, "/settings/", args[0])
			if err != nil || a.json {
				return err
			}
			r, err := decode[settingRow](got)
			if err != nil {
				return err
			}
			if err := a.table(nil, a.settingRows(r)); err != nil {
				return err
			}
			a.warn(r.Warnings)
			return nil
		},
	}
}

// warn tells a person what to know of a setting (invariant W9); JSON has it.
func (a *app) warn(warnings []mail.Warning) {
	for _, w := range warnings {
		a.say("warning: %s", clean(w.Text))
	}
}
