package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

const directoryHelp = `The organisation's directory, from which the people come: LDAP, Google's, or both.

A sync runs every 15 minutes by itself. It is put in quarantine, and changes
nothing, if it would take more from people than the guards let through; then an
admin approves or rejects it. To begin:

  rollcall directory configure acme --mode read-only --ldap-url ldaps://ldap.example.com \
    --base-dn ou=people,dc=example,dc=com --bind-dn cn=rollcall,dc=example,dc=com \
    --bind-password-file password.txt \
    --google-subject admin@example.com --google-key-file key.json
  rollcall directory test acme     # are the servers reached, who is found
  rollcall directory plan acme     # what a sync would do
  rollcall directory run acme      # do it`

func (a *app) directoryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "directory", Short: "The directory that people come from, and its runs", Long: directoryHelp,
		Aliases: []string{"directories"},
	}
	cmd.AddCommand(a.directoryConfigure(), a.directoryTest(), a.directoryPlan(), a.directoryRun(), a.directoryStatus(),
		a.directoryApprove(), a.directoryReject(), a.people())
	return cmd
}

// directoryPath takes the enterprise from the argument, or from --enterprise.
func (a *app) directoryPath(args []string) (string, error) {
	path, err := a.enterprisePath(args)
	return path + "/directory", err
}

// hint is a command on directories for a person to copy.
func (a *app) hint(format string, args ...any) string {
	return a.command("directory "+format, args...)
}

// newRun asks for a run.
type newRun struct {
	Kind directory.Kind `json:"kind"`
	Full bool           `json:"full,omitempty"`
}

// orderedRun is the answer to what was asked for of a run.
type orderedRun struct {
	EventID    string `json:"eventId"`
	Run        string `json:"run"`
	Supersedes string `json:"supersedes"`
}

// startRun starts a run and says so.
func (a *app) startRun(ctx context.Context, c *client, path string, n newRun) (orderedRun, []byte, error) {
	got, err := c.change(ctx, http.MethodPost, path+"/runs", n)
	if err != nil {
		return orderedRun{}, nil, err
	}
	o, err := decode[orderedRun](got)
	if err != nil {
		return o, nil, err
	}
	if o.Supersedes != "" {
		a.say("It takes the place of the run %s, which waited.", o.Supersedes)
	}
	return o, got, nil
}

func (a *app) directoryRun() *cobra.Command {
	var n newRun
	var wait bool
	cmd := &cobra.Command{
		Use: "run [ENTERPRISE]", Short: "Sync now", Args: cobra.MaximumNArgs(1),
		Long: "Sync now, without waiting for the schedule. A run that waits for a decision is\nsuperseded: what it would have done is planned anew.",
	}
	cmd.Flags().BoolVar(&n.Full, "full", false, "read everything, although changes alone could be")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the run is over; exit code 4 if it waits for an admin")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.directoryPath(args)
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		n.Kind = directory.Sync
		o, got, err := a.startRun(cmd.Context(), c, path, n)
		if err != nil {
			return err
		}
		if !wait {
			if a.json {
				return a.printJSON(got)
			}
			_, _ = fmt.Fprintln(a.out, o.Run)
			a.say("Started; the run's id is above. How it stands: %s", a.hint("status"))
			return nil
		}
		run, got, err := a.followRun(cmd.Context(), c, path, o.Run)
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON(got)
		} else {
			err = a.printRun(run, a.look(run))
		}
		if err != nil {
			return err
		}
		return a.outcome(run)
	}
	return cmd
}

// outcome is what a run that was waited for ends the command with.
func (a *app) outcome(run directory.Run) error {
	switch run.Phase {
	case directory.Done:
		return nil
	case directory.Quarantined:
		return failf(exitRefused, "the run waits for an admin; approve or reject it")
	case directory.Failed:
		return failf(exitFailed, "the run failed (%s)", run.Reason)
	}
	return failf(exitFailed, "the run was %s", run.Phase)
}

func (a *app) directoryApprove() *cobra.Command {
	var body struct {
		AdditionsOnly bool `json:"additionsOnly,omitempty"`
	}
	cmd := &cobra.Command{
		Use: "approve RUN", Short: "Let a quarantined run go on", Args: exactlyOne,
		Long: "Let a quarantined run go on. A run that did not read all of the directory removes\nnobody even so.",
	}
	cmd.Flags().BoolVar(&body.AdditionsOnly, "additions-only", false, "apply only what takes nothing from anybody")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text := "Approved: the run goes on."
		if body.AdditionsOnly {
			text = "Approved without what takes something from somebody: the run goes on."
		}
		return a.decide(cmd.Context(), args[0], "approve", body, text+" How it stands: "+a.hint("status"))
	}
	return cmd
}

func (a *app) directoryReject() *cobra.Command {
	return &cobra.Command{
		Use: "reject RUN", Short: "End a quarantined run; nothing of it is applied", Args: exactlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.decide(cmd.Context(), args[0], "reject", nil,
				"Rejected: nothing of the run is applied. The schedule will plan the same again unless the directory is mended, or paused with: "+a.hint("configure --paused"))
		},
	}
}

// decide sends an admin's word on a quarantined run.
func (a *app) decide(ctx context.Context, run, word string, body any, text string) error {
	path, err := a.of()
	if err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	got, err := c.change(ctx, http.MethodPost, path+"/directory/runs/"+segment(run)+"/"+word, body)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got)
	}
	a.say("%s", text)
	return nil
}
