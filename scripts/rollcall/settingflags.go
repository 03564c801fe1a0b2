package main

import (
	"maps"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// settingFlagOf names the flag of a field of a setting.
var settingFlagOf = map[string]string{
	"name": "name", "description": "description", "exchange.server": "server", "exchange.ssl": "ssl", "exchange.sync": "sync",
	"imap.host": "host", "imap.port": "port", "imap.tls": "tls", "signIn": "sign-in", "userName": "user-name", "email": "email",
	"password": "password", "audience": "audience", "managed.app": "managed", "managed.package": "managed-package",
	"managed.extra": "extra", "labels": "label",
}

// settingFlags adds a flag for each field of a setting of a kind, and returns what
// puts those that were given into it.
func settingFlags(cmd *cobra.Command, kind mail.Kind) func(*mail.Setting) error {
	f := cmd.Flags()
	server := exchangeFlags
	if kind == mail.IMAPKind {
		server = imapFlags
	}
	parts := []func(*mail.Setting) error{describeFlags(f), server(f), signInFlags(f), managedFlags(f)}
	return func(s *mail.Setting) error {
		for _, put := range parts {
			if err := put(s); err != nil {
				return err
			}
		}
		return nil
	}
}

func describeFlags(f *pflag.FlagSet) func(*mail.Setting) error {
	name := f.String("name", "", "what people see as the account's `name` (default: the setting's id)")
	description := f.String("description", "", "your own `words`")
	audience := f.String("audience", "", "managed-apple: shared and user-enrolled Apple devices alone, which have $MANAGED_APPLE_ID$,\nand of which Rollcall enrolls none; all (default)")
	labels := f.StringArray("label", nil, "`label` whose devices get the setting; may be repeated, replaces those before")
	return func(s *mail.Setting) error {
		if f.Changed("name") || s.Name == "" {
			s.Name = *name
		}
		if s.Name == "" {
			s.Name = s.ID
		}
		if f.Changed("description") {
			s.Description = *description
		}
		if f.Changed("audience") {
			s.Audience = mail.Audience(*audience)
			if *audience == "all" {
				s.Audience = mail.AllDevices
			}
		}
		if f.Changed("label") {
			s.Labels = *labels
		}
		return nil
	}
}

func exchangeFlags(f *pflag.FlagSet) func(*mail.Setting) error {
	server := f.String("server", "", "`host` of the Exchange ActiveSync server, with :PORT where it is not 443 (default m.google.com)")
	ssl := f.Bool("ssl", true, "protect the connection with TLS")
	sync := f.StringSlice("sync", nil, "the `items` to synchronise (default contacts,calendar,email,tasks)")
	return func(s *mail.Setting) (err error) {
		if f.Changed("server") {
			s.Exchange.Server = *server
		}
		if f.Changed("ssl") {
			s.Exchange.SSL = *ssl
		}
		if f.Changed("sync") {
			s.Exchange.Sync, err = itemsOf(*sync)
		}
		return err
	}
}

func imapFlags(f *pflag.FlagSet) func(*mail.Setting) error {
	host := f.String("host", "", "`host` of the IMAP server (default imap.gmail.com)")
	port := f.Int("port", 0, "its `port` (default 993)")
	tls := f.String("tls", "", "the `kind` of protection: tls from the first byte, starttls, or none (default tls)")
	return func(s *mail.Setting) error {
		if f.Changed("host") {
			s.IMAP.Host = *host
		}
		if f.Changed("port") {
			s.IMAP.Port = *port
		}
		if f.Changed("tls") {
			s.IMAP.TLS = mail.TLS(*tls)
		}
		return nil
	}
}

func signInFlags(f *pflag.FlagSet) func(*mail.Setting) error {
	signIn := f.String("sign-in", "", "the `way` to sign in: oauth, google-apps-password, or password (default oauth)")
	generated := f.Bool("google-apps-password", false, "sign in with the password that Rollcall generates; short for --sign-in google-apps-password")
	user := f.String("user-name", "", "the user name, a `template`; to be given with --sign-in password, and not with\ngoogle-apps-password (default '$EMAIL$')")
	email := f.String("email", "", "the address of the mailbox, a `template` (default '$EMAIL$')")
	password := f.String("password", "", "with --sign-in password: the `variable` '$GOOGLE_AUTOGEN_PASSWORD$', or '$PASSWORD$', which the mail\nclient asks the person for; never a password itself")
	return func(s *mail.Setting) error {
		if f.Changed("sign-in") && f.Changed("google-apps-password") {
			return usagef("give --sign-in or --google-apps-password, not both")
		}
		switch {
		case f.Changed("sign-in"):
			s.SignIn = mail.SignIn(*signIn)
		case f.Changed("google-apps-password") && *generated:
			s.SignIn = mail.GoogleAppsPassword
		case f.Changed("google-apps-password"):
			s.SignIn = mail.OAuth
		}
		// What another way to sign in had, this one does not take.
		if s.SignIn != mail.Password {
			s.Password = ""
		}
		if s.SignIn == mail.GoogleAppsPassword {
			s.UserName = ""
		}
		for _, t := range []struct {
			flag, value string
			to          *string
		}{{"user-name", *user, &s.UserName}, {"email", *email, &s.Email}, {"password", *password, &s.Password}} {
			if !f.Changed(t.flag) {
				continue
			}
			if err := checkTemplate(t.flag, t.value); err != nil {
				return err
			}
			*t.to = t.value
		}
		return nil
	}
}

func managedFlags(f *pflag.FlagSet) func(*mail.Setting) error {
	app := f.String("managed", "", "send it as managed configuration to an `app`: gmail, or generic for apps after the model of\nIvanti Email+; none sends it as an account (default none)")
	pkg := f.String("managed-package", "", "the app's Android `package`; generic needs it (default com.google.android.gm)")
	extra := f.StringArray("extra", nil, "`KEY=TEMPLATE`, one more key of the managed configuration; KEY= takes it away; may be repeated")
	return func(s *mail.Setting) error {
		switch {
		case *app == "none":
			s.Managed = nil
		case f.Changed("managed"):
			m := mail.Managed{App: mail.App(*app)}
			if s.Managed != nil && s.Managed.App == m.App {
				m = *s.Managed
			}
			s.Managed = &m
		}
		if !given(f, "managed-package", "extra") {
			return nil
		}
		if s.Managed == nil {
			return usagef("--managed-package and --extra are for a managed configuration; say of which app with --managed gmail or --managed generic")
		}
		if f.Changed("managed-package") {
			s.Managed.Package = *pkg
		}
		s.Managed.Extra = maps.Clone(s.Managed.Extra)
		for _, e := range *extra {
			key, value, ok := strings.Cut(e, "=")
			switch {
			case !ok || key == "":
				return usagef("--extra takes KEY=TEMPLATE, such as 'default_signature=$USERID$'")
			case value == "":
				delete(s.Managed.Extra, key)
				continue
			case s.Managed.Extra == nil:
				s.Managed.Extra = map[string]string{}
			}
			if err := checkTemplate("extra", value); err != nil {
				return err
			}
			s.Managed.Extra[key] = value
		}
		return nil
	}
}

// checkTemplate refuses what a shell made of a variable that was not quoted. It
// never repeats the value, which may be a password that has no place there.
func checkTemplate(flag, value string) error {
	if value != "" && strings.Count(value, "$")%2 == 0 {
		return nil // what else is wrong with it the server says
	}
	example := "--" + flag + " '$EMAIL$'"
	switch flag {
	case "extra":
		example = "--extra 'KEY=$EMAIL$'"
	case "password":
		example = "--password '$GOOGLE_AUTOGEN_PASSWORD$'"
	}
	return usagef("--%s is empty, or a dollar sign in it has no partner: your shell puts its own variables in the place of such as $EMAIL$, so put them in single quotes, as in %s; a dollar sign of the text is written $$", flag, example)
}
