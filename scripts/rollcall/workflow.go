package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// order starts a workflow.
type order struct {
	Op           string   `json:"op"`
	Accounts     []string `json:"accounts,omitempty"`
	Devices      []string `json:"devices,omitempty"`
	People       []string `json:"people,omitempty"`
	All          bool     `json:"all,omitempty"`
	DisplayName  string   `json:"displayName,omitempty"`
	HavingLabel  string   `json:"havingLabel,omitempty"`
	Now          bool     `json:"now,omitempty"`
	Lost         bool     `json:"lost,omitempty"`
	AddLabels    []string `json:"addLabels,omitempty"`
	RemoveLabels []string `json:"removeLabels,omitempty"`
	DryRun       bool     `json:"dryRun,omitempty"`
}

// on says on what an order works, for people.
func (o order) on(enterprise string) string {
	ids, one, many := o.Accounts, "account", "accounts"
	switch {
	case o.Op == "renew" || len(o.People) > 0:
		ids, one, many = o.People, "person", "people"
	case o.Op == "retire" || o.Op == "release" || o.Op == "label":
		ids, one, many = o.Devices, "device", "devices"
	}
	switch {
	case o.HavingLabel != "":
		return "every " + one + " of " + enterprise + " with the label " + o.HavingLabel
	case o.All:
		return "every " + one + " of " + enterprise
	case len(ids) == 1:
		return one + " " + ids[0]
	case len(ids) > 1:
		return fmt.Sprintf("%d %s", len(ids), many)
	}
	return enterprise
}

// start starts a workflow; then is what else a person is told when it was.
func (a *app) start(ctx context.Context, o order, then ...string) error {
	path, err := a.of()
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	got, err := c.change(ctx, http.MethodPost, path+"/workflows", o)
	if err != nil || a.json {
		if err == nil {
			err = a.printJSON(got)
		}
		return err
	}
	s, err := decode[struct{ EventID, RequestID string }](got)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.out, s.EventID)
	a.say("Started the workflow %s for %s (request %s); its event is above. rollcall audit --follow shows what it does.", o.Op, o.on(a.enterprise), s.RequestID)
	for _, text := range then {
		a.say("%s", text)
	}
	return nil
}

// workflowCommand is a command that starts op on named accounts or devices, or on
// all of them.
func (a *app) workflowCommand(op, noun, short, long string) *cobra.Command {
	var o order
	var yes bool
	cmd := &cobra.Command{
		Use: op + " ID... | --all", Short: short,
		Long: long + "\n\nThis starts a workflow and prints its event's id; the work is done soon after.\nAt most 100 ids are taken at once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.All && len(args) > 0:
				return usagef("name %ss or give --all, not both", noun)
			case !o.All && len(args) == 0:
				return usagef("name at least one %s, or give --all", noun)
			}
			o.Op = op
			if noun == "device" {
				o.Devices = args
			} else {
				o.Accounts = args
			}
			if o.All && !yes {
				if _, err := a.of(); err != nil {
					return err
				}
				if err := a.confirm(cmd.Context(), "--all", fmt.Sprintf("%s %s?", op, o.on(a.enterprise))); err != nil {
					return err
				}
			}
			var then []string
			if o.Lost {
				then = a.passwordsOfLost(cmd.Context())
			}
			return a.start(cmd.Context(), o, then...)
		},
	}
	cmd.Flags().BoolVar(&o.All, "all", false, "every "+noun+" of the enterprise; asks first")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	switch op {
	case "retire":
		cmd.Flags().BoolVar(&o.Lost, "lost", false, "the devices are in other hands: where the password policy says so (rollcall password policy),\ntheir people's passwords are replaced at Google at once")
	case "rename":
		cmd.Flags().StringVar(&o.DisplayName, "display-name", "", "the new `name`, 1 to 60 characters and nothing personal")
		must(cmd.MarkFlagRequired("display-name"))
	}
	return cmd
}

// confirm asks a person, and refuses where there is none to ask. What names what
// needs the answer.
func (a *app) confirm(ctx context.Context, what, question string) error {
	if !a.interactive {
		return usagef("%s asks first, and nobody can be asked here; add --yes", what)
	}
	_, _ = fmt.Fprint(a.errs, question+" Type yes to go on: ")
	answers := make(chan string, 1)
	go func() { // a read knows no context, and Ctrl-C must end the question
		line, _ := bufio.NewReader(a.in).ReadString('\n') // no answer is not yes
		answers <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answers:
		if answer == "yes" {
			return nil
		}
		return failf(exitFailed, "nothing was done")
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.errs)
		return ctx.Err()
	}
}
