package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// shown is a preview in few words.
func shown(v previewView) string {
	words := []string{v.Setting}
	add := func(when bool, word string) {
		if when {
			words = append(words, word)
		}
	}
	add(v.Status != "", string(v.Status))
	add(v.Next != "", "next "+string(v.Next))
	add(v.Content != nil && v.Content.Account != nil, "account")
	add(v.Content != nil && v.Content.Managed != nil, "managed")
	add(len(v.SecretKeys) > 0, "secret "+strings.Join(v.SecretKeys, ","))
	add(v.NeedsGenerated, "generated")
	add(v.PasswordVersion > 0, "password "+string(rune('0'+v.PasswordVersion)))
	add(v.Waits, "waits")
	add(v.Reason != "", "because "+v.Reason)
	return strings.Join(words, " ")
}

// TestPreview_C5: what a device has, what it is sent next, and what that waits for, as
// the check-in decides it.
func TestPreview_C5(t *testing.T) {
	t.Parallel()
	setting := func(id string, change ...func(*mail.Setting)) mail.Setting {
		s := mail.NewExchange()
		s.ID, s.Enterprise, s.Name, s.Version, s.Labels = id, "acme", id, 1, []string{"sales"}
		for _, c := range change {
			c(&s)
		}
		return s
	}
	managed := func(s *mail.Setting) {
		s.Managed = &mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{"more": "$GOOGLE_AUTOGEN_PASSWORD$"}}
	}
	who := person.Person{Key: "k", Enterprise: "acme", State: person.Active, Entry: person.Entry{Mail: "ada@example.com"}}
	active := password.Ledger{State: password.Active, Version: 3}
	on := device.Device{ID: "d1", Enterprise: "acme", State: device.Active, Labels: []string{"sales"}}
	// held is the setting as the device has it, given what it was rendered from.
	held := func(s mail.Setting, status mail.Status, reason string) device.Device {
		c := mail.Changes([]mail.Setting{s}, mail.PersonOf(who), mail.Device{ID: "d1", Labels: []string{"sales"}}, nil, 3)[0]
		d := on
		d.Mail.Held = []mail.Held{{Setting: s.ID, Version: 1, PasswordVersion: c.PasswordVersion, Content: c.Content, Status: status, Reason: reason, At: clock}}
		return d
	}
	plain, secret := setting("plain"), setting("secret", generated)
	for _, tc := range []struct {
		name     string
		d        device.Device
		settings []mail.Setting
		who      person.Person
		l        password.Ledger
		want     []string
	}{
		{"not sent yet", on, []mail.Setting{plain}, who, active, []string{"plain next send account"}},
		{"with a password", on, []mail.Setting{secret}, who, active, []string{"secret next send account generated password 3"}},
		{"managed", on, []mail.Setting{setting("m", generated, managed)}, who, active,
			[]string{"m next send managed secret email_password,more generated password 3"}},
		{"no password yet", on, []mail.Setting{plain, secret}, who, password.Ledger{State: password.None},
			[]string{"plain next send account", "secret next wait account generated waits because mail-password-not-ready"}},
		{"Google cannot be asked", on, []mail.Setting{secret}, who, password.Ledger{State: password.Retry, Version: 1, Last: "google-quota"},
			[]string{"secret next wait account generated waits because google-quota"}},
		{"given up", on, []mail.Setting{secret}, who, password.Ledger{State: password.Failed, Version: 1, Reason: password.ReasonAttempts, Last: "google-invalid"},
			[]string{"secret next wait account generated waits because password-attempts"}},
		{"applied", held(secret, mail.Applied, ""), []mail.Setting{secret}, who, active, []string{"secret applied account generated password 3"}},
		{"sent", held(plain, mail.Sent, ""), []mail.Setting{plain}, who, active, []string{"plain sent next send account"}},
		{"failed", held(plain, mail.Failed, "no-client"), []mail.Setting{plain}, who, active, []string{"plain failed account because no-client"}},
		{"the password is renewed", held(secret, mail.Applied, ""), []mail.Setting{secret}, who, password.Ledger{State: password.Pending, Version: 4, Accepted: 3},
			[]string{"secret applied next wait account generated waits because mail-password-not-ready"}},
		{"removed", held(plain, mail.Applied, ""), nil, who, active, []string{"plain applied next withdraw"}},
		{"the label is gone", held(plain, mail.Applied, ""), []mail.Setting{setting("plain", func(s *mail.Setting) { s.Labels = nil })}, who, active,
			[]string{"plain applied next withdraw"}},
		{"nobody's device", on, []mail.Setting{plain}, person.Person{}, password.Ledger{State: password.None},
			[]string{"plain next block because mail-value-missing"}},
		{"the person's label", device.Device{ID: "d1", State: device.Active}, []mail.Setting{plain},
			person.Person{Key: "k", State: person.Active, Entry: who.Entry, Labels: []string{"sales"}}, active, []string{"plain next send account"}},
		{"the person left", held(plain, mail.Applied, ""), []mail.Setting{plain}, person.Person{Key: "k", State: person.Leaving, Entry: who.Entry}, active,
			[]string{"plain applied next withdraw"}},
		{"another label", on, []mail.Setting{setting("plain", func(s *mail.Setting) { s.Labels = []string{"x"} })}, who, active, []string{}},
	} {
		got := []string{}
		for _, v := range preview(tc.d, mail.Book{Enterprise: "acme", Settings: tc.settings}, tc.who, tc.l, "") {
			got = append(got, shown(v))
			if v.Reason != "" && v.ReasonText == "" {
				t.Errorf("%s: %s has no words", tc.name, v.Reason)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", tc.name, d)
		}
	}
}

