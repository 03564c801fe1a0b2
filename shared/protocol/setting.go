package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// SettingClaims is the plaintext of Directive.Sealed. It repeats what the content is
// for, so that it cannot be passed off as another directive's.
type SettingClaims struct {
	DeviceID    string `json:"deviceId"`
	DirectiveID string `json:"directiveId"`
	// Content is a MailSetting.
	Content json.RawMessage `json:"content"`
}

// MailSetting is what a device is to set up: exactly one of Account and Managed.
// Printed, logged or marshalled it shows no secret.
type MailSetting struct {
	Account *MailAccount       `json:"account,omitempty"`
	Managed *ManagedMailClient `json:"managed,omitempty"`
}

// ID returns the setting's id, "" without one.
func (s MailSetting) ID() string {
	switch {
	case s.Account != nil:
		return s.Account.Setting
	case s.Managed != nil:
		return s.Managed.Setting
	}
	return ""
}

// Secrets returns the secrets in the setting; nil where there is none.
func (s MailSetting) Secrets() []Secret {
	var all []Secret
	if s.Account != nil && s.Account.Password != nil {
		all = append(all, *s.Account.Password)
	}
	if s.Managed != nil {
		for _, v := range s.Managed.Secrets {
			all = append(all, v)
		}
	}
	return all
}

// MailKind is the protocol of a mail account.
type MailKind string

// The kinds of mail account.
const (
	MailOverExchange MailKind = "exchange" // Exchange ActiveSync
	MailOverIMAP     MailKind = "imap"
)

// MailSignIn is how a mail client proves who it is.
type MailSignIn string

// The ways to sign in.
const (
	// MailByOAuth: with a token that the mail client fetches; over IMAP by SASL XOAUTH2.
	MailByOAuth MailSignIn = "oauth"
	// MailByAppsPassword: with the generated password, which is in Password.
	MailByAppsPassword MailSignIn = "google-apps-password"
	// MailByPassword: with the generated password, or by what the person types.
	MailByPassword MailSignIn = "password"
)

// MailAccount is a mail account for the device's own mail client. Exactly one of
// Exchange and IMAP is set, as Kind says.
type MailAccount struct {
	Setting string `json:"setting"`
	// Version counts the changes of the setting, from 1.
	Version int      `json:"version"`
	Kind    MailKind `json:"kind"`
	// Name and Description tell the person what the account is.
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	SignIn      MailSignIn    `json:"signIn"`
	UserName    string        `json:"userName"`
	Email       string        `json:"email"`
	Exchange    *MailExchange `json:"exchange,omitempty"`
	IMAP        *MailIMAP     `json:"imap,omitempty"`
	// AskPassword: the mail client asks the person for the password.
	AskPassword bool `json:"askPassword,omitempty"`
	// PasswordVersion counts the person's generated passwords; 0 without one.
	PasswordVersion int `json:"passwordVersion,omitempty"`
	// Password is the generated password, in a sealed content alone.
	Password *Secret `json:"password,omitempty"`
}

// MailExchange is the server of an Exchange account.
type MailExchange struct {
	// Server is a host, with a port where it is not 443 (with SSL) or 80.
	Server string `json:"server"`
	// SSL: HTTPS with a verified certificate; without it HTTP in clear.
	SSL  bool     `json:"ssl"`
	Sync MailSync `json:"sync"`
}

// MailSync is what an Exchange account synchronises.
type MailSync struct {
	Contacts bool `json:"contacts"`
	Calendar bool `json:"calendar"`
	Email    bool `json:"email"`
	Tasks    bool `json:"tasks"`
}

// MailTLS is how a connection to an IMAP server is protected.
type MailTLS string

// The ways to protect a connection.
const (
	// MailTLSFromStart: TLS from the first byte (RFC 8314, section 3.2).
	MailTLSFromStart MailTLS = "tls"
	// MailStartTLS: the command STARTTLS before anything else, and no going on
	// without it (RFC 9051, section 6.2.1).
	MailStartTLS MailTLS = "starttls"
	// MailInClear: no TLS.
	MailInClear MailTLS = "none"
)

// MailIMAP is the server of an IMAP account.
type MailIMAP struct {
	Host string  `json:"host"`
	Port int     `json:"port"` // 1 to 65535
	TLS  MailTLS `json:"tls"`
}

// ManagedMailClient is managed configuration (application restrictions) for an app.
type ManagedMailClient struct {
	Setting string `json:"setting"`
	Version int    `json:"version"`
	// Package is the app's Android package.
	Package string     `json:"package"`
	Values  MailValues `json:"values"`
	// Secrets are further keys whose values must not be seen, in a sealed content
	// alone. No key is in both.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	// PasswordVersion counts the person's generated passwords; 0 without one.
	PasswordVersion int `json:"passwordVersion,omitempty"`
}

// MailValues are the values of managed configuration: each a string, a bool or an int
// of 32 bits, which are what application restrictions can hold of them.
type MailValues map[string]any

// UnmarshalJSON takes an object of such values. Its error holds nothing of the content.
func (v *MailValues) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil || m == nil {
		return errValues
	}
	for name, x := range m {
		switch x := x.(type) {
		case string, bool:
		case json.Number:
			n, err := strconv.Atoi(x.String())
			if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
				return errValues
			}
			m[name] = n
		default:
			return errValues
		}
	}
	*v = m
	return nil
}

var errValues = errors.New("managed configuration is an object of texts, booleans and whole numbers")
