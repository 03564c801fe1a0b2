package functions_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestMailDocument_DocumentAndAgentAgree puts arbitrary values into contents: what the
// document allows the agent takes, and what the agent took is what the document allows.
func TestMailDocument_DocumentAndAgentAgree(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	schema := d.schema(t, "/components/schemas/MailSetting")
	k := newPhone(t).keys(t)
	var contents []string
	for _, s := range mailSettings() {
		c, err := mail.For(s, ada, phoneOfAda, accepted)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := c.Reveal()
		contents = append(contents, string(raw))
	}
	slices.Sort(contents)
	texts := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "exchange", "imap", "oauth", "password", "google-apps-password", "tls", "none", "a.b", "-", "\u0085", "a\nb"}),
		rapid.String(), rapid.StringOfN(rapid.Rune(), 75, 85, -1), rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 1020, 1030, -1))
	values := rapid.OneOf(rapid.Map(texts, func(s string) any { return s }), rapid.SampledFrom([]any{
		true, false, json.Number("0"), json.Number("1"), json.Number("65536"), json.Number("-1"), json.Number("1.5"), json.Number("2147483648"), []any{}, map[string]any{}}))
	taken, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		v := parseJSON(t, []byte(rapid.SampledFrom(contents).Draw(rt, "content")))
		for range rapid.IntRange(0, 2).Draw(rt, "changes") {
			spoil(rt, values, v.(map[string]any))
		}
		raw := marshal(t, v)
		v = parseJSON(t, raw) // as it will arrive
		allowed := schema.Validate(v)
		setting := settingOf(v)
		sealed, err := k.Encryption().Seal(marshal(t, protocol.SettingClaims{DeviceID: "d1", DirectiveID: "set-1", Content: raw}))
		if err != nil {
			t.Fatal(err)
		}
		took, err := k.OpenSetting(protocol.Directive{ID: "set-1", Setting: setting, Sealed: sealed}, "d1")
		if err != nil {
			refused++
			if allowed == nil {
				rt.Fatalf("the document allows %s, and the agent says %v of %v", raw, err, took.Validate())
			}
			return
		}
		taken++
		if err := schema.Validate(parseJSON(t, whole(t, took))); err != nil {
			rt.Fatalf("the agent took %s of %s: %v", whole(t, took), raw, err)
		}
	})
	if taken < 10 || refused < 10 {
		t.Errorf("%d contents were taken and %d refused, which is no test", taken, refused)
	}
}

func settingOf(v any) string {
	for _, of := range v.(map[string]any) {
		m, _ := of.(map[string]any)
		s, _ := m["setting"].(string)
		return s
	}
	return ""
}

// spoil puts a drawn value in the place of one somewhere in m, or takes one away.
func spoil(t *rapid.T, values *rapid.Generator[any], m map[string]any) {
	if len(m) == 0 {
		return
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(m))).Draw(t, "member")
	if inner, ok := m[name].(map[string]any); ok && len(inner) > 0 && rapid.IntRange(0, 9).Draw(t, "into") > 0 {
		spoil(t, values, inner)
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "take away") == 0 {
		delete(m, name)
		return
	}
	m[name] = values.Draw(t, "value")
}

// TestMailDocument_LongestTexts: the longest text that the document allows the agent
// takes, and no longer one.
func TestMailDocument_LongestTexts(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	k := newPhone(t).keys(t)
	for _, tc := range []struct{ setting, schema, path string }{
		{"voice", "MailAccount/properties/name", "account.name"}, {"oauth", "MailAccount/properties/description", "account.description"},
		{"voice", "MailText", "account.email"}, {"voice", "MailText", "account.userName"},
		{"oauth", "MailExchange/properties/server", "account.exchange.server"}, {"voice", "MailIMAP/properties/host", "account.imap.host"},
		{"gmail", "ManagedMailClient/properties/values/additionalProperties", "managed.values.default_signature"},
	} {
		c, err := mail.For(mailSettings()[tc.setting], ada, phoneOfAda, nil)
		if err != nil {
			t.Fatal(err)
		}
		most := count(d.at(t, "/components/schemas/"+tc.schema).(map[string]any), "maxLength", 0)
		for length, ok := range map[int]bool{most: true, most + 1: false} {
			v := parseJSON(t, marshal(t, c))
			m := v.(map[string]any)
			names := strings.Split(tc.path, ".")
			for _, name := range names[:len(names)-1] {
				m = m[name].(map[string]any)
			}
			m[names[len(names)-1]] = strings.Repeat("é", length)
			dir := protocol.Directive{ID: "set-1", Setting: tc.setting, Content: marshal(t, v)}
			if _, err := k.OpenSetting(dir, "d1"); (err == nil) != ok {
				t.Errorf("%s of %d characters: the agent says %v", tc.path, length, err)
			}
			if err := d.schema(t, "/components/schemas/MailSetting").Validate(v); (err == nil) != ok {
				t.Errorf("%s of %d characters: the document says %v", tc.path, length, err)
			}
		}
	}
}
