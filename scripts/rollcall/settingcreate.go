package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

const settingCreateHelp = `Create a mail setting, or change one: flags change what they name and leave the rest
of a setting that is there. Devices get a change at their next check-ins; if there are
labels that the setting is applied to, a change of what devices get asks first. A
device that has just checked in finds it after a quarter of an hour.

--file takes the whole setting instead, as YAML or JSON, in the form that
rollcall setting show --json prints. If the file tells a version, the setting must
still have it, and nothing is asked: whoever made the file saw what is there. An ID
goes before the one in the file, which makes a copy, with the same labels.`

const variablesHelp = `

Variables stand for what differs from person to person: $EMAIL$ (the address),
$USERID$ (the user id), $MANAGED_APPLE_ID$, and the directory's custom attributes by
their names (ldap.attributes.custom in the file of rollcall directory configure);
they can be part of a text, as in $USERID$_US. A shell has variables of its own that
look so: put these in single quotes.

  --user-name '$USERID$_US'    right
  --user-name "$USERID$_US"    wrong: the shell replaces them, by nothing`

func (a *app) settingCreate() *cobra.Command {
	var file string
	var yes bool
	cmd := &cobra.Command{
		Use: "create [ID] --file FILE", Short: "Create or change a mail setting", Long: settingCreateHelp, Args: cobra.ArbitraryArgs,
		Example: "  rollcall setting create imap mail --label sales\n  rollcall setting create --file mail.yaml",
	}
	cmd.Flags().StringVar(&file, "file", "", "take the whole setting from this `file`, YAML or JSON; - is standard input")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.AddCommand(
		a.settingOf(mail.ExchangeKind, "Create or change an Exchange (ActiveSync) setting",
			"Create an Exchange (ActiveSync) setting, or change one. What is not said is Google's\nserver, OAuth, TLS, each person's address, and every item.",
			"  rollcall setting create exchange mail --label sales\n"+
				"  rollcall setting create exchange office --server mail.example.com --sign-in password \\\n    --user-name '$USERID$_US' --sync email,calendar\n"+
				"  rollcall setting create exchange legacy --google-apps-password   # see the warning"),
		a.settingOf(mail.IMAPKind, "Create or change an IMAP setting",
			"Create an IMAP setting, or change one. What is not said is Gmail's server, TLS on port\n993, OAuth (XOAUTH2), and each person's address as mailbox.",
			"  rollcall setting create imap mail --label sales\n"+
				"  rollcall setting create imap team --email 'team-$site$@example.com'\n"+
				"  rollcall setting create imap app --managed generic --managed-package com.example.mail \\\n    --extra 'signature=$USERID$'"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if file == "" || len(args) > 1 {
			return usagef("say what to create: rollcall setting create exchange ID, imap ID, or [ID] --file FILE")
		}
		return a.createFromFile(cmd.Context(), file, args, yes)
	}
	return cmd
}

// settingOf is the command that makes settings of one kind.
func (a *app) settingOf(kind mail.Kind, short, long, example string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: string(kind) + " ID", Short: short, Args: exactlyOne, Example: example,
		Long: long + "\n\nIf there is a setting of that id, the flags change what they name and leave the rest;\n" +
			"that asks first where devices have it. A warning says what to know of a setting that\nis allowed all the same." + variablesHelp,
	}
	set := settingFlags(cmd, kind)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.settingPath(args[0])
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		old, err := c.setting(cmd.Context(), path)
		if err != nil {
			return err
		}
		s := mail.NewExchange()
		if kind == mail.IMAPKind {
			s = mail.NewIMAP()
		}
		if old != nil {
			if s = apart(*old); s.Kind != kind {
				return failf(exitRefused, "the setting %s is of the kind %s; choose another id, or remove it first: %s", s.ID, s.Kind, a.command("setting remove %s", s.ID))
			}
		}
		s.ID = args[0]
		if err := set(&s); err != nil {
			return err
		}
		if err := a.confirmChange(cmd.Context(), old, s, yes); err != nil {
			return err
		}
		body, err := settingBody(s)
		if err != nil {
			return err
		}
		return withFlag(a.save(cmd.Context(), c, path, old, body), settingFlagOf)
	}
	return cmd
}

func (a *app) settingPath(id string) (string, error) {
	path, err := a.of()
	return path + "/settings/" + segment(id), err
}
