package proof_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// settingVector is an applySetting directive as a device gets it. Without a reason the
// device takes the content, in clear or from the plaintext.
type settingVector struct {
	Name string `json:"name"`
	// Reason is the outcome's.
	Reason     string             `json:"reason,omitempty"`
	PrivateKey json.RawMessage    `json:"privateKey"`
	Thumbprint string             `json:"thumbprint"`
	DeviceID   string             `json:"deviceId"`
	Directive  protocol.Directive `json:"directive"`
	Header     string             `json:"header,omitempty"`
	ContentKey string             `json:"contentKeyHex,omitempty"`
	Plaintext  string             `json:"plaintext,omitempty"`
}

const (
	unreadable  = "SETTING_UNREADABLE"
	misdirected = "SETTING_MISDIRECTED"
	settingID   = "set-5x2kq7mwv3tgrzn4hdbecyfalu"

	exchangeContent = `{"account":{"setting":"work","version":2,"kind":"exchange","name":"Work mail","description":"Mail, contacts and calendar",` +
		`"signIn":"google-apps-password","userName":"ada@corp.example","email":"ada@corp.example","exchange":{"server":"m.google.com","ssl":true,` +
		`"sync":{"contacts":true,"calendar":true,"email":true,"tasks":false}},"passwordVersion":3,"password":"example \"password\" & more"}}`
	secretContent = `{"managed":{"setting":"work","version":2,"package":"com.example.mail","values":{"email_address":"ada@corp.example",` +
		`"email_sign_in":"password","imap_host":"imap.gmail.com","imap_port":993,"imap_security":"tls","imap_username":"ada@corp.example"},` +
		`"passwordVersion":3,"secrets":{"email_password":"example-password"}}}`
	oauthContent = `{"account":{"setting":"work","version":1,"kind":"exchange","name":"Work mail","signIn":"oauth","userName":"ada@corp.example",` +
		`"email":"ada@corp.example","exchange":{"server":"m.google.com","ssl":true,"sync":{"contacts":false,"calendar":false,"email":true,"tasks":false}}}}`
	askContent = `{"account":{"setting":"work","version":1,"kind":"imap","name":"Old mail","signIn":"password","userName":"ada","email":"ada@corp.example",` +
		`"imap":{"host":"mail.corp.example","port":143,"tls":"starttls"},"askPassword":true}}`
	gmailContent = `{"managed":{"setting":"work","version":1,"package":"com.google.android.gm","values":{"email_address":"ada@corp.example",` +
		`"exchange_device_id":"dle2f2izhqqxhpahvuo3y6z2e7","exchange_host":"m.google.com","exchange_ssl_required":true,"exchange_username":"ada@corp.example"}}}`
)

// settings returns settings to be taken and ones to be refused, sealed to the keys of
// the sealed tokens. What the old file has is kept where it is right.
func settings(t *testing.T, old vectors, tokens []sealedVector) (good, bad []settingVector) {
	m := settingMaker{t, map[string]settingVector{}, tokens}
	for _, v := range append(old.Settings, old.SettingsRefused...) {
		m.old[v.Name] = v
	}
	for i, of := range []string{"EC", "RSA"} {
		account := m.sealed(i, of+": Exchange account with the generated password", exchangeContent)
		good = append(good, account, m.sealed(i, of+": managed configuration with a password", secretContent))
		spoil := func(name, reason string, change func(*settingVector)) {
			v := account
			v.Name, v.Reason, v.Plaintext, v.ContentKey = of+": "+name, reason, "", ""
			change(&v)
			bad = append(bad, v)
		}
		jwe := account.Directive.Sealed
		spoil("for another device", misdirected, func(v *settingVector) { v.DeviceID = "danother" })
		spoil("for another directive", misdirected, func(v *settingVector) { v.Directive.ID = "set-another" })
		spoil("for another setting", misdirected, func(v *settingVector) { v.Directive.Setting = "another" })
		spoil("altered tag", unreadable, func(v *settingVector) { v.Directive.Sealed = jwe[:len(jwe)-22] + strings.Repeat("A", 22) })
		spoil("cut off", unreadable, func(v *settingVector) { v.Directive.Sealed = jwe[:strings.LastIndex(jwe, ".")] })
		spoil("a token in its place", unreadable, func(v *settingVector) { v.Directive.Sealed, v.Header = tokens[i].JWE, tokens[i].Header })
		spoil("content in clear beside it", unreadable, func(v *settingVector) { v.Directive.Content = json.RawMessage(oauthContent) })
		spoil("sealed to another key", unreadable, func(v *settingVector) {
			v.PrivateKey, v.Thumbprint = tokens[1-i].PrivateKey, tokens[1-i].Thumbprint
		})
	}
	good = append(good, m.clear("in clear: Exchange account by OAuth", "", oauthContent),
		m.clear("in clear: IMAP account, the person is asked", "", askContent),
		m.clear("in clear: managed configuration of Gmail", "", gmailContent))
	for _, x := range []struct{ name, of, from, to string }{
		{"a password", exchangeContent, "", ""},
		{"a secret of managed configuration", secretContent, "", ""},
		{"nothing", oauthContent, oauthContent, ""},
		{"null", oauthContent, oauthContent, "null"},
		{"no object", oauthContent, oauthContent, `"work"`},
		{"neither account nor managed", oauthContent, oauthContent, "{}"},
		{"account and managed", oauthContent, `}}}}`, `}}},` + gmailContent[1:]},
		{"a member twice", oauthContent, `"version":1`, `"version":1,"version":1`},
		{"a member in another case", oauthContent, `"userName"`, `"username"`},
		{"another kind", oauthContent, `"kind":"exchange"`, `"kind":"pop3"`},
		{"kind and server differ", oauthContent, `"kind":"exchange"`, `"kind":"imap"`},
		{"another way to sign in", oauthContent, `"signIn":"oauth"`, `"signIn":"ntlm"`},
		{"the flag without its password", oauthContent, `"signIn":"oauth"`, `"signIn":"google-apps-password"`},
		{"OAuth in clear over the network", oauthContent, `"ssl":true`, `"ssl":false`},
		{"port 0", askContent, `"port":143`, `"port":0`},
		{"no package", gmailContent, `"com.google.android.gm"`, `""`},
		{"a value that is a list", gmailContent, `"exchange_ssl_required":true`, `"exchange_ssl_required":[true]`},
		{"a value that is a fraction", gmailContent, `"exchange_ssl_required":true`, `"exchange_ssl_required":1.5`},
	} {
		bad = append(bad, m.clear("in clear: "+x.name, unreadable, strings.Replace(x.of, x.from, x.to, 1)))
	}
	both := m.sealed(0, "EC: a key in values and secrets", strings.Replace(secretContent, `"email_address"`, `"email_password":"x","email_address"`, 1))
	weak := m.sealed(0, "EC: a password in clear over the network", strings.Replace(exchangeContent, `"ssl":true`, `"ssl":false`, 1))
	both.Reason, weak.Reason = unreadable, unreadable
	return good, append(bad, both, weak)
}

