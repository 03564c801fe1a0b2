package functions_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/passwords"
)

const generated = `Zq7 generated "password" <&>`

// mailSettings are a setting of every shape that a device can be sent, by id.
func mailSettings() map[string]mail.Setting {
	all := map[string]mail.Setting{}
	add := func(id string, s mail.Setting, change func(*mail.Setting)) {
		change(&s)
		s.ID, s.Enterprise, s.Name, s.Version, s.Labels = id, "acme", "Mail of "+id, 2, []string{"mail"}
		all[id] = s
	}
	flag := func(s *mail.Setting) { s.SignIn = mail.GoogleAppsPassword }
	app := func(a mail.App, pack string, extra map[string]string) func(*mail.Setting) {
		return func(s *mail.Setting) { s.Managed = &mail.Managed{App: a, Package: pack, Extra: extra} }
	}
	both := func(a, b func(*mail.Setting)) func(*mail.Setting) { return func(s *mail.Setting) { a(s); b(s) } }
	add("oauth", mail.NewExchange(), func(s *mail.Setting) { s.Description = "Sales, é漢" })
	add("flag", mail.NewExchange(), flag)
	add("asked", mail.NewExchange(), func(s *mail.Setting) {
		s.SignIn, s.UserName, s.Exchange = mail.Password, "$USERID$_US", &mail.Exchange{Server: "[::1]:8080", Sync: mail.Items{Tasks: true}}
	})
	add("own", mail.NewIMAP(), func(s *mail.Setting) {
		s.SignIn, s.UserName, s.Password = mail.Password, "$EMAIL$", "$GOOGLE_AUTOGEN_PASSWORD$"
	})
	add("voice", mail.NewIMAP(), func(*mail.Setting) {})
	add("old", mail.NewIMAP(), func(s *mail.Setting) {
		s.SignIn, s.UserName, s.IMAP = mail.Password, "$USERID$", &mail.IMAP{Host: "imap.corp.example", Port: 143, TLS: mail.NoTLS}
	})
	add("gmail", mail.NewExchange(), app(mail.Gmail, "", map[string]string{"default_signature": "Ada <$EMAIL$>"}))
	add("gmail-flag", mail.NewExchange(), both(flag, app(mail.Gmail, "", nil)))
	add("app", mail.NewExchange(), both(flag, app(mail.Generic, "com.example.mail", map[string]string{"own_key": "$GOOGLE_AUTOGEN_PASSWORD$"})))
	add("app-imap", mail.NewIMAP(), app(mail.Generic, "com.example.imap", nil))
	return all
}

var (
	ada = mail.Person{Email: "ada@corp.example", UserID: "ada", GoogleEmail: "ada@g.example"}
	// phoneOfAda is a device with the label that the settings are for.
	phoneOfAda = mail.Device{ID: "dle2f2izhqqxhpahvuo3y6z2e7", Labels: []string{"mail"}}
	accepted   = &mail.Accepted{Version: 3, Value: secret.New(generated)}
)

// keys returns the phone's keys as an agent has them.
func (p *phone) keys(t testing.TB) agent.Keys {
	t.Helper()
	k, err := agent.NewKeys(p.signing, p.private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// mailed gives the enterprise the settings, and Ada a password that Google accepted. It
// returns an enrollment token for her devices.
func (w *world) mailed(settings ...mail.Setting) string {
	w.t.Helper()
	p, err := passwords.Open(w.t.Context(), w.stack.Process)
	if err != nil {
		w.t.Fatal(err)
	}
	now := time.Now().UTC().Round(0)
	l := password.New("acme", person.KeyOf("acme", adaID))
	l.State, l.Version, l.Accepted, l.Length, l.Begun, l.SetAt, l.UpdatedAt = password.Active, 3, 3, len(generated), now, now, now
	if l.Sealed, err = p.Keys.Seal(w.t.Context(), l.Bound(), accepted.Value); err != nil {
		w.t.Fatal(err)
	}
	book := mail.Book{Enterprise: "acme"}
	for _, s := range settings {
		if book, _, err = book.With(s, now); err != nil {
			w.t.Fatal(err)
		}
	}
	w.put(func(tx *record.Tx) error {
		if err := tx.PutEnterprise(enterprise.Enterprise{
			ID: "acme", Name: "Acme", Play: w.play, State: enterprise.Bound, CreatedAt: now, MailRevision: book.Revision,
		}); err != nil {
			return err
		}
		if err := tx.PutPerson(person.Person{
			Key: l.Person, Enterprise: "acme", ID: adaID, State: person.Active, Settled: person.Granted, Labels: []string{"mail"},
			Entry:  person.Entry{ID: adaID, Login: "ada", Mail: ada.Email},
			Google: person.Google{ID: "100000000000000000001", Mail: ada.GoogleEmail}, CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if err := tx.PutMailBook(book); err != nil {
			return err
		}
		return tx.PutPassword(l)
	})
	return w.admit(adaID)
}

// told checks in, without accounts, and returns the reply and what it says.
func (w *world) told(p *phone, outcomes ...any) (reply, protocol.CheckInReply) {
	w.t.Helper()
	r := w.send(w.request(p, "checkin", map[string]any{"accounts": []any{}, "outcomes": append([]any{}, outcomes...)}))
	var said protocol.CheckInReply
	if r.status != http.StatusOK || json.Unmarshal(r.body, &said) != nil {
		w.t.Fatalf("checkin: %d %s", r.status, r.body)
	}
	return r, said
}

// strangeText returns a text that no server made, from the system's randomness.
func strangeText(n int) string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)[:n]
}
