package admin

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// FuzzSettingBody: a body is refused as the caller's, or is a setting that is stored
// and read as it is, that saved again changes nothing, and whose preview never shows
// what stands for the password.
func FuzzSettingBody(f *testing.F) {
	for _, change := range []func(*mail.Setting){
		func(*mail.Setting) {}, generated,
		func(s *mail.Setting) {
			s.SignIn, s.UserName, s.Password = mail.Password, "$EMAIL$", "$GOOGLE_AUTOGEN_PASSWORD$"
		},
		func(s *mail.Setting) {
			s.Managed = &mail.Managed{App: mail.Gmail, Extra: map[string]string{"a": "$$b$site$"}}
		},
		func(s *mail.Setting) {
			generated(s)
			s.Managed = &mail.Managed{App: mail.Generic, Package: "a.b", Extra: map[string]string{"email_password": "$GOOGLE_AUTOGEN_PASSWORD$"}}
		},
		func(s *mail.Setting) {
			s.Kind, s.Exchange, s.IMAP = mail.IMAPKind, nil, &mail.IMAP{Host: "imap.example.com", Port: 993, TLS: mail.StartTLS}
		},
	} {
		f.Add([]byte(withSetting(change)))
	}
	f.Add([]byte(`{"labels":["a","a"],"managed":{"extra":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var s mail.Setting
		err := api.Decode(body, &s)
		if err == nil {
			s.ID = "sales"
			err = s.Validate(mail.Surroundings{Linked: true, Attributes: []string{"site"}})
		}
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("refused as %v: %v", fault.KindOf(err), err)
			}
			return
		}
		book, saved, err := mail.Book{Enterprise: "acme"}.With(s, clock)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(book)
		if err != nil {
			t.Fatal(err)
		}
		var read mail.Book
		if err := json.Unmarshal(raw, &read); err != nil {
			t.Fatal(err)
		}
		next, again, err := read.With(s, clock.Add(time.Hour))
		if err != nil || next.Revision != read.Revision || again.Version != saved.Version {
			t.Fatalf("saved again: revision %d, %v, %s", next.Revision, err, cmp.Diff(saved, again))
		}
		owner := person.Person{Key: "k", State: person.Active, Labels: saved.Labels, Entry: person.Entry{
			Mail: "a@example.com", Login: "a", Attributes: map[string]string{"site": "x", mail.AppleAttribute: "y"},
		}}
		shown, err := json.Marshal(preview(device.Device{ID: "d", State: device.Active}, read, owner, password.Ledger{State: password.Active, Version: 1}, ""))
		if err != nil || bytes.Contains(shown, []byte(placeholder.Reveal())) && !strings.Contains(string(body), placeholder.Reveal()) {
			t.Fatalf("%v in %s", err, shown)
		}
	})
}
