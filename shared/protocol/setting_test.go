package protocol_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func hidden(s string) *protocol.Secret { return protocol.NewSecret(secret.New(s)) }

func exchangeSetting() protocol.MailSetting {
	return protocol.MailSetting{Account: &protocol.MailAccount{
		Setting: "work", Version: 1, Kind: protocol.MailOverExchange, Name: "Work mail", SignIn: protocol.MailByAppsPassword,
		UserName: "ada@corp.example", Email: "ada@corp.example", PasswordVersion: 2, Password: hidden(password),
		Exchange: &protocol.MailExchange{Server: "m.google.com", SSL: true, Sync: protocol.MailSync{Email: true}},
	}}
}

func imapSetting() protocol.MailSetting {
	return protocol.MailSetting{Account: &protocol.MailAccount{
		Setting: "voice", Version: 1, Kind: protocol.MailOverIMAP, Name: "Voicemail", SignIn: protocol.MailByOAuth,
		UserName: "ada@corp.example", Email: "ada@corp.example",
		IMAP: &protocol.MailIMAP{Host: "imap.gmail.com", Port: 993, TLS: protocol.MailTLSFromStart},
	}}
}

func managedSetting() protocol.MailSetting {
	return protocol.MailSetting{Managed: &protocol.ManagedMailClient{
		Setting: "app", Version: 1, Package: "com.example.mail", PasswordVersion: 2,
		Values:  protocol.MailValues{"email_address": "ada@corp.example", "imap_port": 993, "email_ssl_required": true},
		Secrets: map[string]protocol.Secret{"email_password": *hidden(password)},
	}}
}

func TestMailSetting_E4_NamesTheMember(t *testing.T) {
	t.Parallel()
	type account = protocol.MailAccount
	for _, tc := range []struct {
		name, field string
		of          func() protocol.MailSetting
		account     func(*account)
		managed     func(*protocol.ManagedMailClient)
	}{
		{"Exchange", "", exchangeSetting, nil, nil},
		{"IMAP", "", imapSetting, nil, nil},
		{"managed", "", managedSetting, nil, nil},
		{"the person is asked, in clear even", "", imapSetting, func(a *account) {
			a.SignIn, a.AskPassword, a.IMAP.TLS = protocol.MailByPassword, true, protocol.MailInClear
		}, nil},
		{"the password by the other name", "", exchangeSetting, func(a *account) { a.SignIn = protocol.MailByPassword }, nil},
		{"managed without a secret", "", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Secrets = nil }},
		{"a signature of two lines", "", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Values["default_signature"] = "Ada\nSales" }},
		{"nothing", "content", func() protocol.MailSetting { return protocol.MailSetting{} }, nil, nil},
		{"both", "content", func() protocol.MailSetting {
			return protocol.MailSetting{Account: exchangeSetting().Account, Managed: managedSetting().Managed}
		}, nil, nil},
		{"no setting", "account.setting", exchangeSetting, func(a *account) { a.Setting = "" }, nil},
		{"a path for a setting", "account.setting", exchangeSetting, func(a *account) { a.Setting = "a/b" }, nil},
		{"no version", "account.version", exchangeSetting, func(a *account) { a.Version = 0 }, nil},
		{"no name", "account.name", exchangeSetting, func(a *account) { a.Name = "" }, nil},
		{"description of two lines", "account.description", exchangeSetting, func(a *account) { a.Description = "a\nb" }, nil},
		{"no user name", "account.userName", exchangeSetting, func(a *account) { a.UserName = "" }, nil},
		{"no address", "account.email", exchangeSetting, func(a *account) { a.Email = "" }, nil},
		{"another kind", "account.kind", exchangeSetting, func(a *account) { a.Kind = "pop3" }, nil},
		{"the kind of the other server", "account.kind", exchangeSetting, func(a *account) { a.Kind = protocol.MailOverIMAP }, nil},
		{"two servers", "account.kind", exchangeSetting, func(a *account) { a.IMAP = imapSetting().Account.IMAP }, nil},
		{"no server", "account.exchange.server", exchangeSetting, func(a *account) { a.Exchange.Server = "" }, nil},
		{"nothing to synchronise", "account.exchange.sync", exchangeSetting, func(a *account) { a.Exchange.Sync = protocol.MailSync{} }, nil},
		{"no host", "account.imap.host", imapSetting, func(a *account) { a.IMAP.Host = "" }, nil},
		{"port 65536", "account.imap.port", imapSetting, func(a *account) { a.IMAP.Port = 65536 }, nil},
		{"another protection", "account.imap.tls", imapSetting, func(a *account) { a.IMAP.TLS = "ssl" }, nil},
		{"another way to sign in", "account.signIn", imapSetting, func(a *account) { a.SignIn = "ntlm" }, nil},
		{"OAuth with a password", "account.signIn", exchangeSetting, func(a *account) { a.SignIn = protocol.MailByOAuth }, nil},
		{"OAuth that asks", "account.signIn", imapSetting, func(a *account) { a.AskPassword = true }, nil},
		{"the flag without a password", "account.signIn", exchangeSetting, func(a *account) { a.Password = nil }, nil},
		{"a password and the person is asked", "account.signIn", exchangeSetting, func(a *account) { a.SignIn, a.AskPassword = protocol.MailByPassword, true }, nil},
		{"no password and nobody is asked", "account.signIn", imapSetting, func(a *account) { a.SignIn = protocol.MailByPassword }, nil},
		{"a password in clear over the network", "account.signIn", exchangeSetting, func(a *account) { a.Exchange.SSL = false }, nil},
		{"OAuth in clear over the network", "account.signIn", imapSetting, func(a *account) { a.IMAP.TLS = protocol.MailInClear }, nil},
		{"an empty password", "account.password", exchangeSetting, func(a *account) { a.Password = hidden("") }, nil},
		{"a password without a version", "account.password", exchangeSetting, func(a *account) { a.PasswordVersion = 0 }, nil},
		{"a version below none", "account.passwordVersion", exchangeSetting, func(a *account) { a.PasswordVersion = -1 }, nil},
		{"no package", "managed.package", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Package = "mail" }},
		{"no values", "managed.values", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Values = nil }},
		{"a strange key", "managed.values", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Values["a b"] = "" }},
		{"a long value", "managed.values", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Values["a"] = strings.Repeat("ü", 24<<10+1) }},
		{"a key in both", "managed.secrets", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Values["email_password"] = "x" }},
		{"an empty secret", "managed.secrets", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.Secrets["more"] = protocol.Secret{} }},
		{"a secret without a version", "managed.secrets", managedSetting, nil, func(m *protocol.ManagedMailClient) { m.PasswordVersion = 0 }},
	} {
		s := tc.of()
		if tc.account != nil {
			tc.account(s.Account)
		}
		if tc.managed != nil {
			tc.managed(s.Managed)
		}
		err := s.Validate()
		if got := field(err); got != tc.field {
			t.Errorf("%s: field %q, want %q", tc.name, got, tc.field)
		}
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "corp.example") {
			t.Errorf("%s: %v repeats the content", tc.name, err)
		}
	}
}

