package protocol

import (
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

var (
	settingPattern = pattern.New(`^[a-z0-9][a-z0-9-]{0,39}$`)
	packagePattern = pattern.New(`^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+$`)
	keyPattern     = pattern.New(`^[A-Za-z][A-Za-z0-9_.-]{0,99}$`)
)

// The largest texts of a setting, in characters.
const (
	maxMailName        = 80
	maxMailDescription = 500
	maxMailText        = 1024
	maxMailHost        = 259 // a name of 253, and a port
	maxMailPackage     = 200
	maxMailValue       = 24 << 10
)

// Validate returns fault.Invalid naming the first member that is wrong, and nothing of
// what it holds. An agent calls it with what it was sent, before any of it reaches a
// mail client.
func (s MailSetting) Validate() error {
	switch {
	case s.Account != nil && s.Managed == nil:
		return s.Account.validate()
	case s.Managed != nil && s.Account == nil:
		return s.Managed.validate()
	}
	return fault.Field("content", "give one of account and managed")
}

func (a *MailAccount) validate() error {
	if err := checkSetting("account", a.Setting, a.Version, a.PasswordVersion); err != nil {
		return err
	}
	for _, f := range []struct {
		path, text  string
		least, most int
	}{
		{"account.name", a.Name, 1, maxMailName},
		{"account.description", a.Description, 0, maxMailDescription},
		{"account.userName", a.UserName, 1, maxMailText},
		{"account.email", a.Email, 1, maxMailText},
	} {
		if err := text(f.path, f.text, f.least, f.most); err != nil {
			return err
		}
	}
	if err := a.checkServer(); err != nil {
		return err
	}
	return a.checkPassword()
}

func (a *MailAccount) checkServer() error {
	switch {
	case a.Kind == MailOverExchange && a.Exchange != nil && a.IMAP == nil:
		if a.Exchange.Sync == (MailSync{}) {
			return fault.Field("account.exchange.sync", "there is nothing to synchronise")
		}
		return text("account.exchange.server", a.Exchange.Server, 1, maxMailHost)
	case a.Kind == MailOverIMAP && a.IMAP != nil && a.Exchange == nil:
		if a.IMAP.Port < 1 || a.IMAP.Port > 65535 {
			return fault.Field("account.imap.port", "give 1 to 65535")
		}
		switch a.IMAP.TLS {
		case MailTLSFromStart, MailStartTLS, MailInClear:
			return text("account.imap.host", a.IMAP.Host, 1, maxMailHost)
		}
		return fault.Field("account.imap.tls", "give tls, starttls or none")
	}
	return fault.Field("account.kind", "give exchange or imap, and the object of that name alone")
}

// protected reports whether the connection to the server is.
func (a *MailAccount) protected() bool {
	return a.Exchange != nil && a.Exchange.SSL || a.IMAP != nil && a.IMAP.TLS != MailInClear
}

// checkPassword holds that there is a password where the sign-in says so and nowhere
// else, and that nothing generated goes over a connection in clear.
func (a *MailAccount) checkPassword() error {
	has := a.Password != nil
	switch {
	case has && (a.Password.Empty() || a.PasswordVersion == 0):
		return fault.Field("account.password", "a password is not empty and has a version")
	case a.SignIn == MailByOAuth && !has && !a.AskPassword:
	case a.SignIn == MailByAppsPassword && has && !a.AskPassword:
	case a.SignIn == MailByPassword && has != a.AskPassword:
	default:
		return fault.Field("account.signIn", "give oauth without a password, google-apps-password with one, or password with one or with askPassword")
	}
	if (has || a.SignIn == MailByOAuth) && !a.protected() {
		return fault.Field("account.signIn", "this way to sign in needs a protected connection")
	}
	return nil
}

func (m *ManagedMailClient) validate() error {
	if err := checkSetting("managed", m.Setting, m.Version, m.PasswordVersion); err != nil {
		return err
	}
	if len(m.Package) > maxMailPackage || !packagePattern.MatchString(m.Package) {
		return fault.Field("managed.package", "give an Android package")
	}
	if m.Values == nil {
		return fault.Field("managed.values", "give the app's keys with their values")
	}
	for name, v := range m.Values {
		if !keyPattern.MatchString(name) {
			return fault.Field("managed.values", "a key is 1 to 100 of A-Z, a-z, 0-9, '_', '.' and '-', the first a letter")
		}
		// Lines may end in a text such as a signature.
		if s, ok := v.(string); ok && utf8.RuneCountInString(s) > maxMailValue {
			return fault.Field("managed.values", "a text has at most %d characters", maxMailValue)
		}
	}
	for name, v := range m.Secrets {
		_, both := m.Values[name]
		if both || v.Empty() || m.PasswordVersion == 0 || !keyPattern.MatchString(name) {
			return fault.Field("managed.secrets", "a secret has a key of its own, is not empty and has a version")
		}
	}
	return nil
}

func checkSetting(path, id string, version, password int) error {
	switch {
	case !settingPattern.MatchString(id):
		return fault.Field(path+".setting", "give a setting's id")
	case version < 1:
		return fault.Field(path+".version", "versions count from 1")
	case password < 0:
		return fault.Field(path+".passwordVersion", "versions count from 1")
	}
	return nil
}
