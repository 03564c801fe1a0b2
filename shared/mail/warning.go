package mail

import (
	"net"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// Warning is what an admin should know of a setting that is allowed all the same.
type Warning struct {
	// Reason is a stable word.
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// The words of warnings.
const (
	WarnGoogleClosed   = "google-closed-password-sign-in"
	WarnReplaces       = "replaces-google-password"
	WarnUnprotected    = "unprotected-connection"
	WarnGmailAsks      = "gmail-takes-no-password"
	WarnPersonIsAsked  = "person-is-asked"
	WarnOAuthExchange  = "google-exchange-oauth"
	WarnNothingApplied = "no-labels"
	WarnNoSuchDevice   = "no-apple-devices"
	WarnSecretInClear  = "secret-in-clear"
)

// secretKeyPattern is how keys are named whose values must not be seen.
var secretKeyPattern = pattern.New(`(?i)pass(?:word|wd|code|phrase)|secret|token|credential|private_?key|api_?key|(?:^|_)pin$`)

// inClear returns the keys of managed configuration that look as if they held a
// secret, whose value everybody reads who may read the setting. What says yes or no, or
// counts, is none.
func (s Setting) inClear() (keys []string) {
	if s.Managed == nil {
		return nil
	}
	for _, k := range sorted(s.Managed.Extra) {
		v := s.Managed.Extra[k]
		if v == dollars(PasswordVariable) || v == dollars(Generated) || v == "" || v == "true" || v == "false" || len(strings.Trim(v, "0123456789")) == 0 && len(v) < 4 {
			continue
		}
		if secretKeyPattern.MatchString(k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Warnings returns what to tell whoever saves or shows the setting, in the command
// line's output and in the API's reply (invariant W9).
func (s Setting) Warnings() []Warning {
	var ws []Warning
	warn := func(when bool, reason, text string) {
		if when {
			ws = append(ws, Warning{reason, text})
		}
	}
	google := s.AtGoogle()
	warn(s.NeedsGenerated() || google && s.SignIn == Password, WarnGoogleClosed,
		"Google has closed sign-in by password for mail clients (ActiveSync, IMAP, CalDAV, CardDAV, SMTP) on most domains since 2024. "+
			"Google will take the password and refuse the mail client all the same, unless the domain is exempt. Use OAuth.")
	warn(s.NeedsGenerated(), WarnReplaces,
		"The generated password takes the place of the person's own password at Google, also where the person is an administrator there. "+
			"Whoever signs in to Google with a password of their own, and not by single sign-on, can do so no longer.")
	warn(google && s.Kind == ExchangeKind && s.SignIn == OAuth, WarnOAuthExchange,
		"Whether a mail client can sign in to Google's Exchange ActiveSync server with OAuth depends on the client. Try one device first, or use an IMAP setting.")
	warn(!s.protected(), WarnUnprotected, "Without TLS everybody on the way reads mail and password.")
	warn(s.Managed != nil && s.Managed.App == Gmail && s.SignIn != OAuth, WarnGmailAsks,
		"Gmail takes no password from managed configuration: it asks the person for it.")
	warn(s.Password == dollars(PasswordVariable), WarnPersonIsAsked,
		"Rollcall does not have people's own passwords: the mail client asks for it.")
	keys := s.inClear()
	warn(len(keys) > 0, WarnSecretInClear,
		"The values of "+strings.Join(keys, ", ")+" look like secrets. They are kept and shown in clear, and devices get them in clear but for TLS.")
	warn(s.Audience == ManagedApple, WarnNoSuchDevice,
		"Rollcall enrolls Android devices, and none is a shared or user-enrolled Apple device, so no device gets the setting, whatever its labels.")
	warn(len(s.Labels) == 0, WarnNothingApplied, "The setting is applied to no label, so no device has it.")
	return ws
}

// AtGoogle reports whether the server is Google's.
func (s Setting) AtGoogle() bool {
	h := ""
	if s.Exchange != nil {
		h = s.Exchange.Server
		if only, _, err := net.SplitHostPort(h); err == nil {
			h = only
		}
	} else if s.IMAP != nil {
		h = s.IMAP.Host
	}
	h = "." + strings.ToLower(h)
	return strings.HasSuffix(h, ".google.com") || strings.HasSuffix(h, ".gmail.com") || strings.HasSuffix(h, ".googlemail.com")
}
