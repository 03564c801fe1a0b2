package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

// GoogleIMAP is how Google lets some people, or all, read mail by IMAP.
type GoogleIMAP struct {
	On bool
	// Listed: only mail clients that the administrator has listed are let in.
	Listed bool
}

// LessSecureApps holds whether Google lets mail clients sign in with passwords against
// the mail settings that have them do so. There is one element for each part of the
// organisation that has it set; none means Google's default, which is that it does not.
func (s Situation) LessSecureApps(allowed []bool) Line {
	l := Line{Group: Settings, Check: "google-less-secure-apps"}
	var by []string
	for _, m := range s.Settings {
		if slices.ContainsFunc(m.Warnings(), func(w mail.Warning) bool { return w.Reason == mail.WarnGoogleClosed }) {
			by = append(by, m.ID)
		}
	}
	switch {
	case len(by) == 0:
		l.Status, l.What = Pass, "No mail setting has a mail client sign in to Google with a password."
		return l
	case !slices.Contains(allowed, true):
		l.Status, l.What = Fail, fmt.Sprintf("%s mail clients sign in with a password, and Google lets none do so (less secure apps are off).", have(by))
	case slices.Contains(allowed, false):
		l.Status, l.What = Fail, fmt.Sprintf("%s mail clients sign in with a password, and Google lets none do so in some part of the organisation (less secure apps are off).", have(by))
	default:
		l.Status, l.What = Warn, fmt.Sprintf("%s mail clients sign in with a password. The organisation allows that, but Google has closed it on most domains since 2024 whatever is set.", have(by))
	}
	l.Advice, l.Where = "Change these settings to OAuth: rollcall setting create says how. If the domain is exempt, allow less secure apps.", AtLessSecureApps
	return l
}

// have begins a sentence on mail settings.
func have(ids []string) string {
	shown := strings.Join(ids[:min(len(ids), 3)], ", ")
	switch n := len(ids); {
	case n == 1:
		return "The mail setting " + shown + " has"
	case n > 3:
		return fmt.Sprintf("The mail settings %s and %d more have", shown, n-3)
	}
	return "The mail settings " + shown + " have"
}

// IMAP holds whether Google lets mail be read by IMAP against the mail settings and
// mail clients that do. None in google means that nothing was told: for this setting
// Google documents no default. client is the service account's client id.
func (s Situation) IMAP(google []GoogleIMAP, client string) Line {
	l := Line{Group: Settings, Check: "google-imap-access"}
	var by []string
	for _, m := range s.Settings {
		if m.Kind == mail.IMAPKind && m.AtGoogle() {
			by = append(by, m.ID)
		}
	}
	full, admin := s.uses(mailclient.Full), s.uses(mailclient.IMAPAdmin)
	some := ""
	if len(google) > 1 {
		some = " in some part of the organisation"
	}
	off := slices.ContainsFunc(google, func(g GoogleIMAP) bool { return !g.On })
	listed := slices.ContainsFunc(google, func(g GoogleIMAP) bool { return g.On && g.Listed })
	switch {
	case len(by) == 0 && !full && !admin:
		l.Status, l.What = Skip, "No mail setting and no mail client reads Google's mail by IMAP."
		return l
	case len(google) == 0:
		l.Status, l.What = Skip, "Google does not say whether mail may be read by IMAP, as long as nobody has set it."
		l.Advice, l.Where = "Look it up, or try a mailbox: rollcall mail check MAILBOX.", AtIMAP
		return l
	case off && len(by) == 0 && !full:
		l.Status, l.What = Warn, "Google has IMAP turned off"+some+". The mail clients have the scope gmail.imap_admin, which sees mail whatever a person's own IMAP settings; Google does not say so of the organisation's."
	case off:
		l.Status, l.What = Fail, "Google has IMAP turned off"+some+", and "+readers(by, full || admin)+" mail by IMAP."
	case listed:
		l.Status, l.What = Warn, "Google lets only certain mail clients in by IMAP"+some+", and "+readers(by, full || admin)+" mail by IMAP."
		l.Advice, l.Where = "Allow any mail client, or see to it that those of the devices are listed.", AtIMAP
		if (full || admin) && client != "" {
			l.Advice = "Allow any mail client, or list the client id " + client + " of the service account, and those of the devices' mail clients."
		}
		return l
	default:
		l.Status, l.What = Pass, "Google lets mail be read by IMAP."
		return l
	}
	l.Advice, l.Where = "Turn IMAP access on for everybody, or for the units whose mail is read.", AtIMAP
	return l
}

// readers says who reads mail by IMAP, with the verb.
func readers(settings []string, clients bool) string {
	switch {
	case len(settings) == 0:
		return "mail clients read"
	case clients:
		return "mail clients and devices read"
	}
	return "devices read"
}