// TestPreview_E3_ShowsNoPassword: nor what is rendered in its place.
func TestPreview_E3_ShowsNoPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.linked()
	b.put(func(tx *record.Tx) error {
		return tx.PutPerson(person.Person{
			Key: ada, Enterprise: "acme", ID: "e-1815", State: person.Active, Labels: []string{"sales"}, Entry: person.Entry{Mail: "ada@example.com"},
		})
	})
	b.putLedger(password.Ledger{Person: ada, Enterprise: "acme", State: password.Active, Version: 3, Accepted: 3, Sealed: "sealed-ciphertext"})
	b.putDevice(device.Device{
		ID: "d1", Enterprise: "acme", State: device.Active, Subject: account.Subject{Kind: account.Person, ID: "e-1815"},
		Mail: device.Mail{Held: []mail.Held{{Setting: "gone", Version: 2, PasswordVersion: 1, Status: mail.Applied, At: clock}}},
	})
	b.want(200, "PUT", settingsPath+"/account", withSetting(generated), nil)
	b.want(200, "PUT", settingsPath+"/managed", withSetting(func(s *mail.Setting) {
		generated(s)
		s.Managed = &mail.Managed{App: mail.Generic, Package: "com.example.mail", Extra: map[string]string{"more": "$GOOGLE_AUTOGEN_PASSWORD$"}}
	}), nil)
	const path = "/v1/enterprises/acme/devices/d1/settings"
	w := b.do("GET", path, "")
	for _, hidden := range []string{placeholder.Reveal(), "sealed-ciphertext", `"password":`, `"email_password":`, `"more":`} {
		if strings.Contains(w.Body.String(), hidden) {
			t.Errorf("the preview shows %s: %s", hidden, w.Body)
		}
	}
	b.leaksNothing(placeholder.Reveal(), "sealed-ciphertext")
	var got page[struct {
		Setting                          string
		HeldVersion, HeldPasswordVersion int
		At                               time.Time
		PasswordVersion                  int
		SecretKeys                       []string
		Content                          struct {
			Account *struct{ UserName string }
			Managed *struct{ Values map[string]any }
		}
	}]
	b.want(200, "GET", path, "", &got)
	if len(got.Items) != 3 {
		t.Fatalf("got %s", w.Body)
	}
	of, gone, app := got.Items[0], got.Items[1], got.Items[2]
	if of.Setting != "account" || of.Content.Account.UserName != "ada@example.com" || of.PasswordVersion != 3 {
		t.Errorf("account: %+v", of)
	}
	if app.Content.Managed.Values["email_address"] != "ada@example.com" || len(app.SecretKeys) != 2 || app.PasswordVersion != 3 {
		t.Errorf("managed: %+v", app)
	}
	if gone.HeldVersion != 2 || gone.HeldPasswordVersion != 1 || !gone.At.Equal(clock) {
		t.Errorf("held: %+v", gone)
	}

	b.want(200, "GET", path+"?limit=2", "", &got)
	if len(got.Items) != 2 || got.Next != "gone" {
		t.Errorf("a page of two: %+v", got)
	}
	var detail deviceDetail
	b.want(200, "GET", "/v1/enterprises/acme/devices/d1", "", &detail)
	if len(detail.PersonLabels) != 1 || detail.PersonLabels[0] != "sales" {
		t.Errorf("the labels by the person are %v", detail.PersonLabels)
	}
	for _, id := range []string{"d9", "%20"} {
		b.refuse(404, "GET", "/v1/enterprises/acme/devices/"+id+"/settings", "", "", "no device")
	}
	b.refuse(400, "GET", path+"?x=1", "", "x", "not known")
}
