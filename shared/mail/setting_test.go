package mail_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

var linked = mail.Surroundings{Linked: true, Attributes: []string{"domain", "site"}}

func exchange(change ...func(*mail.Setting)) mail.Setting {
	s := mail.NewExchange()
	s.ID, s.Enterprise, s.Name, s.Version, s.Labels = "sales", "acme", "Sales", 1, []string{"sales"}
	for _, c := range change {
		c(&s)
	}
	return s
}

func imap(change ...func(*mail.Setting)) mail.Setting {
	s := mail.NewIMAP()
	s.ID, s.Enterprise, s.Name, s.Version, s.Labels = "voice", "acme", "Voicemail", 1, []string{"voice"}
	for _, c := range change {
		c(&s)
	}
	return s
}

// apps is the Google Apps Password flag.
func apps(s *mail.Setting) { s.SignIn = mail.GoogleAppsPassword }

// own is the sign-in by user name and password.
func own(user, password string) func(*mail.Setting) {
	return func(s *mail.Setting) { s.SignIn, s.UserName, s.Password = mail.Password, user, password }
}

func managed(app mail.App, extra map[string]string) func(*mail.Setting) {
	return func(s *mail.Setting) {
		s.Managed = &mail.Managed{App: app, Extra: extra}
		if app == mail.Generic {
			s.Managed.Package = "com.example.mail"
		}
	}
}

func TestNew_W9_OAuthIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, s := range []mail.Setting{exchange(), imap()} {
		if s.SignIn != mail.OAuth || s.NeedsGenerated() {
			t.Errorf("a new %s setting signs in with %s", s.Kind, s.SignIn)
		}
		if err := s.Validate(mail.Surroundings{}); err != nil {
			t.Errorf("a new %s setting cannot be saved: %v", s.Kind, err)
		}
	}
}