// TestMailSetting_E3_ShowsNoSecret: neither print nor log nor JSON has a secret.
func TestMailSetting_E3_ShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, s := range []protocol.MailSetting{exchangeSetting(), managedSetting()} {
		var out strings.Builder
		parts := []any{s, &s, s.Account, s.Managed, s.Secrets()}
		for _, verb := range []string{"%v ", "%+v ", "%#v ", "%s ", "%q ", "%x "} {
			for _, x := range parts {
				fmt.Fprintf(&out, verb, x)
			}
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("setting", "s", s, "p", &s)
		slog.New(slog.NewTextHandler(&out, nil)).Info("setting", "s", s)
		v1, err1 := json.Marshal(s)
		v2, err2 := jsonv2.Marshal(s)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		fmt.Fprintf(&out, "%s %s", v1, v2)
		for _, x := range []string{"horse", "686f727365"} {
			if strings.Contains(out.String(), x) {
				t.Errorf("%q shows in %s", x, &out)
			}
		}
		if !strings.Contains(string(v1), secret.Redacted) || len(s.Secrets()) != 1 || s.Secrets()[0].Reveal() != password {
			t.Errorf("%s has nothing redacted, or the secret is not where it was", v1)
		}
	}
	if s := imapSetting(); s.Secrets() != nil || s.ID() != "voice" || (protocol.MailSetting{}).ID() != "" {
		t.Errorf("secrets %v of %q", s.Secrets(), s.ID())
	}
}

func TestMailValues_TakeWhatRestrictionsHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]protocol.MailValues{
		`{}`: {}, `{"a":"","b":true,"c":-2147483648,"d":2147483647}`: {"a": "", "b": true, "c": -1 << 31, "d": 1<<31 - 1},
		`{"a":2147483648}`: nil, `{"a":1.0}`: nil, `{"a":1e2}`: nil, `{"a":null}`: nil, `{"a":[]}`: nil, `{"a":{}}`: nil, `[]`: nil, `"a"`: nil,
	} {
		for name, decode := range map[string]func([]byte, any) error{
			"v1": json.Unmarshal, "v2": func(raw []byte, v any) error { return jsonv2.Unmarshal(raw, v) },
		} {
			var got protocol.MailValues
			err := decode([]byte(text), &got)
			if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
				t.Errorf("%s by %s: %v (-want +got):\n%s", text, name, err, diff)
			}
		}
	}
}

// FuzzMailSetting: no JSON makes the decoder panic; what it takes is of the types that
// restrictions hold, and what is right is written and read again as right.
func FuzzMailSetting(f *testing.F) {
	for _, s := range []protocol.MailSetting{exchangeSetting(), imapSetting(), managedSetting()} {
		raw, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, s := range []string{
		`{"account":{"password":1}}`, `{"account":{"password":null,"version":1e9}}`, `{"managed":{"values":{"a":1e400}}}`, `{"managed":{"values":null}}`,
		`{"managed":{"values":{"a":1,"a":2}}}`, `{"managed":{"secrets":{"a":[]}}}`, `{"account":{},"account":{}}`, `[]`, `null`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s protocol.MailSetting
		if jsonv2.Unmarshal(raw, &s) != nil {
			return
		}
		if s.Managed != nil {
			for name, v := range s.Managed.Values {
				switch v.(type) {
				case string, bool, int:
				default:
					t.Errorf("%s is %T", name, v)
				}
			}
		}
		err := s.Validate()
		written, werr := jsonv2.Marshal(s)
		var again protocol.MailSetting
		if werr != nil || jsonv2.Unmarshal(written, &again) != nil || err == nil && again.Validate() != nil || again.ID() != s.ID() {
			t.Errorf("%v: %s is read as %+v, %v", err, written, again, again.Validate())
		}
	})
}
