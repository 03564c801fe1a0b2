package mail

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Surroundings are what a setting is validated against.
type Surroundings struct {
	// Linked: a service account's credential is linked to the enterprise, so that
	// generated passwords can be sent to Google.
	Linked bool
	// Advice says, for a refusal, what is missing where Linked is false, and what to
	// do; empty is advice in general.
	Advice string
	// Attributes are the names of the directory's custom attributes.
	Attributes []string
}

const (
	maxLabels = 50
	maxExtra  = 50
)

var (
	idPattern      = pattern.New(`^[a-z0-9][a-z0-9-]{0,39}$`)
	hostPattern    = pattern.New(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	packagePattern = pattern.New(`^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+$`)
	keyPattern     = pattern.New(`^[A-Za-z][A-Za-z0-9_.-]{0,99}$`)
)

// Validate returns fault.Invalid naming the first field that is wrong. It is called
// when a setting is saved, so that no device meets a wrong one (invariant M2).
func (s Setting) Validate(in Surroundings) error {
	if !idPattern.MatchString(s.ID) {
		return fault.Field("id", "give 1 to 40 of a-z, 0-9 and '-', the first no '-'")
	}
	if err := text("name", s.Name, 1, 80); err != nil {
		return err
	}
	if err := text("description", s.Description, 0, 500); err != nil {
		return err
	}
	if err := s.server(); err != nil {
		return err
	}
	if s.Email == "" {
		return fault.Field("email", "give the address of the mailbox, usually $EMAIL$")
	}
	if err := s.signIn(in); err != nil {
		return err
	}
	if s.Audience != AllDevices && s.Audience != ManagedApple {
		return fault.Field("audience", "give nothing or managed-apple")
	}
	if err := s.managed(); err != nil {
		return err
	}
	for _, f := range s.templates() {
		if err := s.template(f, in); err != nil {
			return err
		}
	}
	return CheckLabels(s.Labels)
}

// CheckLabels returns fault.Invalid, naming the member of labels, unless a setting
// can be applied to them.
func CheckLabels(labels []string) error {
	if len(labels) > maxLabels {
		return fault.Field("labels", "a setting is applied to at most %d labels", maxLabels)
	}
	for i, l := range labels {
		if err := enterprise.CheckLabel(fmt.Sprintf("labels[%d]", i), l); err != nil {
			return err
		}
	}
	return nil
}

// server checks what is of one kind of setting only.
func (s Setting) server() error {
	switch {
	case s.Kind == ExchangeKind && s.Exchange != nil && s.IMAP == nil:
		if !hostPort(s.Exchange.Server) {
			return fault.Field("exchange.server", "give a host such as m.google.com, with :port where it is not 443, and no scheme or path")
		}
		if s.Exchange.Sync == (Items{}) {
			return fault.Field("exchange.sync", "choose at least one of contacts, calendar, email, tasks")
		}
	case s.Kind == IMAPKind && s.IMAP != nil && s.Exchange == nil:
		if !host(s.IMAP.Host) {
			return fault.Field("imap.host", "give a host such as imap.gmail.com")
		}
		if s.IMAP.Port < 1 || s.IMAP.Port > 65535 {
			return fault.Field("imap.port", "give 1 to 65535, usually 993")
		}
		if !slices.Contains([]TLS{ImplicitTLS, StartTLS, NoTLS}, s.IMAP.TLS) {
			return fault.Field("imap.tls", "give tls, starttls or none")
		}
	default:
		return fault.Field("kind", "give exchange or imap, and the object of that name alone")
	}
	return nil
}

// signIn checks what goes with which way to sign in.
func (s Setting) signIn(in Surroundings) error {
	switch s.SignIn {
	case OAuth:
		if s.Password != "" {
			return fault.Field("password", "with OAuth there is no password")
		}
	case GoogleAppsPassword:
		if s.UserName != "" {
			return fault.Field("userName", "with the Google Apps password the user name is the person's address and cannot be chosen")
		}
		if s.Password != "" {
			return fault.Field("password", "with the Google Apps password the password is generated and cannot be chosen")
		}
	case Password:
		if s.UserName == "" {
			return fault.Field("userName", "give the user name, usually $EMAIL$ or $USERID$")
		}
		// Anything else would be one password for many, in clear in the store.
		if p := s.Password; p != "" && p != dollars(PasswordVariable) && p != dollars(Generated) {
			return fault.Field("password", "give $%s$, $%s$, or nothing: the mail client then asks for it", PasswordVariable, Generated)
		}
	default:
		return fault.Field("signIn", "give oauth, google-apps-password or password")
	}
	if (s.SignIn == OAuth || s.NeedsGenerated()) && !s.protected() {
		return fault.Field(s.protection(), "this way to sign in needs a protected connection")
	}
	if s.NeedsGenerated() && !in.Linked {
		return fault.Field("signIn", "%s", cmp.Or(in.Advice,
			"no Google credential is linked to the enterprise, so no password can be sent to Google; import one first"))
	}
	if s.NeedsGenerated() && s.userName() != "$EMAIL$" {
		return fault.Field("userName", "with $%s$ the user name is $EMAIL$", Generated)
	}
	return nil
}

func (s Setting) protected() bool {
	if s.Exchange != nil {
		return s.Exchange.SSL
	}
	return s.IMAP.TLS != NoTLS
}

func (s Setting) protection() string {
	if s.Exchange != nil {
		return "exchange.ssl"
	}
	return "imap.tls"
}

func (s Setting) managed() error {
	m := s.Managed
	if m == nil {
		return nil
	}
	switch {
	case m.App != Gmail && m.App != Generic:
		return fault.Field("managed.app", "give gmail or generic")
	case m.App == Gmail && s.Kind != ExchangeKind:
		return fault.Field("managed.app", "Gmail takes Exchange settings only")
	case m.Package == "" && m.App != Gmail, m.Package != "" && (len(m.Package) > 200 || !packagePattern.MatchString(m.Package)):
		return fault.Field("managed.package", "give the app's Android package, such as com.example.mail")
	case len(m.Extra) > maxExtra:
		return fault.Field("managed.extra", "at most %d more keys can be given", maxExtra)
	}
	for _, k := range sorted(m.Extra) {
		if !keyPattern.MatchString(k) {
			return fault.Field("managed.extra", "a key is 1 to 100 of A-Z, a-z, 0-9, '_', '.' and '-', the first a letter")
		}
	}
	return nil
}

// template checks one field's variables.
func (s Setting) template(f field, in Surroundings) error {
	t, err := Parse(f.text)
	if err != nil {
		return fault.Field(f.path, "%s", fault.As(err).Public)
	}
	for _, name := range t.Variables() {
		switch {
		case !slices.Contains(builtin, name) && !slices.Contains(in.Attributes, name):
			return fault.Field(f.path, "$%s$ is no variable; known are $%s$", name,
				strings.Join(slices.Concat(builtin, slices.Sorted(slices.Values(in.Attributes))), "$, $"))
		case name == ManagedAppleIDVariable && s.Audience != ManagedApple:
			return fault.Field(f.path, "$%s$ is for shared and user-enrolled Apple devices only; set the audience to managed-apple", name)
		case (name == Generated || name == PasswordVariable) && !f.secret:
			return fault.Field(f.path, "$%s$ has no place in an address or a user name, which servers log", name)
		case (name == Generated || name == PasswordVariable) && !t.is(name):
			return fault.Field(f.path, "$%s$ stands alone", name)
		}
	}
	if f.path == extraPath+passwordKey && !t.is(PasswordVariable) && !t.is(Generated) {
		// As with the setting's own password.
		return fault.Field(f.path, "give $%s$ or $%s$; any other password would be in clear in the store and on the way", PasswordVariable, Generated)
	}
	return nil
}

func hostPort(s string) bool {
	h, port, err := net.SplitHostPort(s)
	if err != nil {
		return host(s)
	}
	n, err := strconv.Atoi(port)
	return host(h) && err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == port
}

func host(s string) bool {
	return len(s) <= 253 && (hostPattern.MatchString(s) || net.ParseIP(s) != nil)
}

// text checks a text's length in characters and that it holds no control ones.
func text(path, s string, least, most int) error {
	if n := utf8.RuneCountInString(s); n < least || n > most || !utf8.ValidString(s) {
		return fault.Field(path, "give %d to %d characters", least, most)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fault.Field(path, "give text without control characters")
	}
	return nil
}