func TestValidate_M1_M2_M3_M4(t *testing.T) {
	t.Parallel()
	const autogen = "$GOOGLE_AUTOGEN_PASSWORD$"
	unlinked := mail.Surroundings{}
	extra := func(v string) map[string]string { return map[string]string{"email_password": v} }
	for _, tc := range []struct {
		name    string
		setting mail.Setting
		in      mail.Surroundings
		field   string // empty: it can be saved
		says    string
	}{
		{"Exchange with the flag", exchange(apps), linked, "", ""},
		{"the flag without a linked credential", exchange(apps), unlinked, "signIn", "credential"},
		{"the flag with a user name", exchange(apps, func(s *mail.Setting) { s.UserName = "$EMAIL$" }), linked, "userName", ""},
		{"the flag with a password", exchange(apps, func(s *mail.Setting) { s.Password = "$PASSWORD$" }), linked, "password", ""},
		{"the flag without SSL", exchange(apps, func(s *mail.Setting) { s.Exchange.SSL = false }), linked, "exchange.ssl", ""},
		{"the flag for IMAP", imap(apps), linked, "", ""},
		{"the flag for IMAP without TLS", imap(apps, func(s *mail.Setting) { s.IMAP.TLS = mail.NoTLS }), linked, "imap.tls", ""},
		{"OAuth without SSL", exchange(func(s *mail.Setting) { s.Exchange.SSL = false }), linked, "exchange.ssl", ""},
		{"OAuth with a password", exchange(func(s *mail.Setting) { s.Password = "$PASSWORD$" }), linked, "password", ""},
		{"OAuth with a user name", exchange(func(s *mail.Setting) { s.UserName = "$USERID$" }), linked, "", ""},
		{"password, without SSL", exchange(own("$USERID$", ""), func(s *mail.Setting) { s.Exchange.SSL = false }), unlinked, "", ""},
		{"password, asked for", exchange(own("$USERID$", "$PASSWORD$")), unlinked, "", ""},
		{"password, without user name", exchange(own("", "$PASSWORD$")), linked, "userName", ""},
		{"one password for all", exchange(own("$USERID$", "hunter2")), linked, "password", ""},
		{"generated password", exchange(own("$EMAIL$", autogen)), linked, "", ""},
		{"generated password without a linked credential", exchange(own("$EMAIL$", autogen)), unlinked, "signIn", "credential"},
		{"generated password with another user name", exchange(own("$USERID$", autogen)), linked, "userName", "$EMAIL$"},
		{"generated password without SSL", exchange(own("$EMAIL$", autogen), func(s *mail.Setting) { s.Exchange.SSL = false }), linked, "exchange.ssl", ""},
		{"no such way", exchange(func(s *mail.Setting) { s.SignIn = "kerberos" }), linked, "signIn", ""},

		{"composition", exchange(func(s *mail.Setting) { s.Email = "$USERID$_US@$domain$" }), linked, "", ""},
		{"unknown variable", exchange(func(s *mail.Setting) { s.Email = "$EMIAL$" }), linked, "email", "$EMIAL$"},
		{"attribute of another enterprise", exchange(func(s *mail.Setting) { s.Email = "$site$" }), unlinked, "email", "$site$"},
		{"case counts", exchange(func(s *mail.Setting) { s.Email = "$email$" }), linked, "email", "$email$"},
		{"unknown variable in the user name", exchange(own("$LOGIN$", "")), linked, "userName", "$LOGIN$"},
		{"half a variable", exchange(func(s *mail.Setting) { s.Email = "$EMAIL" }), linked, "email", "$$"},
		{"no address", exchange(func(s *mail.Setting) { s.Email = "" }), linked, "email", ""},
		{"password in the address", exchange(func(s *mail.Setting) { s.Email = "$PASSWORD$" }), linked, "email", "$PASSWORD$"},
		{"generated password in the user name", exchange(apps, func(s *mail.Setting) { s.SignIn, s.UserName = mail.Password, autogen }), linked, "userName", ""},
		{"Apple id for everybody", exchange(func(s *mail.Setting) { s.Email = "$MANAGED_APPLE_ID$" }), linked, "email", "Apple"},
		{"Apple id for Apple devices", exchange(func(s *mail.Setting) { s.Email, s.Audience = "$MANAGED_APPLE_ID$", mail.ManagedApple }), linked, "", ""},
		{"no such audience", exchange(func(s *mail.Setting) { s.Audience = "watches" }), linked, "audience", ""},

		{"managed for Gmail", exchange(managed(mail.Gmail, nil)), linked, "", ""},
		{"managed for Gmail by IMAP", imap(managed(mail.Gmail, nil)), linked, "managed.app", ""},
		{"managed by IMAP", imap(managed(mail.Generic, nil)), linked, "", ""},
		{"managed without package", exchange(managed(mail.Generic, nil), func(s *mail.Setting) { s.Managed.Package = "" }), linked, "managed.package", ""},
		{"managed for no package", exchange(managed(mail.Gmail, nil), func(s *mail.Setting) { s.Managed.Package = "mail" }), linked, "managed.package", ""},
		{"no such app", exchange(managed("elm", nil)), linked, "managed.app", ""},
		{"own key with the generated password", exchange(managed(mail.Generic, extra(autogen))), linked, "", ""},
		{"own key with the generated password and another user name", exchange(own("$USERID$", ""), managed(mail.Generic, extra(autogen))), linked, "userName", "$EMAIL$"},
		{"own key with the generated password without a linked credential", exchange(managed(mail.Generic, extra(autogen))), unlinked, "signIn", ""},
		{"own key with a part of a password", exchange(managed(mail.Generic, extra("x"+autogen))), linked, "managed.extra.email_password", "alone"},
		{"a password in clear", exchange(managed(mail.Generic, extra("Tr0ub4dor"))), linked, "managed.extra.email_password", "in clear"},
		{"an attribute as password", exchange(managed(mail.Generic, extra("$site$"))), linked, "managed.extra.email_password", "in clear"},
		{"the person's own password", exchange(managed(mail.Generic, extra("$PASSWORD$"))), linked, "", ""},
		{"own key with an unknown variable", exchange(managed(mail.Generic, extra("$X$"))), linked, "managed.extra.email_password", "$X$"},
		{"no key", exchange(managed(mail.Generic, map[string]string{"a b": ""})), linked, "managed.extra", ""},

		{"server with port", exchange(func(s *mail.Setting) { s.Exchange.Server = "sentry.example.com:8443" }), linked, "", ""},
		{"server by address", exchange(func(s *mail.Setting) { s.Exchange.Server = "192.0.2.1" }), linked, "", ""},
		{"server with scheme", exchange(func(s *mail.Setting) { s.Exchange.Server = "https://m.google.com" }), linked, "exchange.server", ""},
		{"server with path", exchange(func(s *mail.Setting) { s.Exchange.Server = "m.google.com/x" }), linked, "exchange.server", ""},
		{"server with port 0", exchange(func(s *mail.Setting) { s.Exchange.Server = "m.google.com:0" }), linked, "exchange.server", ""},
		{"no server", exchange(func(s *mail.Setting) { s.Exchange.Server = "" }), linked, "exchange.server", ""},
		{"nothing to synchronise", exchange(func(s *mail.Setting) { s.Exchange.Sync = mail.Items{} }), linked, "exchange.sync", ""},
		{"calendar alone", exchange(func(s *mail.Setting) { s.Exchange.Sync = mail.Items{Calendar: true} }), linked, "", ""},
		{"no host", imap(func(s *mail.Setting) { s.IMAP.Host = "a b" }), linked, "imap.host", ""},
		{"port too high", imap(func(s *mail.Setting) { s.IMAP.Port = 65536 }), linked, "imap.port", ""},
		{"no such TLS", imap(func(s *mail.Setting) { s.IMAP.TLS = "ssl3" }), linked, "imap.tls", ""},
		{"StartTLS", imap(func(s *mail.Setting) { s.IMAP.TLS = mail.StartTLS }), linked, "", ""},
		{"two kinds", imap(func(s *mail.Setting) { s.Exchange = exchange().Exchange }), linked, "kind", ""},
		{"no kind", imap(func(s *mail.Setting) { s.IMAP = nil }), linked, "kind", ""},
		{"no id", imap(func(s *mail.Setting) { s.ID = "" }), linked, "id", ""},
		{"no name", imap(func(s *mail.Setting) { s.Name = "" }), linked, "name", ""},
		{"long description", imap(func(s *mail.Setting) { s.Description = strings.Repeat("x", 501) }), linked, "description", ""},
		{"bad label", imap(func(s *mail.Setting) { s.Labels = []string{"ok", "Not OK"} }), linked, "labels[1]", ""},
		{"many labels", imap(func(s *mail.Setting) { s.Labels = make([]string, 51) }), linked, "labels", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := tc.setting.Validate(tc.in)
			f := fault.As(err)
			switch {
			case tc.field == "" && err != nil:
				t.Errorf("it cannot be saved: %v", err)
			case tc.field != "" && (f == nil || f.Kind != fault.Invalid || f.Field != tc.field):
				t.Errorf("Validate = %v, want a fault of %s", err, tc.field)
			case tc.says != "" && !strings.Contains(f.Public, tc.says):
				t.Errorf("Validate says %q, and nothing of %q", f.Public, tc.says)
			case f != nil && strings.Contains(f.Error(), "hunter2"):
				t.Errorf("Validate shows a password: %v", f)
			}
		})
	}
}

