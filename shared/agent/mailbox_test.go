package agent_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

const generated = "Zq7-generated \"password\""

// mailbox is a phone's mail client.
type mailbox struct {
	phone *phone
	has   map[string]string // what was applied of a setting: what, by which password
	// applied and removed count the calls that got through.
	applied, removed int
	// fail, if set, says what becomes of a call for a setting.
	fail func(setting string) error
}

// withMail gives the phone a mail client.
func (p *phone) withMail() *mailbox {
	p.mailbox = &mailbox{phone: p, has: map[string]string{}}
	return p.mailbox
}

func (m *mailbox) Apply(_ context.Context, s protocol.MailSetting) error {
	m.phone.step()
	if m.fail != nil {
		if err := m.fail(s.ID()); err != nil {
			return err
		}
	}
	m.applied++
	if s.Managed != nil {
		secret := s.Managed.Secrets["email_password"]
		m.has[s.ID()] = fmt.Sprintf("%s %v %s", s.Managed.Package, s.Managed.Values["imap_port"], secret.Reveal())
	} else {
		m.has[s.ID()] = s.Account.Email
		if s.Account.Password != nil {
			m.has[s.ID()] += " " + s.Account.Password.Reveal()
		}
	}
	m.phone.step()
	return nil
}

func (m *mailbox) Remove(_ context.Context, setting string) error {
	m.phone.step()
	if m.fail != nil {
		if err := m.fail(setting); err != nil {
			return err
		}
	}
	m.removed++
	delete(m.has, setting)
	m.phone.step()
	return nil
}

// mailPlan is the server's side of mail settings, reduced to what an agent sees of it:
// a directive is sent until its outcome came, and a removal that failed for ever.
type mailPlan struct {
	open     []protocol.Directive
	outcomes []protocol.Outcome
}

// order takes outcomes in and returns the directives with those about accounts in their
// order.
func (m *mailPlan) order(os []protocol.Outcome, accounts []protocol.Directive) []protocol.Directive {
	for _, o := range os {
		m.open = slices.DeleteFunc(m.open, func(d protocol.Directive) bool {
			if d.ID != o.DirectiveID {
				return false
			}
			m.outcomes = append(m.outcomes, o)
			return o.Result == protocol.Done || d.Kind == protocol.ApplySetting
		})
	}
	turn := []protocol.DirectiveKind{protocol.RemoveSetting, protocol.RemoveAccount, protocol.ApplySetting, protocol.AddAccount}
	all := append(slices.Clone(m.open), accounts...)
	slices.SortStableFunc(all, func(a, b protocol.Directive) int {
		return cmp.Compare(slices.Index(turn, a.Kind), slices.Index(turn, b.Kind))
	})
	return all
}

const (
	accountContent = `{"account":{"setting":%q,"version":2,"kind":"exchange","name":"Work mail","signIn":"google-apps-password",` +
		`"userName":"ada@corp.example","email":"ada@corp.example","exchange":{"server":"m.google.com","ssl":true,"sync":{"contacts":true,` +
		`"calendar":true,"email":true,"tasks":false}},"passwordVersion":3,"password":%q,"later":true}}`
	managedContent = `{"managed":{"setting":%q,"version":1,"package":"com.example.mail","values":{"email_address":"ada@corp.example",` +
		`"imap_port":993,"email_ssl_required":true},"secrets":{"email_password":%q},"passwordVersion":3}}`
	imapContent = `{"account":{"setting":%q,"version":1,"kind":"imap","name":"Voicemail","signIn":"oauth","userName":"ada@corp.example",` +
		`"email":"ada@corp.example","imap":{"host":"imap.gmail.com","port":993,"tls":"tls"}}}`
)

// apply returns a directive whose content is in clear.
func apply(setting, content string) protocol.Directive {
	return protocol.Directive{ID: "set-" + setting, Kind: protocol.ApplySetting, Setting: setting, Content: json.RawMessage(content)}
}

// withdraw returns a directive that removes a setting.
func withdraw(setting string) protocol.Directive {
	return protocol.Directive{ID: "unset-" + setting, Kind: protocol.RemoveSetting, Setting: setting}
}

// sealed returns a directive whose content is sealed to a device.
func sealed(t testing.TB, k agent.Keys, deviceID, setting, content string) protocol.Directive {
	t.Helper()
	d := apply(setting, "")
	plain, err := json.Marshal(protocol.SettingClaims{DeviceID: deviceID, DirectiveID: d.ID, Content: json.RawMessage(content)})
	if err != nil {
		t.Fatal(err)
	}
	if d.Sealed, err = k.Encryption().Seal(plain); err != nil {
		t.Fatal(err)
	}
	d.Content = nil
	return d
}
