package functions_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestMailDocument_HasWhatIsRendered: whatever a setting is rendered to is what the
// document says, and an agent takes all of it.
func TestMailDocument_HasWhatIsRendered(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	p := newPhone(t)
	k := p.keys(t)
	for id, s := range mailSettings() {
		if err := s.Validate(mail.Surroundings{Linked: true}); err != nil {
			t.Fatalf("%s is no setting: %v", id, err)
		}
		c, err := mail.For(s, ada, phoneOfAda, accepted)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		dir := protocol.Directive{ID: "set-1", Kind: protocol.ApplySetting, Setting: id, Content: raw}
		if c.Secret() {
			plain := marshal(t, protocol.SettingClaims{DeviceID: phoneOfAda.ID, DirectiveID: dir.ID, Content: raw})
			if err := d.schema(t, "/components/schemas/SettingClaims").Validate(parseJSON(t, plain)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			dir.Content = nil
			if dir.Sealed, err = k.Encryption().Seal(plain); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.schema(t, "/components/schemas/Directive").Validate(jsonValue(t, dir)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		took, err := k.OpenSetting(dir, phoneOfAda.ID)
		if err != nil {
			t.Errorf("%s: the agent refuses it: %v", id, err)
			continue
		}
		if diff := cmp.Diff(parseJSON(t, raw), parseJSON(t, whole(t, took))); diff != "" {
			t.Errorf("%s: the agent took something else (-sent +took):\n%s", id, diff)
		}
	}
}

// whole returns the setting as JSON, with its secrets.
func whole(t testing.TB, s protocol.MailSetting) []byte {
	t.Helper()
	m := map[string]map[string]any{}
	if err := json.Unmarshal(marshal(t, s), &m); err != nil {
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
	return marshal(t, m)
}

// TestMailDocument_ProtocolSaysAll: the text for authors of agents names every member
// and every word of the schemas, every reason of the reference agent, and every key of
// managed configuration.
func TestMailDocument_ProtocolSaysAll(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	raw, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := bytes.Cut(raw, []byte("\n## 7. Mail settings"))
	section, _, end := bytes.Cut(section, []byte("\n## 8. "))
	if !ok || !end {
		t.Fatal("the section about mail settings is not where it was")
	}
	words := map[string]bool{}
	for i, part := range strings.Split(string(section), "`") {
		if i%2 == 0 {
			continue
		}
		words[part] = true
		for _, p := range strings.Split(part, ".") { // imap.host
			words[p] = true
		}
	}
	need := []string{
		agent.ReasonSettingUnreadable, agent.ReasonSettingMisdirected, agent.ReasonMailClientMissing, agent.ReasonSettingUnsupported,
		agent.ReasonApplyFailed, agent.ReasonWithdrawFailed,
	}
	for _, name := range []string{"MailSetting", "MailAccount", "MailExchange", "MailSync", "MailIMAP", "ManagedMailClient"} {
		for member, of := range d.at(t, "/components/schemas/"+name+"/properties").(map[string]any) {
			need = append(need, member)
			enum, _ := of.(map[string]any)["enum"].([]any)
			for _, word := range enum {
				need = append(need, word.(string))
			}
		}
	}
	for _, s := range mailSettings() {
		if s.Managed == nil {
			continue
		}
		c, err := mail.For(s, ada, phoneOfAda, accepted)
		if err != nil {
			t.Fatal(err)
		}
		for name := range c.Managed.Values {
			if _, own := s.Managed.Extra[name]; !own {
				need = append(need, name)
			}
		}
		for name := range c.Managed.Secrets {
			if _, own := s.Managed.Extra[name]; !own {
				need = append(need, name)
			}
		}
	}
	if len(need) < 50 {
		t.Errorf("only %d words were looked for", len(need))
	}
	for _, word := range need {
		if !words[word] {
			t.Errorf("PROTOCOL.md does not say what `%s` is", word)
		}
	}
}

// TestMailDocument_WordsAreThoseOfTheSettings: the words that admins save are those
// that devices read.
func TestMailDocument_WordsAreThoseOfTheSettings(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	for at, want := range map[string][]string{
		"MailAccount/properties/kind":   {string(mail.ExchangeKind), string(mail.IMAPKind)},
		"MailAccount/properties/signIn": {string(mail.OAuth), string(mail.GoogleAppsPassword), string(mail.Password)},
		"MailIMAP/properties/tls":       {string(mail.ImplicitTLS), string(mail.StartTLS), string(mail.NoTLS)},
	} {
		var got []string
		for _, w := range d.at(t, "/components/schemas/"+at+"/enum").([]any) {
			got = append(got, w.(string))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-settings +document):\n%s", at, diff)
		}
	}
}

// TestMailDocument_TheExampleSettingIsReal: the sealed text of the example is the one of
// the test vectors, and the agent takes what is in clear.
func TestMailDocument_TheExampleSettingIsReal(t *testing.T) {
	t.Parallel()
	var reply protocol.CheckInReply
	if err := json.Unmarshal(marshal(t, loadDocument(t).at(t, "/components/examples/CheckInReplySettings/value")), &reply); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Settings []struct{ Directive protocol.Directive }
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	k := newPhone(t).keys(t)
	sealed, clear := 0, 0
	for _, dir := range reply.Directives {
		switch {
		case dir.Sealed != "":
			sealed++
			if !reflect.DeepEqual(dir, vectors.Settings[0].Directive) {
				t.Errorf("%+v is not the vector %+v", dir, vectors.Settings[0].Directive)
			}
		case dir.Content != nil:
			clear++
			if _, err := k.OpenSetting(dir, "d1"); err != nil {
				t.Errorf("%s: %v %s", dir.ID, err, fault.ReasonOf(err))
			}
		}
	}
	if sealed != 1 || clear != 1 {
		t.Errorf("%d sealed settings, %d in clear", sealed, clear)
	}
}
