package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

func (a *app) mailClientChange() *cobra.Command {
	var in mailClientFlags
	var state string
	cmd := &cobra.Command{
		Use: "change MAILCLIENT", Short: "Change what a mail client is called and may have, or revoke it", Args: exactlyOne,
		Long: "Change what a mail client is called and may have. Flags change what they name and leave\n" +
			"the rest; a list that is given takes the place of the old one, and an empty one ends\nit, as in --label ''. It holds within half a minute.\n\n" +
			"--state revoked gives the server no more tokens, and --state active gives it some\nagain; those that it has are good for up to an hour yet. Another key is another mail\nclient.",
		Example: "  rollcall mail client change m2k4v --mailboxes-file mailboxes.txt\n  rollcall mail client change m2k4v --state revoked",
	}
	in.flags(cmd.Flags(), "")
	cmd.Flags().StringVar(&state, "state", "", "active or revoked")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !given(cmd.Flags(), "name", "scope", "mailbox", "mailboxes-file", "label", "domain", "state") {
			return usagef("say what to change, such as --label LABEL or --state revoked")
		}
		path, err := a.mailClientPath(args[0])
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		got, err := c.get(cmd.Context(), path, nil)
		if err != nil {
			return err
		}
		old, err := decode[mailClientRow](got)
		if err != nil {
			return err
		}
		next := old.Client
		if err := in.over(a, cmd.Flags(), &next.Allow); err != nil {
			return err
		}
		if cmd.Flags().Changed("name") {
			next.Name = in.name
		}
		if cmd.Flags().Changed("scope") {
			next.Scope = mailclient.Scope(in.scope)
		}
		if cmd.Flags().Changed("state") {
			next.State = mailclient.State(state)
		}
		// What was read is named, so that two admins do not undo each other's change.
		body := map[string]any{"name": next.Name, "scope": next.Scope, "allow": next.Allow, "state": next.State, "updatedAt": old.UpdatedAt}
		if got, err = c.change(cmd.Context(), http.MethodPut, path, body); err != nil {
			return withFlag(err, mailClientFlagOf)
		}
		r, err := decode[mailClientRow](got)
		if err != nil {
			return err
		}
		if !r.Changed {
			return a.printMailClient(got, "Nothing changed: the mail client %s is so already.")
		}
		return a.printMailClient(got, "Changed. It holds for %s within half a minute.")
	}
	return cmd
}

func (a *app) mailClientRemove() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove MAILCLIENT", Short: "Remove a mail client: it gets no more tokens", Args: exactlyOne,
		Long: "Remove a mail client. It gets no more tokens within half a minute; those that it has are\ngood for up to an hour yet. It asks first.",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.mailClientPath(args[0])
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		got, err := c.get(cmd.Context(), path, nil)
		if err != nil {
			return err
		}
		r, err := decode[mailClientRow](got)
		if err != nil {
			return err
		}
		if !yes {
			if err := a.confirm(cmd.Context(), "mail client remove", "Remove the mail client "+r.ID+" ("+clean(r.Name)+")? It can read no mail then."); err != nil {
				return err
			}
		}
		if _, err := c.change(cmd.Context(), http.MethodDelete, path, nil); err != nil {
			return err
		}
		a.say("Removed: %s gets no more tokens within half a minute, and those that it has are good for up to an hour.", clean(r.Name))
		return nil
	}
	return cmd
}
