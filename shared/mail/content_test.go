package mail_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestContent_DigestTellsWhatADeviceGets: another password of the same version is
// none of it, for the digest must not depend on a secret.
func TestContent_DigestTellsWhatADeviceGets(t *testing.T) {
	t.Parallel()
	own := map[string]string{"own": "$GOOGLE_AUTOGEN_PASSWORD$"}
	base := exchange(apps, managed(mail.Generic, own))
	moved := ada
	moved.GoogleEmail = "ada.b@g.example"
	digest := func(s mail.Setting, who mail.Person, on mail.Device, version int, password string) string {
		c, err := mail.For(s, who, on, &mail.Accepted{Version: version, Value: secret.New(password)})
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest()
	}
	first := digest(base, ada, phone, 1, "one")
	for name, same := range map[string]string{
		"again":            digest(base, ada, phone, 1, "one"),
		"another password": digest(base, ada, phone, 1, "two"),
		"labels":           digest(exchange(apps, managed(mail.Generic, own), func(s *mail.Setting) { s.Labels = nil }), ada, phone, 1, "one"),
	} {
		if same != first {
			t.Errorf("%s: the digest is another", name)
		}
	}
	seen := map[string]string{first: "the first"}
	for name, other := range map[string]string{
		"version":          digest(exchange(apps, managed(mail.Generic, own), func(s *mail.Setting) { s.Version++ }), ada, phone, 1, "one"),
		"password version": digest(base, ada, phone, 2, "one"),
		"address":          digest(base, moved, phone, 1, "one"),
		"device":           digest(base, ada, mail.Device{ID: "d9", Labels: phone.Labels}, 1, "one"),
		"not managed":      digest(exchange(apps), ada, phone, 1, "one"),
	} {
		if seen[other] != "" || len(other) != 16 {
			t.Errorf("%s: the digest %s is also that of %s", name, other, seen[other])
		}
		seen[other] = name
	}
}

// TestContent_E3_WhatIsSecret is told, and only Reveal has it.
func TestContent_E3_WhatIsSecret(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		setting mail.Setting
		secret  bool
	}{
		{"OAuth", exchange(), false},
		{"the flag", exchange(apps), true},
		{"the person's own", exchange(own("$EMAIL$", "$PASSWORD$")), false},
		{"Gmail, which takes none", exchange(apps, managed(mail.Gmail, nil)), false},
		{"managed", exchange(apps, managed(mail.Generic, nil)), true},
		{"managed, in a key of the admin's", imap(managed(mail.Generic, map[string]string{"k": "$GOOGLE_AUTOGEN_PASSWORD$"})), true},
	} {
		c, err := mail.For(tc.setting, ada, phone, accepted)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := c.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		if c.Secret() != tc.secret || strings.Contains(string(shown), generated) || strings.Contains(string(whole), generated) != tc.secret {
			t.Errorf("%s: secret %v, shown %s", tc.name, c.Secret(), shown)
		}
	}
}

// TestContent_TooLarge: what would never fit into a reply is refused with the longest
// password in mind, so that the plan and the delivery agree.
func TestContent_TooLarge(t *testing.T) {
	t.Parallel()
	extra := map[string]string{}
	for i := range 50 {
		extra[strings.Repeat("k", i+1)] = strings.Repeat("x", 440)
	}
	s := exchange(apps, managed(mail.Generic, extra))
	if _, err := mail.For(s, ada, phone, &mail.Accepted{Version: 1, Value: secret.New("x")}); err != nil {
		t.Fatalf("a large setting: %v", err)
	}
	for k := range extra {
		extra[k] += "$EMAIL$$EMAIL$"
	}
	_, err := mail.For(s, ada, phone, &mail.Accepted{Version: 1, Value: secret.New("x")})
	if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != mail.ReasonTooLarge {
		t.Errorf("a setting that is too large for the person: %v", err)
	}
	if got := mail.Changes([]mail.Setting{s}, ada, phone, nil, 1); len(got) != 1 || got[0].Do != mail.Block || got[0].Reason != mail.ReasonTooLarge {
		t.Errorf("planned %+v, want it blocked", got)
	}
}