func TestWarnings_W9(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		setting mail.Setting
		want    []string
	}{
		{"OAuth", imap(), nil},
		{"OAuth for Exchange at Google", exchange(), []string{mail.WarnOAuthExchange}},
		{"the flag", exchange(apps), []string{mail.WarnGoogleClosed, mail.WarnReplaces}},
		{"the flag by another server", exchange(apps, func(s *mail.Setting) { s.Exchange.Server = "sentry.example.com" }), []string{mail.WarnGoogleClosed, mail.WarnReplaces}},
		{"password at Google", exchange(own("$EMAIL$", "")), []string{mail.WarnGoogleClosed}},
		{"password at Google by port and case", exchange(own("$EMAIL$", ""), func(s *mail.Setting) { s.Exchange.Server = "M.Google.com:443" }), []string{mail.WarnGoogleClosed}},
		{"password at Gmail", imap(own("$EMAIL$", "")), []string{mail.WarnGoogleClosed}},
		{"password elsewhere", imap(own("$EMAIL$", ""), func(s *mail.Setting) { s.IMAP.Host = "imap.notgoogle.com" }), nil},
		{"in the clear, asked for", imap(own("$EMAIL$", "$PASSWORD$"), func(s *mail.Setting) { s.IMAP.Host, s.IMAP.TLS = "mail.example.com", mail.NoTLS }),
			[]string{mail.WarnUnprotected, mail.WarnPersonIsAsked}},
		{"the flag in Gmail", exchange(apps, managed(mail.Gmail, nil)), []string{mail.WarnGoogleClosed, mail.WarnReplaces, mail.WarnGmailAsks}},
		{"an own key with the generated password", imap(managed(mail.Generic, map[string]string{"k": "$GOOGLE_AUTOGEN_PASSWORD$"})), []string{mail.WarnGoogleClosed, mail.WarnReplaces}},
		{"keys that look like secrets", imap(managed(mail.Generic, map[string]string{
			"proxyPassword": "Tr0ub4dor", "api_key": "$site$", "wifi_pin": "4711", "password_required": "true", "token": "$GOOGLE_AUTOGEN_PASSWORD$",
			"max_password_length": "12", "secret": "$PASSWORD$", "signature": "Sent by phone",
		})), []string{mail.WarnGoogleClosed, mail.WarnReplaces, mail.WarnSecretInClear}},
		{"for devices that there are none of", imap(func(s *mail.Setting) { s.Audience = mail.ManagedApple }), []string{mail.WarnNoSuchDevice}},
		{"no label", imap(func(s *mail.Setting) { s.Labels = nil }), []string{mail.WarnNothingApplied}},
	} {
		var got []string
		for _, w := range tc.setting.Warnings() {
			got = append(got, w.Reason)
			if w.Reason == mail.WarnSecretInClear && !strings.HasPrefix(w.Text, "The values of api_key, proxyPassword, wifi_pin look") {
				t.Errorf("%s: %q names other keys", tc.name, w.Text)
			}
			if !strings.HasSuffix(w.Text, ".") {
				t.Errorf("%s: %q is no sentence", tc.name, w.Text)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: warnings %v, want %v", tc.name, got, tc.want)
		}
	}
}
