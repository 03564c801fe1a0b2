package mail

import (
	"encoding/json"
	"net"
	"strconv"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const gmailPackage = "com.google.android.gm"

// passwordKey is the generic form's key of the password.
const passwordKey = "email_password"

// KeyValues is a setting as managed configuration of an Android app
// (RestrictionsManager): keys with values of type string, bool or int.
type KeyValues struct {
	Setting string         `json:"setting"`
	Version int            `json:"version"`
	Package string         `json:"package"`
	Values  map[string]any `json:"values"`
	// PasswordVersion is the version of the generated password, 0 without one.
	PasswordVersion int `json:"passwordVersion,omitempty"`
	// Secrets are further keys whose values must not be seen.
	Secrets map[string]secret.Value `json:"-"`
}

// Reveal returns the JSON with the secrets as its member "secrets", apart from the
// values, so that whoever reads it knows what not to show. It is for one place: the
// plaintext that is encrypted to the device.
func (k KeyValues) Reveal() ([]byte, error) {
	secrets := make(map[string]string, len(k.Secrets))
	for name, v := range k.Secrets {
		secrets[name] = v.Reveal()
	}
	return json.Marshal(struct {
		KeyValues
		Secrets map[string]string `json:"secrets,omitempty"`
	}{k, secrets})
}

// RenderManaged returns the setting for an app that takes managed configuration
// (invariant M3); without Setting.Managed it is fault.Conflict. Extra keys go before
// the app's own; one whose value would be the person's own password is left out.
//
// Gmail (com.google.android.gm 6.4 and later; Android Enterprise Help, "Configure
// Gmail with managed configurations") takes Exchange accounts and no password:
//
//	email_address                    string
//	exchange_host                    string, host or host:port
//	exchange_username                string
//	exchange_device_id               string, for gateways that know devices by it
//	exchange_ssl_required            bool, default true
//
// It knows further exchange_trust_all_certificates (bool),
// exchange_login_certificate_alias, default_signature (string),
// allow_unmanaged_accounts (bool) and others, which can be given as Extra where
// their values are strings.
//
// The generic form has for an Exchange account the keys that Ivanti Email+ and apps
// after its model read:
//
//	email_address                    string
//	email_device_id                  string
//	email_exchange_host              string, host or host:port
//	email_exchange_username          string
//	email_password                   string, where there is a generated password
//	email_ssl_required               bool
//
// and, with names of our own, because no app sets an example, email_sign_in (string:
// oauth or password), email_sync_contacts, email_sync_calendar, email_sync_email,
// email_sync_tasks (bool); and for an IMAP account email_address, email_password,
// email_sign_in, imap_host (string), imap_port (int), imap_security (string: tls,
// starttls or none) and imap_username.
func RenderManaged(s Setting, who Person, on Device, password *Accepted) (KeyValues, error) {
	if s.Managed == nil {
		return KeyValues{}, fault.New(fault.Conflict, "mail-not-managed", "The setting names no app that takes managed configuration.")
	}
	p, err := Render(s, who, on, password)
	if err != nil {
		return KeyValues{}, err
	}
	k := KeyValues{
		Setting: p.Setting, Version: p.Version, Package: s.Managed.Package, PasswordVersion: p.PasswordVersion,
		Values: map[string]any{"email_address": p.Email}, Secrets: map[string]secret.Value{},
	}
	if s.Managed.App == Gmail {
		k.gmail(p, on)
	} else {
		k.generic(p, on)
	}
	return k, k.extra(s, who, on, password)
}

func (k *KeyValues) gmail(p Payload, on Device) {
	if k.Package == "" {
		k.Package = gmailPackage
	}
	k.Values["exchange_host"] = p.Exchange.Server
	k.Values["exchange_username"] = p.UserName
	k.Values["exchange_device_id"] = on.ID
	k.Values["exchange_ssl_required"] = p.Exchange.SSL
}

func (k *KeyValues) generic(p Payload, on Device) {
	k.Values["email_sign_in"] = "password"
	if p.SignIn == OAuth {
		k.Values["email_sign_in"] = "oauth"
	}
	if !p.Password.Empty() {
		k.Secrets[passwordKey] = p.Password
	}
	if p.IMAP != nil {
		k.Values["imap_host"] = p.IMAP.Host
		k.Values["imap_port"] = p.IMAP.Port
		k.Values["imap_security"] = string(p.IMAP.TLS)
		k.Values["imap_username"] = p.UserName
		return
	}
	k.Values["email_exchange_host"] = p.Exchange.Server
	k.Values["email_exchange_username"] = p.UserName
	k.Values["email_device_id"] = on.ID
	k.Values["email_ssl_required"] = p.Exchange.SSL
	k.Values["email_sync_contacts"] = p.Exchange.Sync.Contacts
	k.Values["email_sync_calendar"] = p.Exchange.Sync.Calendar
	k.Values["email_sync_email"] = p.Exchange.Sync.Email
	k.Values["email_sync_tasks"] = p.Exchange.Sync.Tasks
}

// extra puts the admin's own keys in the place of the app's.
func (k *KeyValues) extra(s Setting, who Person, on Device, password *Accepted) error {
	values, err := s.values(who, on, password)
	if err != nil {
		return err
	}
	for _, name := range sorted(s.Managed.Extra) {
		delete(k.Secrets, name)
		delete(k.Values, name)
		switch template := s.Managed.Extra[name]; template {
		case dollars(Generated):
			k.Secrets[name] = password.Value
		case dollars(PasswordVariable):
		default:
			if k.Values[name], err = fill(template, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// Address returns the host and port of the server, with the protocol's usual port
// where an Exchange setting names none.
func (p Payload) Address() string {
	if p.IMAP != nil {
		return net.JoinHostPort(p.IMAP.Host, strconv.Itoa(p.IMAP.Port))
	}
	if _, _, err := net.SplitHostPort(p.Exchange.Server); err == nil {
		return p.Exchange.Server
	}
	if p.Exchange.SSL {
		return net.JoinHostPort(p.Exchange.Server, "443")
	}
	return net.JoinHostPort(p.Exchange.Server, "80")
}
