package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/password"
)

const renewHelp = `Replace the passwords of people by new ones, out of every state; one that was given
up gets all its attempts again.

The new password goes to Google when a device of the person next checks in, so that
the old one works until a device can have the new one; with --now it goes at once,
and mail clients cannot sign in until their device has checked in. Who has no
password yet gets none.

--dry-run says how many and who, and changes nothing. Without it, several people at
once are asked for first. PERSON is a key, a mail address or a user id; at most 100
are taken at once. This starts a workflow and prints its event's id.`

// renewal is what a dry run of a renewal answers.
type renewal struct {
	People  int                    `json:"people"`
	ByState map[password.State]int `json:"byState"`
	Sample  []struct {
		Person string         `json:"person"`
		Name   string         `json:"name"`
		State  password.State `json:"state"`
	} `json:"sample"`
	Truncated bool `json:"truncated"`
}

func (n renewal) number() string {
	text := fmt.Sprint(n.People)
	if n.Truncated {
		text += "+"
	}
	return text
}

func (a *app) passwordRenew() *cobra.Command {
	var o order
	var yes bool
	cmd := &cobra.Command{
		Use: "renew PERSON... | --label LABEL | --all", Short: "Replace passwords by new ones", Long: renewHelp,
		Example: "  rollcall password renew ada@example.com\n  rollcall password renew --label sales --dry-run\n  rollcall password renew --all --now",
	}
	f := cmd.Flags()
	f.StringVar(&o.HavingLabel, "label", "", "everybody who has this `label`, or has a device with it")
	f.BoolVar(&o.All, "all", false, "everybody of the enterprise")
	f.BoolVar(&o.Now, "now", false, "send the new passwords to Google at once, without waiting for a device")
	f.BoolVar(&o.DryRun, "dry-run", false, "say how many and who, and change nothing")
	f.BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch given := cmd.Flags().Changed("label"); {
		case given && o.HavingLabel == "":
			return usagef("--label is empty; is a variable of your shell not set?")
		case len(args) > 0 && (given || o.All), given && o.All:
			return usagef("name people, or give --label or --all; one of them alone")
		case len(args) == 0 && !given && !o.All:
			return usagef("name at least one person, or give --label or --all")
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
		o.Op, o.All = "renew", len(args) == 0
		return a.withoutPolicy(a.renew(cmd.Context(), c, path, o, yes))
	}
	return cmd
}

func (a *app) renew(ctx context.Context, c *client, path string, o order, yes bool) error {
	if o.DryRun {
		got, n, err := c.previewRenewal(ctx, path, o)
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(got)
		}
		return a.printRenewal(n)
	}
	if len(o.People) != 1 && !yes {
		if err := a.confirmRenewal(ctx, c, path, o); err != nil {
			return err
		}
	}
	then := "A new password goes to Google when a device of its person next checks in; with --now it would go at once."
	if o.Now {
		then = "The new passwords go to Google at once, as fast as its quota lets them; mail clients have theirs after the device's next check-in."
	}
	look := "How they stand: " + a.command("password status")
	if len(o.People) == 1 {
		look = "How it stands: " + a.command("password status %s", o.People[0])
	}
	return a.start(ctx, o, then, look)
}

// previewRenewal asks what a renewal would do.
func (c *client) previewRenewal(ctx context.Context, path string, o order) ([]byte, renewal, error) {
	o.DryRun = true
	got, err := c.change(ctx, http.MethodPost, path+"/workflows", o)
	if err != nil {
		return nil, renewal{}, err
	}
	n, err := decode[renewal](got)
	return got, n, err
}

// confirmRenewal asks with the number of people, which nobody has in mind.
func (a *app) confirmRenewal(ctx context.Context, c *client, path string, o order) error {
	const what = "a renewal for several people"
	if !a.interactive {
		return a.confirm(ctx, what, "")
	}
	_, n, err := c.previewRenewal(ctx, path, o)
	if err != nil {
		return err
	}
	if n.People == 0 {
		return failf(exitFailed, "nobody there has a password to renew; nothing was done")
	}
	when := "when their devices check in"
	if o.Now {
		when = "at once, and their mail stands still until their devices check in"
	}
	return a.confirm(ctx, what, fmt.Sprintf("Renew the passwords of %s (%s), at Google %s?", peopleOf(n), o.on(a.enterprise), when))
}

func peopleOf(n renewal) string {
	if n.People == 1 && !n.Truncated {
		return "1 person"
	}
	return n.number() + " people"
}

func (a *app) printRenewal(n renewal) error {
	if n.People == 0 {
		a.say("Nobody there has a password, so there is nothing to renew.")
		return nil
	}
	if err := a.print("%s", renewalText(n)); err != nil {
		return err
	}
	var rows [][]string
	for _, r := range n.Sample {
		rows = append(rows, []string{cmp.Or(r.Name, r.Person), string(r.State), r.Person})
	}
	if err := a.table([]string{"PERSON", "STATE", "KEY"}, rows); err != nil {
		return err
	}
	if len(n.Sample) < n.People {
		a.say("These are the first %d of them.", len(n.Sample))
	}
	a.say("Nothing was changed; without --dry-run it is.")
	return nil
}

// renewalText says how many would get a new password, and how they stand.
func renewalText(n renewal) string {
	var parts []string
	for _, s := range append(append([]password.State{}, passwordStates...), unknownStates(n.ByState)...) {
		if n.ByState[s] > 0 && s != password.None {
			parts = append(parts, fmt.Sprintf("%d %s", n.ByState[s], s))
		}
	}
	text := "Would renew the passwords of " + peopleOf(n) + ": " + strings.Join(parts, ", ") + "."
	if none := n.ByState[password.None]; none > 0 {
		text += fmt.Sprintf(" %s without a password would get none.", peopleOf(renewal{People: none}))
	}
	return text + "\n"
}
