package mail

import (
	"encoding/json"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Reasons of a setting that cannot be rendered for a device now; all are
// fault.Conflict.
const (
	// ReasonMissing: the person lacks a value that the setting needs.
	ReasonMissing = "mail-value-missing"
	// ReasonNotReady: Google has not accepted the generated password (invariant C5).
	ReasonNotReady = "mail-password-not-ready"
	// ReasonTooLarge: with the person's values the setting is larger than MaxContent.
	ReasonTooLarge = "mail-too-large"
	// ReasonOtherDevice: the setting is not for this sort of device.
	ReasonOtherDevice = "mail-other-device"
)

// Person is what variables are replaced by.
type Person struct {
	Email  string
	UserID string
	// GoogleEmail is the address at Google. Where it is not empty it stands for
	// $EMAIL$ in settings for Google's servers, whose mailboxes and tokens are those
	// of Google accounts, and in those that sign in with the generated password, which
	// is the Google account's.
	GoogleEmail    string
	ManagedAppleID string
	// Attributes are the custom attributes, by name.
	Attributes map[string]string
}

// AppleAttribute is the custom attribute that a Managed Apple ID is taken from.
const AppleAttribute = "managedAppleId"

// PersonOf returns what a person's row has for variables.
func PersonOf(p person.Person) Person {
	return Person{
		Email: p.Entry.Mail, UserID: p.Entry.Login, GoogleEmail: p.Google.Mail,
		ManagedAppleID: p.Entry.Attributes[AppleAttribute], Attributes: p.Entry.Attributes,
	}
}

// Device is what rendering needs to know of a device.
type Device struct {
	ID     string
	Labels []string
	// ManagedApple: a shared or user-enrolled Apple device.
	ManagedApple bool
}

// Accepted is the generated password, as Google accepted it.
type Accepted struct {
	Version int
	Value   secret.Value
}

// Payload is a setting as a device is sent it. Its JSON lacks the password; Reveal
// has it.
type Payload struct {
	Setting     string    `json:"setting"`
	Version     int       `json:"version"`
	Kind        Kind      `json:"kind"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	SignIn      SignIn    `json:"signIn"`
	UserName    string    `json:"userName"`
	Email       string    `json:"email"`
	Exchange    *Exchange `json:"exchange,omitempty"`
	IMAP        *IMAP     `json:"imap,omitempty"`
	// AskPassword tells the mail client to ask the person for a password.
	AskPassword bool `json:"askPassword,omitempty"`
	// PasswordVersion is the version of the generated password, 0 without one.
	PasswordVersion int `json:"passwordVersion,omitempty"`
	// Password is the generated password; empty without one.
	Password secret.Value `json:"-"`
}

// Reveal returns the payload's JSON with the password as its member "password". It
// is for one place: the plaintext that is encrypted to the device.
func (p Payload) Reveal() ([]byte, error) {
	return json.Marshal(struct {
		Payload
		Password string `json:"password,omitempty"`
	}{p, p.Password.Reveal()})
}

// Render returns the setting for one device of one person. Password is the
// generated password when Google has accepted it and nil otherwise; a setting that
// does not need it does not get it. It is a pure function.
func Render(s Setting, who Person, on Device, password *Accepted) (Payload, error) {
	values, err := s.values(who, on, password)
	if err != nil {
		return Payload{}, err
	}
	p := Payload{
		Setting: s.ID, Version: s.Version, Kind: s.Kind, Name: s.Name, Description: s.Description,
		SignIn: s.SignIn, Exchange: s.Exchange, IMAP: s.IMAP,
	}
	if p.Email, err = fill(s.Email, values); err != nil {
		return Payload{}, err
	}
	if p.UserName, err = fill(s.userName(), values); err != nil {
		return Payload{}, err
	}
	if s.NeedsGenerated() {
		p.PasswordVersion = password.Version
	}
	switch {
	case s.SignIn == GoogleAppsPassword, s.Password == dollars(Generated):
		p.Password = password.Value
	case s.SignIn == Password:
		p.AskPassword = true
	}
	return p, nil
}

// values returns what each variable stands for, without the passwords, or why the
// device cannot have the setting.
func (s Setting) values(who Person, on Device, password *Accepted) (func(string) string, error) {
	if s.Audience == ManagedApple && !on.ManagedApple {
		return nil, fault.New(fault.Conflict, ReasonOtherDevice, "The setting is for shared and user-enrolled Apple devices.")
	}
	if s.NeedsGenerated() && (password == nil || password.Value.Empty()) {
		return nil, fault.New(fault.Conflict, ReasonNotReady, "Google has not accepted the person's password yet.")
	}
	email := who.Email
	if who.GoogleEmail != "" && (s.NeedsGenerated() || s.AtGoogle()) {
		email = who.GoogleEmail
	}
	return func(name string) string {
		switch name {
		case EmailVariable:
			return email
		case UserIDVariable:
			return who.UserID
		case ManagedAppleIDVariable:
			return who.ManagedAppleID
		case PasswordVariable, Generated:
			return ""
		}
		return who.Attributes[name]
	}, nil
}

func fill(template string, values func(string) string) (string, error) {
	t, err := Parse(template)
	if err != nil {
		return "", err
	}
	return t.expand(values)
}

// Covers reports whether a device is to have the setting.
func (s Setting) Covers(on Device) bool {
	return (s.Audience != ManagedApple || on.ManagedApple) &&
		slices.ContainsFunc(s.Labels, func(l string) bool { return slices.Contains(on.Labels, l) })
}
