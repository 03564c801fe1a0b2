package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const configureHelp = `Show an enterprise's directory, or configure it.

Flags change what they name and leave the rest. --file gives the whole of it instead,
as YAML or JSON, in the form that --show --json prints. Password and key are kept
apart, in the secret store, and are never shown.

A change ends the run under way; the next sync reads everything again.`

func (a *app) directoryConfigure() *cobra.Command {
	var file, passwordFile, keyFile string
	var showOnly, remove, yes bool
	cmd := &cobra.Command{
		Use: "configure [ENTERPRISE]", Short: "Show or change where people come from", Long: configureHelp, Args: cobra.MaximumNArgs(1),
		Example: "  rollcall directory configure acme --show\n  rollcall directory configure acme --file directory.yaml\n" +
			"  rollcall directory configure acme --mode read-only --ldap-url ldaps://ldap.example.com \\\n" +
			"    --base-dn ou=people,dc=example,dc=com --bind-dn cn=rollcall,dc=example,dc=com --bind-password-file - \\\n" +
			"    --google-subject admin@example.com --google-key-file key.json\n" +
			"  rollcall directory configure acme --exclude-mail guest@example.com --exclude-unit ou=robots,dc=example,dc=com",
	}
	f := cmd.Flags()
	f.BoolVar(&showOnly, "show", false, "show the configuration, with what is by default")
	f.StringVar(&file, "file", "", "take the whole configuration from this `file`, YAML or JSON; - is standard input")
	f.BoolVar(&remove, "remove", false, "remove the configuration and the password; people stay as they are, and so does the Google credential")
	f.BoolVar(&yes, "yes", false, "do not ask")
	set := directoryFlags(cmd)
	f.StringVar(&passwordFile, "bind-password-file", "", "`file` with the password of --bind-dn, whose last line end does not count; - is standard input")
	f.StringVar(&keyFile, "google-key-file", "", "the service account's JSON key `file`, as Google's console handed it out (for more: rollcall credential import)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.directoryPath(args)
		if err != nil {
			return err
		}
		for _, name := range []string{"file", "bind-password-file", "google-key-file"} {
			if f.Changed(name) && f.Lookup(name).Value.String() == "" {
				return usagef("--%s names no file", name)
			}
		}
		changed := changedFlags(cmd)
		switch {
		case showOnly && (remove || file != "" || passwordFile != "" || keyFile != "" || len(changed) > 0):
			return usagef("--show changes nothing; give it alone")
		case remove && (file != "" || passwordFile != "" || keyFile != "" || len(changed) > 0):
			return usagef("--remove takes the configuration away; give it alone")
		case file != "" && len(changed) > 0:
			return usagef("--file is the whole configuration, so --%s does not go with it", changed[0])
		case file == "-" && passwordFile == "-":
			return usagef("standard input cannot be both the configuration and the password")
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		s := settings{app: a, client: c, path: path}
		if remove {
			return s.remove(cmd.Context(), yes)
		}
		// All that can be read is read before anything is changed.
		if err := s.read(file, passwordFile, keyFile); err != nil {
			return err
		}
		if len(changed) > 0 {
			s.change, s.setsMode = set, slices.Contains(changed, "mode")
		}
		return s.apply(cmd.Context())
	}
	return cmd
}

// settings is what one call of configure is to set.
type settings struct {
	app    *app
	client *client
	path   string

	whole    json.RawMessage // the configuration, from a file
	change   func(*directory.Config) error
	setsMode bool
	password secret.Value
	key      json.RawMessage
}

// apply sets what is given and shows what there is then.
func (s settings) apply(ctx context.Context) error {
	after := nothing
	switch {
	case s.whole != nil || s.key != nil || s.setsMode:
		after = everything
	case s.change != nil || !s.password.Empty():
		after = little
	}
	got, err := s.configure(ctx)
	if err != nil {
		return err
	}
	if !s.password.Empty() {
		body := map[string]string{"password": s.password.Reveal()}
		if _, err := s.client.change(ctx, http.MethodPut, s.path+"/bind-password", body); err != nil {
			return err
		}
		s.app.say("The bind password is set.")
	}
	if s.key != nil {
		body := map[string]json.RawMessage{"key": s.key}
		if _, err := s.client.change(ctx, http.MethodPut, credentialOf(s.path), body); err != nil {
			return inFile(ofCredential(err), "--google-key-file")
		}
		s.app.say("The Google credential is set; compare client id and key id with Google's console.")
	}
	if s.app.json {
		return s.app.printJSON(got)
	}
	return s.app.printDirectory(ctx, s.client, s.path, got, after)
}

// configure stores the configuration if it is to change, and returns it.
func (s settings) configure(ctx context.Context) ([]byte, error) {
	if s.whole != nil {
		got, err := s.client.change(ctx, http.MethodPut, s.path, s.whole)
		return got, err
	}
	got, err := s.client.get(ctx, s.path, nil)
	missing := err != nil && asFailure(err).code == exitNotFound
	if s.change == nil || err != nil && !missing {
		return got, err
	}
	var config directory.Config
	if !missing {
		if config, err = decode[directory.Config](got); err != nil {
			return nil, err
		}
	}
	if err := s.change(&config); err != nil {
		return nil, err
	}
	dropped := dropUnused(&config)
	if got, err = s.client.change(ctx, http.MethodPut, s.path, config); err != nil {
		return nil, withFlag(err, flagOf)
	}
	for _, part := range dropped {
		s.app.say("The mode %s does not use %s, which is left out from now on.", config.Mode, part)
	}
	return got, nil
}

// dropUnused takes out the parts that a mode does not use, and names them.
func dropUnused(c *directory.Config) (dropped []string) {
	if c.Mode == directory.LDAPOnly && c.Google != nil {
		c.Google, dropped = nil, append(dropped, "google")
	}
	if c.Mode == directory.GoogleOnly && c.LDAP != nil {
		c.LDAP, dropped = nil, append(dropped, "ldap")
	}
	return dropped
}

// withFlag adds to a refusal the flag that sets the field it names.
func withFlag(err error, flagOf map[string]string) error {
	f := asFailure(err)
	if f == nil || !f.fromServer {
		return err
	}
	field, _, _ := strings.Cut(f.text, ": ")
	field, _, _ = strings.Cut(field, "[") // of a list
	if strings.HasPrefix(field, "managed.extra.") {
		field = "managed.extra"
	}
	flag := flagOf[field]
	if flag == "" {
		return err
	}
	c := *f
	c.text += " (--" + flag + ")"
	return &c
}

// inFile says which file a refusal is about.
func inFile(err error, flag string) error {
	c := *asFailure(err)
	c.text = flag + ": " + c.text
	return &c
}

func (s settings) remove(ctx context.Context, yes bool) error {
	if !yes {
		if err := s.app.confirm(ctx, "--remove", "Remove the directory of "+s.app.enterprise+" and its password? People, devices and accounts stay as they are."); err != nil {
			return err
		}
	}
	if _, err := s.client.change(ctx, http.MethodDelete, s.path, nil); err != nil {
		return err
	}
	s.app.say("Removed: no sync runs any more. People, devices and accounts stay as they are.")
	s.app.say("The Google credential stays as well, for it serves mail; to remove it: %s", s.app.command("credential remove"))
	return nil
}
