// Package mail holds mail settings: Exchange and IMAP accounts that an admin
// describes once, with variables for what differs from person to person, and that
// devices with certain labels get.
//
// A setting is validated when it is saved, so that no device ever asks for one that
// cannot be rendered for anybody. Render makes of it what a device is sent, and
// Managed the same as an app's managed configuration. All of it is pure.
package mail

import (
	"slices"
	"time"
)

// Kind is the protocol of a setting.
type Kind string

// The kinds.
const (
	ExchangeKind Kind = "exchange" // Exchange ActiveSync
	IMAPKind     Kind = "imap"
)

// SignIn is how a mail client proves who it is.
type SignIn string

// The ways to sign in.
const (
	// OAuth: with a token, which the mail client fetches. It is what a new setting
	// has (invariant W9).
	OAuth SignIn = "oauth"
	// GoogleAppsPassword is the flag of that name: with the password that Rollcall
	// generates and Google has accepted. User name and password are then not
	// configurable and TLS is required (invariant M1).
	GoogleAppsPassword SignIn = "google-apps-password"
	// Password: with user name and password as the setting says.
	Password SignIn = "password"
)

// Audience is which devices a setting may go to, labels apart.
type Audience string

// The audiences.
const (
	// AllDevices is the default.
	AllDevices Audience = ""
	// ManagedApple: shared and user-enrolled Apple devices, the only ones on which
	// $MANAGED_APPLE_ID$ has a value.
	ManagedApple Audience = "managed-apple"
)

// Setting is one row.
type Setting struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	// Name and Description tell people what the setting is for.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Version counts the changes of what devices get, from 1.
	Version int  `json:"version"`
	Kind    Kind `json:"kind"`
	// Exchange or IMAP is set as Kind says.
	Exchange *Exchange `json:"exchange,omitempty"`
	IMAP     *IMAP     `json:"imap,omitempty"`
	SignIn   SignIn    `json:"signIn"`
	// UserName, Email and Password are templates; see Parse. UserName and Password
	// go with the sign-in Password; UserName alone with OAuth, where it defaults to
	// $EMAIL$.
	UserName string   `json:"userName,omitempty"`
	Email    string   `json:"email"`
	Password string   `json:"password,omitempty"`
	Audience Audience `json:"audience,omitempty"`
	// Managed renders the setting for an app that takes managed configuration.
	Managed *Managed `json:"managed,omitempty"`
	// Labels are those that the setting is applied to; a device with any of them
	// has it.
	Labels    []string  `json:"labels,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Exchange is what only an Exchange setting has.
type Exchange struct {
	// Server is a host, with or without a port, such as m.google.com.
	Server string `json:"server"`
	SSL    bool   `json:"ssl"`
	// Sync are the items to synchronise; at least one.
	Sync Items `json:"sync"`
}

// Items are what an Exchange account synchronises.
type Items struct {
	Contacts bool `json:"contacts"`
	Calendar bool `json:"calendar"`
	Email    bool `json:"email"`
	Tasks    bool `json:"tasks"`
}

// TLS is how a connection is protected.
type TLS string

// The ways to protect a connection to an IMAP server.
const (
	ImplicitTLS TLS = "tls" // from the first byte, usually on port 993
	StartTLS    TLS = "starttls"
	NoTLS       TLS = "none"
)

// IMAP is what only an IMAP setting has. The mailbox is Setting.Email (invariant
// M4); the sign-in OAuth is SASL XOAUTH2 here.
type IMAP struct {
	Host string `json:"host"`
	// Port is 1 to 65535.
	Port int `json:"port"`
	TLS  TLS `json:"tls"`
}

// App is a mail app whose managed configuration is known here.
type App string

// The apps; see KeyValues for their keys.
const (
	Gmail   App = "gmail"
	Generic App = "generic"
)

// Managed says for which app a setting is rendered as key-value pairs.
type Managed struct {
	App App `json:"app"`
	// Package is the Android package of the app; default com.google.android.gm for
	// Gmail.
	Package string `json:"package,omitempty"`
	// Extra are more keys with templates as values, which go before the app's own.
	Extra map[string]string `json:"extra,omitempty"`
}

// NewExchange returns a setting as an admin begins with it: Google's server, OAuth,
// every item.
func NewExchange() Setting {
	return Setting{
		Kind: ExchangeKind, SignIn: OAuth, Email: "$EMAIL$",
		Exchange: &Exchange{Server: "m.google.com", SSL: true, Sync: Items{Contacts: true, Calendar: true, Email: true, Tasks: true}},
	}
}

// NewIMAP returns a setting as an admin begins with it: Gmail's server and XOAUTH2.
func NewIMAP() Setting {
	return Setting{
		Kind: IMAPKind, SignIn: OAuth, Email: "$EMAIL$",
		IMAP: &IMAP{Host: "imap.gmail.com", Port: 993, TLS: ImplicitTLS},
	}
}

// NeedsGenerated reports whether devices can have the setting only together with
// the person's generated password (invariant C5).
func (s Setting) NeedsGenerated() bool {
	return s.SignIn == GoogleAppsPassword || slices.ContainsFunc(s.templates(), func(f field) bool {
		t, err := Parse(f.text)
		return err == nil && t.uses(Generated)
	})
}

// extraPath is the place of the extra keys.
const extraPath = "managed.extra."

// field is a template with its place in the setting.
type field struct {
	path, text string
	// secret fields may hold passwords.
	secret bool
}

// templates returns the templates in a fixed order, the empty ones left out.
func (s Setting) templates() []field {
	all := []field{{"email", s.Email, false}, {"userName", s.UserName, false}, {"password", s.Password, true}}
	if s.Managed != nil {
		for _, k := range sorted(s.Managed.Extra) {
			all = append(all, field{extraPath + k, s.Managed.Extra[k], true})
		}
	}
	return slices.DeleteFunc(all, func(f field) bool { return f.text == "" })
}

// userName is the template that stands for the user name.
func (s Setting) userName() string {
	if s.UserName == "" {
		return "$EMAIL$"
	}
	return s.UserName
}
