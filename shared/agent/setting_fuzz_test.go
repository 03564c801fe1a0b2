package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// FuzzOpenSetting: no content makes an agent panic; what it takes in clear has no
// secret, is for the directive, is whole, and shows nothing; what it refuses it does not
// repeat.
func FuzzOpenSetting(f *testing.F) {
	good, bad := settingVectors(f)
	for _, v := range append(good, bad...) {
		f.Add([]byte(v.Directive.Content), []byte(v.Plaintext), v.Directive.Sealed)
	}
	for _, s := range []string{`{"account":{}}`, `{"managed":{"values":{"a":1e400,"b":-0}}}`, `{"managed":{"secrets":null,"values":{}}}`, `[]`, `null`, "\xff"} {
		f.Add([]byte(s), []byte(`{"deviceId":"d1","directiveId":"set-1","content":`+s+`}`), "a.b.c.d.e")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	k := opener(f, key)
	f.Fuzz(func(t *testing.T, content, plain []byte, jwe string) {
		own, err := k.Encryption().Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []protocol.Directive{
			{ID: "set-1", Setting: "work", Content: content}, {ID: "set-1", Setting: "work", Sealed: own}, {ID: "set-1", Setting: "work", Sealed: jwe},
		} {
			s, err := k.OpenSetting(d, "d1")
			if err != nil {
				if r := fault.ReasonOf(err); r != agent.ReasonSettingUnreadable && r != agent.ReasonSettingMisdirected || s.ID() != "" {
					t.Errorf("OpenSetting = %v with %v", err, s)
				}
				continue
			}
			if s.ID() != "work" || s.Validate() != nil || d.Sealed == "" && len(s.Secrets()) > 0 {
				t.Errorf("took %s", revealed(t, s))
			}
			bare := show(without(s)) // where the same text is no secret
			for _, v := range s.Secrets() {
				if len(v.Reveal()) >= 8 && strings.Contains(show(s), v.Reveal()) && !strings.Contains(bare, v.Reveal()) && !strings.Contains(secret.Redacted, v.Reveal()) {
					t.Errorf("%s shows its secret %q", show(s), v.Reveal())
				}
			}
		}
	})
}

// show prints a setting and all that is in it.
func show(s protocol.MailSetting) string {
	raw, _ := json.Marshal(s)
	return fmt.Sprintf("%v %+v %+v %+v %s", s, s, s.Account, s.Managed, raw)
}

// without returns the setting with other secrets in the place of its own.
func without(s protocol.MailSetting) protocol.MailSetting {
	if s.Account != nil {
		a := *s.Account
		a.Password = protocol.NewSecret(secret.New("x"))
		s.Account = &a
	}
	if s.Managed != nil {
		m := *s.Managed
		m.Secrets = map[string]protocol.Secret{}
		for name := range s.Managed.Secrets {
			m.Secrets[name] = *protocol.NewSecret(secret.New("x"))
		}
		s.Managed = &m
	}
	return s
}
