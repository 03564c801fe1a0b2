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
	Op          string   `json:"op"`
	Accounts    []string `json:"accounts,omitempty"`
	Devices     []string `json:"devices,omitempty"`
	All         bool     `json:"all,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
}

// on says on what an order works, for people.
func (o order) on(enterprise string) string {
	ids, noun := o.Accounts, "account"
	if o.Op == "retire" || o.Op == "release" {
		ids, noun = o.Devices, "device"
	}
	switch {
	case o.All:
		return "every " + noun + " of " + enterprise
	case len(ids) == 1:
		return noun + " " + ids[0]
	case len(ids) > 1:
		return fmt.Sprintf("%d %ss", len(ids), noun)
	}
	return enterprise
}

func (a *app) start(ctx context.Context, o order) error {
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
				if err := a.confirm(cmd.Context(), fmt.Sprintf("%s %s?", op, o.on(a.enterprise))); err != nil {
					return err
				}
			}
			return a.start(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.All, "all", false, "every "+noun+" of the enterprise; asks first")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	if op == "rename" {
		cmd.Flags().StringVar(&o.DisplayName, "display-name", "", "the new `name`, 1 to 60 characters and nothing personal")
		must(cmd.MarkFlagRequired("display-name"))
	}
	return cmd
}

// confirm asks a person, and refuses where there is none to ask.
func (a *app) confirm(ctx context.Context, question string) error {
	if !a.interactive {
		return usagef("--all asks first, and nobody can be asked here; add --yes")
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
