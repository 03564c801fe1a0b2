package mail_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const generated = "Gen-erated-1"

var (
	ada = mail.PersonOf(person.Person{
		Entry:  person.Entry{Mail: "ada@corp.example", Login: "ada", Attributes: map[string]string{"domain": "corp.example"}},
		Google: person.Google{Mail: "ada@g.example"},
	})
	phone    = mail.Device{ID: "d1", Labels: []string{"sales", "voice"}}
	accepted = &mail.Accepted{Version: 7, Value: secret.New(generated)}
)

// elsewhere makes a setting one for a server that is not Google's.
func elsewhere(s *mail.Setting) {
	if s.IMAP != nil {
		s.IMAP = &mail.IMAP{Host: "imap.corp.example", Port: 993, TLS: mail.ImplicitTLS}
	}
	if s.Exchange != nil {
		x := *s.Exchange
		x.Server = "mail.corp.example"
		s.Exchange = &x
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	nobody := mail.Person{}
	type seen struct {
		UserName, Email string
		Ask             bool
		PasswordVersion int
		Password        string
	}
	for _, tc := range []struct {
		name     string
		setting  mail.Setting
		who      mail.Person
		password *mail.Accepted
		want     seen
		reason   string // of a refusal
	}{
		{"OAuth at Google", exchange(), ada, accepted, seen{"ada@g.example", "ada@g.example", false, 0, ""}, ""},
		{"IMAP by OAuth at Google", imap(), ada, nil, seen{"ada@g.example", "ada@g.example", false, 0, ""}, ""},
		{"OAuth at Google for one without address there", imap(), mail.Person{Email: "a@b.example"}, nil, seen{"a@b.example", "a@b.example", false, 0, ""}, ""},
		{"OAuth elsewhere", imap(elsewhere), ada, nil, seen{"ada@corp.example", "ada@corp.example", false, 0, ""}, ""},
		{"own password elsewhere", exchange(own("$EMAIL$", "$PASSWORD$"), elsewhere), ada, nil, seen{"ada@corp.example", "ada@corp.example", true, 0, ""}, ""},
		{"the flag elsewhere", exchange(apps, elsewhere), ada, accepted, seen{"ada@g.example", "ada@g.example", false, 7, generated}, ""},
		{"the flag", exchange(apps), ada, accepted, seen{"ada@g.example", "ada@g.example", false, 7, generated}, ""},
		{"the flag before Google accepted", exchange(apps), ada, nil, seen{}, mail.ReasonNotReady},
		{"the flag with an empty password", exchange(apps), ada, &mail.Accepted{Version: 1}, seen{}, mail.ReasonNotReady},
		{"the flag for one without address at Google", exchange(apps), mail.Person{Email: "a@b.example"}, accepted, seen{"a@b.example", "a@b.example", false, 7, generated}, ""},
		{"generated password", exchange(own("$EMAIL$", "$GOOGLE_AUTOGEN_PASSWORD$")), ada, accepted, seen{"ada@g.example", "ada@g.example", false, 7, generated}, ""},
		{"own password", exchange(own(`corp\$USERID$_US`, "$PASSWORD$")), ada, accepted, seen{`corp\ada_US`, "ada@g.example", true, 0, ""}, ""},
		{"composition", exchange(func(s *mail.Setting) { s.Email = "$USERID$@$domain$" }), ada, nil, seen{"ada@g.example", "ada@corp.example", false, 0, ""}, ""},
		{"dollar signs", exchange(own("$$$USERID$$$", "")), ada, nil, seen{"$ada$", "ada@g.example", true, 0, ""}, ""},
		{"no address", exchange(), nobody, nil, seen{}, mail.ReasonMissing},
		{"no attribute", exchange(func(s *mail.Setting) { s.Email = "x@$domain$" }), nobody, nil, seen{}, mail.ReasonMissing},
		{"another sort of device", exchange(func(s *mail.Setting) { s.Audience = mail.ManagedApple }), ada, nil, seen{}, mail.ReasonOtherDevice},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := mail.Render(tc.setting, tc.who, phone, tc.password)
			if tc.reason != "" {
				if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != tc.reason || strings.Contains(err.Error(), "corp.example") {
					t.Errorf("Render = %v, want a conflict %s without personal data", err, tc.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			is := seen{got.UserName, got.Email, got.AskPassword, got.PasswordVersion, got.Password.Reveal()}
			if diff := cmp.Diff(tc.want, is); diff != "" {
				t.Errorf("Render (-want +got):\n%s", diff)
			}
		})
	}
	apple := exchange(func(s *mail.Setting) { s.Email, s.Audience = "$MANAGED_APPLE_ID$", mail.ManagedApple })
	who := mail.PersonOf(person.Person{Entry: person.Entry{Attributes: map[string]string{mail.AppleAttribute: "ada@appleid.example"}}})
	apple.UserName = apple.Email
	if got, err := mail.Render(apple, who, mail.Device{ManagedApple: true}, nil); err != nil || got.Email != who.ManagedAppleID {
		t.Errorf("on an Apple device: %q, %v", got.Email, err)
	}
}

// TestRender_E3_ThePasswordIsSeenNowhere: printing or marshalling a payload shows
// no password; only Reveal does.
func TestRender_E3_ThePasswordIsSeenNowhere(t *testing.T) {
	t.Parallel()
	s := exchange(apps, managed(mail.Generic, map[string]string{"own_key": "$GOOGLE_AUTOGEN_PASSWORD$"}))
	p, err := mail.Render(s, ada, phone, accepted)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mail.RenderManaged(s, ada, phone, accepted)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []any{p, &p, k, &k, accepted} {
		js, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if out := fmt.Sprintf("%v %+v %#v %s", x, x, x, js); strings.Contains(out, generated) {
			t.Errorf("%T shows the password", x)
		}
	}
	for what, reveal := range map[string]func() ([]byte, error){"payload": p.Reveal, "key values": k.Reveal} {
		out, err := reveal()
		if err != nil || !json.Valid(out) || !strings.Contains(string(out), generated) {
			t.Errorf("Reveal of the %s lacks the password: %v", what, err)
		}
	}
	if _, shown := k.Values["email_password"]; shown {
		t.Error("Reveal changed what is printed afterwards")
	}
}

func TestRenderManaged_M3(t *testing.T) {
	t.Parallel()
	revealed := func(k mail.KeyValues) map[string]any {
		out, err := k.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Values  map[string]any
			Secrets map[string]any
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		for name, v := range got.Secrets {
			if _, both := got.Values[name]; both || v != generated {
				t.Errorf("the secret %s is %v", name, v)
			}
			got.Values[name] = v
		}
		return got.Values
	}
	for _, tc := range []struct {
		name    string
		setting mail.Setting
		pack    string
		want    map[string]any
	}{
		{"Gmail", exchange(apps, managed(mail.Gmail, map[string]string{"default_signature": "$USERID$ of Sales"})), "com.google.android.gm", map[string]any{
			"email_address": "ada@g.example", "exchange_host": "m.google.com", "exchange_username": "ada@g.example",
			"exchange_device_id": "d1", "exchange_ssl_required": true, "default_signature": "ada of Sales",
		}},
		{"Exchange with the flag", exchange(apps, managed(mail.Generic, nil)), "com.example.mail", map[string]any{
			"email_address": "ada@g.example", "email_exchange_host": "m.google.com", "email_exchange_username": "ada@g.example",
			"email_device_id": "d1", "email_ssl_required": true, "email_password": generated, "email_sign_in": "password",
			"email_sync_contacts": true, "email_sync_calendar": true, "email_sync_email": true, "email_sync_tasks": true,
		}},
		{"IMAP by OAuth", imap(managed(mail.Generic, map[string]string{"imap_username": "u-$USERID$", "mine": "$PASSWORD$"})), "com.example.mail", map[string]any{
			"email_address": "ada@g.example", "email_sign_in": "oauth", "imap_host": "imap.gmail.com", "imap_port": 993.0,
			"imap_security": "tls", "imap_username": "u-ada",
		}},
		{"IMAP with an own key for the password", imap(managed(mail.Generic, map[string]string{"pw": "$GOOGLE_AUTOGEN_PASSWORD$"})), "com.example.mail", map[string]any{
			"email_address": "ada@g.example", "email_sign_in": "oauth", "imap_host": "imap.gmail.com", "imap_port": 993.0,
			"imap_security": "tls", "imap_username": "ada@g.example", "pw": generated,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			k, err := mail.RenderManaged(tc.setting, ada, phone, accepted)
			if err != nil || k.Package != tc.pack {
				t.Fatalf("RenderManaged = package %q, %v", k.Package, err)
			}
			if diff := cmp.Diff(tc.want, revealed(k)); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := mail.RenderManaged(exchange(), ada, phone, nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a setting for no app = %v", err)
	}
	if _, err := mail.RenderManaged(exchange(managed(mail.Gmail, map[string]string{"k": "$domain$"})), mail.Person{Email: "x@y"}, phone, nil); fault.ReasonOf(err) != mail.ReasonMissing {
		t.Errorf("a key without a value = %v", err)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]mail.Setting{
		"imap.gmail.com:993":  imap(),
		"m.google.com:443":    exchange(),
		"m.google.com:80":     exchange(own("$EMAIL$", ""), func(s *mail.Setting) { s.Exchange.SSL = false }),
		"sentry.example:8443": exchange(func(s *mail.Setting) { s.Exchange.Server = "sentry.example:8443" }),
	} {
		if p, err := mail.Render(s, ada, phone, nil); err != nil || p.Address() != want {
			t.Errorf("Address = %q, %v, want %q", p.Address(), err, want)
		}
	}
}