type settingMaker struct {
	t      *testing.T
	old    map[string]settingVector
	tokens []sealedVector // of the keys
}

// of returns a vector of one of the keys.
func (m settingMaker) of(i int, name string) settingVector {
	v := m.tokens[i]
	return settingVector{
		Name: name, PrivateKey: v.PrivateKey, Thumbprint: v.Thumbprint, DeviceID: v.DeviceID,
		Directive: protocol.Directive{ID: settingID, Kind: protocol.ApplySetting, Setting: "work"},
	}
}

func (m settingMaker) clear(name, reason, content string) settingVector {
	v := m.of(0, name)
	v.Reason, v.Directive.Content = reason, json.RawMessage(content)
	return v
}

func (m settingMaker) sealed(i int, name, content string) settingVector {
	m.t.Helper()
	v := m.of(i, name)
	var key jose.JSONWebKey
	if err := json.Unmarshal(v.PrivateKey, &key); err != nil {
		m.t.Fatal(err)
	}
	v.Plaintext = `{"deviceId":"` + v.DeviceID + `","directiveId":"` + settingID + `","content":` + content + `}`
	v.Directive.Sealed = m.old[name].Directive.Sealed
	cek, plain, err := openByHand(key.Key, v.Directive.Sealed)
	if err != nil || plain != v.Plaintext {
		k, err := seal.NewKey(key.Key.(crypto.Signer).Public())
		if err != nil {
			m.t.Fatal(err)
		}
		if v.Directive.Sealed, err = k.Seal([]byte(v.Plaintext)); err != nil {
			m.t.Fatal(err)
		}
		if cek, _, err = openByHand(key.Key, v.Directive.Sealed); err != nil {
			m.t.Fatal(err)
		}
	}
	v.ContentKey = cek
	header, _ := base64.RawURLEncoding.DecodeString(v.Directive.Sealed[:strings.Index(v.Directive.Sealed, ".")])
	v.Header = string(header)
	return v
}

// TestInvariantC8SettingVectors: the documented settings open by hand with their keys
// (C8, T2). That an agent takes them, and no other, is with package agent.
func TestInvariantC8SettingVectors(t *testing.T) {
	t.Parallel()
	all := readVectors(t)
	opened := 0
	for _, v := range append(all.Settings, all.SettingsRefused...) {
		if v.Plaintext == "" {
			continue
		}
		opened++
		var key jose.JSONWebKey
		if err := json.Unmarshal(v.PrivateKey, &key); err != nil {
			t.Fatal(err)
		}
		if cek, plain, err := openByHand(key.Key, v.Directive.Sealed); err != nil || cek != v.ContentKey || plain != v.Plaintext {
			t.Errorf("%s: by hand: content key %s, plaintext %s, %v", v.Name, cek, plain, err)
		}
	}
	if opened < 6 || len(all.SettingsRefused) < 30 {
		t.Errorf("%d settings were opened, and there are %d refused ones", opened, len(all.SettingsRefused))
	}
}
