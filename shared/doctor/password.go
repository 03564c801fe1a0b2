package doctor

import (
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// GooglePassword is what Google asks of the passwords of some people or of all.
type GooglePassword struct {
	// Min and Max are characters.
	Min, Max int
	// Expires is after how long a password must be changed; 0 is never.
	Expires time.Duration
}

// DefaultPassword is what holds where nothing is set (cloud.google.com/identity/docs/
// concepts/policy-api-concepts, "Default field values").
func DefaultPassword() GooglePassword {
	return GooglePassword{Min: password.MinLength, Max: password.MaxLength}
}

const (
	day = 24 * time.Hour
	// mostDays is the largest password.Policy.RotateDays.
	mostDays = 365
)

// Passwords holds what Google asks of passwords against how they are generated. There
// is one element of google for each part of the organisation that has something set;
// none means Google's default for all.
func (s Situation) PasswordLines(google []GooglePassword) []Line {
	length := Line{Group: Settings, Check: "google-password-length", Status: Skip, What: "No passwords are generated for this enterprise."}
	expiry := Line{Group: Settings, Check: "google-password-expiration", Status: Skip, What: length.What}
	if s.Passwords == nil {
		return []Line{length, expiry}
	}
	if len(google) == 0 {
		google = []GooglePassword{DefaultPassword()}
	}
	some := ""
	if len(google) > 1 {
		some = " in some part of the organisation"
	}
	s.length(&length, google, some)
	s.expiry(&expiry, google, some)
	return []Line{length, expiry}
}

func (s Situation) length(l *Line, google []GooglePassword, some string) {
	ours := s.Passwords.WithDefaults().Length
	least, most := 0, password.MaxLength
	for _, g := range google {
		least, most = max(least, g.Min), min(most, g.Max)
	}
	switch {
	case ours < least && least > password.MaxLength, least > most:
		l.Status, l.What = Fail, fmt.Sprintf("Google asks for passwords of at least %d and at most %d characters%s, which no one length is.", least, most, some)
		l.Advice, l.Where = "Let Google ask for the same everywhere, and for no more than 100 characters.", AtPasswords
	case ours < least:
		l.Status, l.What = Fail, fmt.Sprintf("Google takes passwords of at least %d characters%s, and Rollcall makes them of %d: Google refuses every one.", least, some, ours)
		l.Advice, l.Where = fmt.Sprintf("Make longer ones: rollcall password policy %s --length %d. Or let Google take shorter ones.", s.Enterprise, least), AtPasswords
	case ours > most:
		l.Status, l.What = Fail, fmt.Sprintf("Google takes passwords of at most %d characters%s, and Rollcall makes them of %d: Google refuses every one.", most, some, ours)
		l.Advice, l.Where = fmt.Sprintf("Make shorter ones: rollcall password policy %s --length %d. Or let Google take longer ones.", s.Enterprise, most), AtPasswords
	default:
		l.Status, l.What = Pass, fmt.Sprintf("Rollcall makes passwords of %d characters, and Google takes %d to %d.", ours, least, most)
	}
}

func (s Situation) expiry(l *Line, google []GooglePassword, some string) {
	var shortest time.Duration
	for _, g := range google {
		if g.Expires > 0 && (shortest == 0 || g.Expires < shortest) {
			shortest = g.Expires
		}
	}
	days := int(shortest / day)
	// The last password of a round is replaced a tenth later than RotateDays, and its
	// device may take a day to come for it.
	latest := s.Passwords.Rotation()*11/10 + password.RotationGrace
	safe := min(int(((shortest-password.RotationGrace)*10/11-1)/day), mostDays)
	change := fmt.Sprintf("Replace them sooner: rollcall password policy %s --rotate-days %d. Or let Google's last longer, or never expire.", s.Enterprise, safe)
	if safe < 1 {
		change = "Let Google's passwords last longer, or never expire: no rotation is quick enough."
	}
	switch {
	case shortest == 0:
		l.Status, l.What = Pass, "Google lets passwords live for ever."
		if n := s.Passwords.RotateDays; n > 0 {
			l.What = fmt.Sprintf("Google lets passwords live for ever, and Rollcall replaces them every %d days.", n)
		}
		return
	case s.Passwords.RotateDays == 0:
		l.Status, l.What = Fail, fmt.Sprintf("Google has passwords expire after %d days%s, and Rollcall never replaces them: mail stops then.", days, some)
	case s.Passwords.Rotation() >= shortest:
		l.Status, l.What = Fail, fmt.Sprintf("Google has passwords expire after %d days%s, and Rollcall replaces them after %d: mail stops in between.", days, some, s.Passwords.RotateDays)
	case latest >= shortest:
		l.Status, l.What = Warn, fmt.Sprintf("Google has passwords expire after %d days%s. Rollcall replaces them after %d, give or take a tenth and the day until a device comes for them, which is too late for some.",
			days, some, s.Passwords.RotateDays)
	default:
		l.Status, l.What = Pass, fmt.Sprintf("Google has passwords expire after %d days%s, and Rollcall replaces them after %d.", days, some, s.Passwords.RotateDays)
		return
	}
	l.Advice, l.Where = change, AtPasswords
}
