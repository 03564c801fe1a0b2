package examine

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

// imap signs in to the administrator's own mailbox, or where there is none to one of a
// mail client's list, with the lesser scope for mail that is granted.
func (p *patient) imap(ctx context.Context, c check) []doctor.Line {
	const try = "rollcall mail check MAILBOX"
	var needed, granted *scope
	for _, m := range []mailclient.Scope{mailclient.Full, mailclient.IMAPAdmin} {
		if s := p.find(m.URL()); s != nil {
			needed = s
			if s.granted {
				granted = s
			}
		}
	}
	switch {
	case needed == nil:
		return one(c.line(doctor.Skip, "No mail client gets tokens, so no mailbox is opened."))
	case granted == nil:
		return one(c.line(doctor.Skip, "Not looked at, because no scope for mail is known to be granted."))
	case p.SignIn == nil:
		return one(advise(c.line(doctor.Skip, "No mailbox is opened here."), try, "Try one."))
	}
	who := p.situation.SubjectFor(granted.Scope)
	token, err := p.tokens.Token(ctx, who, google.NewScopes(granted.Scope))
	if err == nil {
		err = p.SignIn(ctx, who, token.Value)
	}
	if err == nil {
		return one(c.line(doctor.Pass, "Google lets the mailbox of %s be opened by IMAP.", who))
	}
	l := advise(c.line(doctor.Fail, "Signing in to the mailbox of %s by IMAP failed.", who), try, "Try again, with another mailbox too.")
	if reason := fault.ReasonOf(err); who == p.situation.Subject() && (reason == imap.ReasonToken || reason == imap.ReasonOff) {
		// An administrator need not have a mailbox.
		l.Status, l.Advice = doctor.Warn, "If the administrator has no mailbox, or has IMAP off, try somebody else's."
	}
	return one(p.because(ctx, l, err))
}
