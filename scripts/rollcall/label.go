package main

import "github.com/spf13/cobra"

const labelHelp = `

Mail settings go to devices by their labels (rollcall setting apply), and the
enterprise's policy chooses account types by them. A device has its own labels and
those of its person. It gets what a new label brings, and gives up what belongs to
a label that is taken away, when it next checks in.

This starts a workflow and prints its event's id; the work is done soon after.`

func (a *app) deviceLabel() *cobra.Command {
	var o order
	cmd := &cobra.Command{
		Use: "label ID...", Short: "Give devices labels, or take labels away",
		Long:    "Give devices labels, or take labels away; at most 100 devices at once." + labelHelp,
		Example: "  rollcall device label d1 d2 --add sales --add north --remove trial",
	}
	o.labels(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.checkLabels(args, "device"); err != nil {
			return err
		}
		o.Op, o.Devices = "label", args
		return withFlag(a.start(cmd.Context(), o), labelFlagOf)
	}
	return cmd
}

func (a *app) peopleLabel() *cobra.Command {
	var o order
	cmd := &cobra.Command{
		Use: "label PERSON...", Short: "Give people labels, or take labels away",
		Long: "Give people labels, or take labels away; at most 100 people at once. The directory\n" +
			"knows nothing of them, and no sync changes them. PERSON is a key, a mail address\nor a user id." + labelHelp,
		Example: "  rollcall directory people label ada@example.com alan --add sales",
	}
	o.labels(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.checkLabels(args, "person"); err != nil {
			return err
		}
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		if o.People, err = c.whoAre(cmd.Context(), path, args); err != nil {
			return err
		}
		o.Op = "label"
		return withFlag(a.start(cmd.Context(), o), labelFlagOf)
	}
	return cmd
}

// labels adds the flags for what a label workflow changes.
func (o *order) labels(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.AddLabels, "add", nil, "`label` to give; may be repeated")
	cmd.Flags().StringArrayVar(&o.RemoveLabels, "remove", nil, "`label` to take away; may be repeated")
}

var labelFlagOf = map[string]string{"addLabels": "add", "removeLabels": "remove"}

func (o *order) checkLabels(args []string, noun string) error {
	switch {
	case len(args) == 0:
		return usagef("name at least one %s", noun)
	case len(o.AddLabels)+len(o.RemoveLabels) == 0:
		return usagef("say which labels: --add LABEL or --remove LABEL")
	}
	return nil
}
