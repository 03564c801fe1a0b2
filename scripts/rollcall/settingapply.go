package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const settingApplyHelp = `Apply a mail setting to labels: a device that has one of them, or whose person has,
gets the setting when it next checks in. --remove-label takes a label away again; a
device that has none of those that are left removes the setting at its next check-in.

Which devices have a label: rollcall device list. Give them one: rollcall device label,
rollcall directory people label.`

func (a *app) settingApply() *cobra.Command {
	var add, remove []string
	cmd := &cobra.Command{
		Use: "apply SETTING --label LABEL...", Short: "Apply a mail setting to labels, or take it from some", Long: settingApplyHelp, Args: exactlyOne,
		Example: "  rollcall setting apply mail --label sales --label north --remove-label trial",
	}
	cmd.Flags().StringArrayVar(&add, "label", nil, "`label` whose devices are to have the setting; may be repeated")
	cmd.Flags().StringArrayVar(&remove, "remove-label", nil, "`label` whose devices are to have it no longer; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(add)+len(remove) == 0 {
			return usagef("say which labels: --label LABEL or --remove-label LABEL")
		}
		if slices.ContainsFunc(add, func(l string) bool { return slices.Contains(remove, l) }) {
			return usagef("a label is to be added and removed; name it once")
		}
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		path += "/settings/" + segment(args[0])
		got, err := c.get(cmd.Context(), path, nil)
		if err != nil {
			return err
		}
		r, err := decode[settingRow](got)
		if err != nil {
			return err
		}
		labels := append(r.Labels, add...)
		slices.Sort(labels)
		labels = slices.DeleteFunc(slices.Compact(labels), func(l string) bool { return slices.Contains(remove, l) })
		if labels == nil {
			labels = []string{} // the member must be there, and no null
		}
		body := map[string]any{"labels": labels, "updatedAt": r.UpdatedAt}
		if got, err = c.change(cmd.Context(), http.MethodPut, path+"/labels", body); err != nil {
			return withFlag(err, settingFlagOf)
		}
		return a.printApplied(got)
	}
	return cmd
}

func (a *app) printApplied(body []byte) error {
	if a.json {
		return a.printJSON(body)
	}
	r, err := decode[settingRow](body)
	if err != nil {
		return err
	}
	a.warn(r.Warnings)
	switch {
	case !r.Changed:
		a.say("Nothing changed: the setting %s is applied to %s.", r.ID, onLabels(r.Labels))
	default:
		a.say("The setting %s is applied to %s. Devices follow at their next check-ins: %s", r.ID, onLabels(r.Labels), a.command("setting show %s", r.ID))
	}
	return nil
}

// onLabels names labels for people.
func onLabels(labels []string) string {
	switch len(labels) {
	case 0:
		return "no label"
	case 1:
		return "the label " + labels[0]
	}
	return "the labels " + strings.Join(labels, ", ")
}

func (a *app) settingRemove() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove SETTING", Short: "Remove a mail setting, and have devices remove it", Args: exactlyOne,
		Long: "Remove a mail setting. Every device that has it removes it, with the mail that it\nbrought, at its next check-in. It asks first.",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		path += "/settings/" + segment(args[0])
		if !yes {
			got, err := c.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			r, err := decode[settingRow](got)
			if err != nil {
				return err
			}
			if err := a.confirm(cmd.Context(), "removing a setting", fmt.Sprintf("Remove the setting %s? Devices that were sent it: %s.", r.ID, r.devices())); err != nil {
				return err
			}
		}
		if _, err := c.change(cmd.Context(), http.MethodDelete, path, nil); err != nil {
			return err
		}
		a.say("Removed. Devices that have it remove it at their next check-ins.")
		return nil
	}
	return cmd
}
