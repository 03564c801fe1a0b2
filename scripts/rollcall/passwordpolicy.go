package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-emm/rollcall/shared/password"
)

const passwordPolicyHelp = `Show an enterprise's password policy, or change the members that are given.

While there is no policy no password is generated, and mail settings that need one
are refused; the first change makes a policy, with the defaults for the rest.

What a stricter policy makes too old or too short is replaced over a day, or over a
tenth of the rotation where that is more. --dry-run says how many passwords that are,
and stores nothing.`

// newPolicy is what is sent: the whole policy, and the revision that was read, so
// that two admins do not undo each other's change.
type newPolicy struct {
	Revision      int  `json:"revision,omitempty"`
	Length        int  `json:"length,omitempty"`
	RotateDays    int  `json:"rotateDays,omitempty"`
	MaxAttempts   int  `json:"maxAttempts,omitempty"`
	DeferralHours int  `json:"deferralHours,omitempty"`
	RotateOnLoss  bool `json:"rotateOnLoss,omitempty"`
	DryRun        bool `json:"dryRun,omitempty"`
}

var policyFlagOf = map[string]string{
	"length": "length", "rotateDays": "rotate-days", "maxAttempts": "max-attempts", "deferralHours": "deferral-hours",
}

// policyReply is what the server says of a policy.
type policyReply struct {
	Policy    password.Policy         `json:"policy"`
	Effects   map[password.Effect]int `json:"effects"`
	Truncated bool                    `json:"truncated"`
	Changed   bool                    `json:"changed"`
}

func (a *app) passwordPolicy() *cobra.Command {
	var dryRun, remove, yes bool
	cmd := &cobra.Command{
		Use: "policy [ENTERPRISE]", Short: "Show or change how passwords are generated and replaced", Long: passwordPolicyHelp, Args: cobra.MaximumNArgs(1),
		Example: "  rollcall password policy acme\n  rollcall password policy acme --length 20 --rotate-days 90 --dry-run",
	}
	set := passwordPolicyFlags(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what the change would do, and store nothing")
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the policy: no password is generated, sent or replaced any more; asks first")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.enterprisePath(args)
		if err != nil {
			return err
		}
		path += "/password-policy"
		change := given(cmd.Flags(), "length", "rotate-days", "max-attempts", "deferral-hours", "rotate-on-loss")
		switch {
		case remove && (change || dryRun):
			return usagef("--remove takes the policy away; give it alone")
		case dryRun && !change:
			return usagef("--dry-run says what a change would do; give what to change, such as --length 20")
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		if remove {
			return a.withoutPolicy(a.removePolicy(cmd.Context(), c, path, yes))
		}
		got, err := c.get(cmd.Context(), path, nil)
		if err != nil && (!change || asFailure(err).reason != noPolicy) {
			return a.withoutPolicy(err)
		}
		var old policyReply
		if err == nil {
			if old, err = decode[policyReply](got); err != nil {
				return err
			}
		}
		if !change {
			return a.printPolicy(got)
		}
		body := set(newPolicy{
			Revision: old.Policy.Revision, Length: old.Policy.Length, RotateDays: old.Policy.RotateDays, MaxAttempts: old.Policy.MaxAttempts,
			DeferralHours: old.Policy.DeferralHours, RotateOnLoss: old.Policy.RotateOnLoss, DryRun: dryRun,
		})
		if got, err = c.change(cmd.Context(), http.MethodPut, path, body); err != nil {
			return withFlag(err, policyFlagOf)
		}
		return a.printPolicyChange(got, dryRun)
	}
	return cmd
}

// passwordPolicyFlags adds a flag for each member of a policy, and returns what puts
// the ones that were given into it.
func passwordPolicyFlags(f *pflag.FlagSet) func(newPolicy) newPolicy {
	length := f.Int("length", 0, "how many `characters` a new password has, 8 to 100 and no fewer than Google's own\npolicy of the domain asks for (default 16)")
	days := f.Int("rotate-days", 0, "after how many `days` a password is replaced, 1 to 365, give or take a tenth; 0, the default, is never")
	attempts := f.Int("max-attempts", 0, "how many `times` one password is offered to Google before an admin is asked, 1 to 20 (default 5)")
	hours := f.Int("deferral-hours", 0, "for how many `hours` Google may be out of reach before passwords are given up, 1 to 720 (default 72)")
	loss := f.Bool("rotate-on-loss", false, "replace a person's password when a device of theirs is lost (rollcall device retire --lost),\nor their last one is retired; =false ends it")
	return func(p newPolicy) newPolicy {
		for flag, put := range map[string]struct{ to, from *int }{
			"length": {&p.Length, length}, "rotate-days": {&p.RotateDays, days},
			"max-attempts": {&p.MaxAttempts, attempts}, "deferral-hours": {&p.DeferralHours, hours},
		} {
			if f.Changed(flag) {
				*put.to = *put.from
			}
		}
		if f.Changed("rotate-on-loss") {
			p.RotateOnLoss = *loss
		}
		return p
	}
}

func (a *app) removePolicy(ctx context.Context, c *client, path string, yes bool) error {
	if !yes {
		question := "Remove the password policy of " + a.enterprise + "? Passwords that Google has stay as they are, and no password is generated, sent or replaced any more."
		if err := a.confirm(ctx, "--remove", question); err != nil {
			return err
		}
	}
	if _, err := c.change(ctx, http.MethodDelete, path, nil); err != nil {
		return err
	}
	a.say("Removed: no password is generated, sent or replaced any more. Passwords that Google has stay as they are.")
	return nil
}

// passwordsOfLost says what the policy has done about the passwords of people whose
// devices are lost. Where there is no policy there are no passwords; where it cannot be
// read, a lost device is retired all the same.
func (a *app) passwordsOfLost(ctx context.Context) []string {
	path, err := a.of()
	if err != nil {
		return nil
	}
	c, err := a.client()
	if err != nil {
		return nil
	}
	got, err := c.get(ctx, path+"/password-policy", nil)
	if err != nil {
		return nil
	}
	r, err := decode[policyReply](got)
	switch {
	case err != nil:
		return nil
	case r.Policy.RotateOnLoss:
		return []string{"The passwords of their people are replaced at Google at once; their other devices get the new one at their next check-ins."}
	}
	return []string{fmt.Sprintf("The password policy leaves the passwords of their people as they are. To replace one now: %s. To have it done from now on: %s",
		a.command("password renew PERSON --now"), a.command("password policy --rotate-on-loss"))}
}
