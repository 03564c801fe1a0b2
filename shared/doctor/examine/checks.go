package examine

import "github.com/rollcall-emm/rollcall/shared/doctor"

// The names of the checks, beside those of scopes and of Google's own settings.
const (
	checkBus         = "bus"
	checkPasswordKey = "password-key"
	checkKey         = "key"
	checkClock       = "clock"
	checkProof       = "proof"
	checkSubject     = "subject"
	checkDirectory   = "directory-api"
	checkPlay        = "play"
	checkLDAP        = "ldap"
	checkIMAP        = "imap-sign-in"
	checkSettings    = "google-settings"
	scopePrefix      = "scope:"
)

// things are the checks that others wait for, within a sentence.
var things = map[string]string{
	checkKey: "the credential, which did not pass", checkProof: "a credential that Google accepts",
}

// checks returns what to look at, in the order in which it is told.
func (p *patient) checks() []check {
	all := []check{
		{group: doctor.Service, name: checkBus, run: p.bus},
		{group: doctor.Service, name: checkPasswordKey, run: p.passwordKey},
		{group: doctor.Credential, name: checkKey, run: p.key},
		{group: doctor.Credential, name: checkClock, with: []string{checkKey}, run: p.clock},
		{group: doctor.Credential, name: checkProof, after: []string{checkKey}, with: []string{checkClock}, run: p.proof},
	}
	proof := []string{checkProof}
	var scopes []string
	for _, s := range p.scopes {
		c := check{group: doctor.Delegation, name: scopePrefix + s.Scope, after: proof, run: p.scope(s)}
		scopes = append(scopes, c.name)
		all = append(all, c)
	}
	return append(all,
		check{group: doctor.Google, name: checkSubject, with: append(scopes, checkProof), run: p.subject},
		check{group: doctor.Google, name: checkDirectory, with: append(scopes, checkProof), run: p.directory},
		check{group: doctor.Play, name: checkPlay, run: p.play},
		check{group: doctor.LDAP, name: checkLDAP, run: p.ldap},
		check{group: doctor.Mail, name: checkIMAP, with: scopes, run: p.imap},
		check{group: doctor.Settings, name: checkSettings, with: scopes, run: p.settings},
	)
}

func one(l doctor.Line) []doctor.Line { return []doctor.Line{l} }

// advise completes a line with what to do where.
func advise(l doctor.Line, where, advice string) doctor.Line {
	l.Advice, l.Where = advice, where
	return l
}
