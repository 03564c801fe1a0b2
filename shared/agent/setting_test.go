package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

type settingVector struct {
	Name       string
	Reason     string
	PrivateKey jose.JSONWebKey
	DeviceID   string
	Directive  protocol.Directive
	Plaintext  string
}

func settingVectors(t testing.TB) (good, bad []settingVector) {
	t.Helper()
	raw, err := os.ReadFile("../../functions/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Settings, SettingsRefused []settingVector }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all.Settings, all.SettingsRefused
}

// opener returns keys that open what is sealed to the given one.
func opener(t testing.TB, opening any) agent.Keys {
	t.Helper()
	signing, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := agent.NewKeys(signing, opening)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestInvariantC8SettingVectors: an agent takes the documented settings as they are
// meant, and refuses the others with the documented reason (C8, T2).
func TestInvariantC8SettingVectors(t *testing.T) {
	t.Parallel()
	good, bad := settingVectors(t)
	if len(good) < 7 || len(bad) < 30 {
		t.Fatalf("%d good vectors and %d bad ones", len(good), len(bad))
	}
	for _, v := range append(good, bad...) {
		s, err := opener(t, v.PrivateKey.Key).OpenSetting(v.Directive, v.DeviceID)
		if fault.ReasonOf(err) != v.Reason {
			t.Errorf("%s: OpenSetting = %v, want %q", v.Name, err, v.Reason)
		}
		if err != nil {
			if strings.Contains(err.Error(), "example") || s.ID() != "" {
				t.Errorf("%s: %v shows the content, or there is one: %+v", v.Name, err, s)
			}
			continue
		}
		// What was taken says the same as what was sent.
		want := v.Directive.Content
		if v.Directive.Sealed != "" {
			var c protocol.SettingClaims
			if err := json.Unmarshal([]byte(v.Plaintext), &c); err != nil {
				t.Fatal(err)
			}
			want = c.Content
		}
		if got := revealed(t, s); got != canonical(t, want) {
			t.Errorf("%s: took %s, want %s", v.Name, got, canonical(t, want))
		}
	}
}

// revealed returns the setting as JSON with its secrets in their places.
func revealed(t testing.TB, s protocol.MailSetting) string {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	if s.Account != nil && s.Account.Password != nil {
		m["account"]["password"] = s.Account.Password.Reveal()
	}
	if s.Managed != nil {
		for name, v := range s.Managed.Secrets {
			m["managed"]["secrets"].(map[string]any)[name] = v.Reveal()
		}
	}
	raw, _ = json.Marshal(m)
	return string(raw)
}

func canonical(t testing.TB, raw []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// TestMail_UnfitSettingsAreReported: what an agent may not take reaches no mail client,
// is reported with its reason, and keeps nothing else back.
func TestMail_UnfitSettingsAreReported(t *testing.T) {
	t.Parallel()
	content := fmt.Sprintf(accountContent, "x", generated)
	for name, tc := range map[string]struct {
		reason string
		make   func(k agent.Keys, id string) protocol.Directive
	}{
		"for another device":      {agent.ReasonSettingMisdirected, func(k agent.Keys, _ string) protocol.Directive { return sealed(t, k, "danother", "x", content) }},
		"of another setting":      {agent.ReasonSettingMisdirected, func(k agent.Keys, id string) protocol.Directive { return sealed(t, k, id, "y", content) }},
		"a password in clear":     {agent.ReasonSettingUnreadable, func(agent.Keys, string) protocol.Directive { return apply("x", content) }},
		"nothing":                 {agent.ReasonSettingUnreadable, func(agent.Keys, string) protocol.Directive { return apply("x", "{}") }},
		"no setting to remove":    {agent.ReasonSettingUnreadable, func(agent.Keys, string) protocol.Directive { return withdraw("") }},
		"a strange one to remove": {agent.ReasonSettingUnreadable, func(agent.Keys, string) protocol.Directive { d := withdraw("x"); d.Setting = "../x"; return d }},
		"sealed to another device": {agent.ReasonSettingUnreadable, func(_ agent.Keys, id string) protocol.Directive {
			k, err := agent.GenerateKeys(crand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return sealed(t, k, id, "x", content)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, a := mailed(t)
			d := tc.make(p.keys, p.server.only().ID)
			p.server.mail.open = append([]protocol.Directive{d}, p.server.mail.open...)
			r, err := a.CheckIn(t.Context())
			if err != nil || len(r.Outcomes) != 6 {
				t.Fatalf("CheckIn = %+v, %v", r, err)
			}
			p.wantConverged()
			if len(p.mailbox.has) != len(allMail) {
				t.Errorf("the mail client has %v", p.mailbox.has)
			}
			for _, o := range r.Outcomes {
				want := protocol.Outcome{DirectiveID: d.ID, Result: protocol.Failed, Reason: tc.reason}
				if o.DirectiveID == d.ID && o != want {
					t.Errorf("outcome %+v, want %+v", o, want)
				}
			}
		})
	}
}
