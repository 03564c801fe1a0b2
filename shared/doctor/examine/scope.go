package examine

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// scope asks for a token with one scope that acts as the administrator, or where there
// is none for a mailbox. What something needs and could not be tried is a warning: it is
// not known to work.
func (p *patient) scope(s *scope) func(context.Context, check) []doctor.Line {
	return func(ctx context.Context, c check) []doctor.Line {
		subject, untried := p.situation.SubjectFor(s.Scope), doctor.Warn
		if s.Optional {
			untried = doctor.Skip
		}
		switch {
		case subject == "":
			return one(advise(c.line(untried, "The scope %s is needed to %s. It cannot be tried, for no administrator is configured to act as.", s.Scope, s.For),
				"rollcall mail check MAILBOX", "Try it with a mailbox."))
		case doctor.ServiceAccountAddress(subject):
			return one(c.line(doctor.Skip, "The scope %s is needed to %s. It cannot be tried with a service account's address as the administrator.", s.Scope, s.For))
		}
		s.err = p.ask(ctx, subject, s.Scope)
		s.granted = s.err == nil
		add := "Add it to the scopes of the client id " + p.credential.View.ClientID + " (the number, not the address), beside those that are there. A new grant takes minutes, at worst a day."
		switch reason := fault.ReasonOf(s.err); {
		case s.err == nil:
			return one(c.line(doctor.Pass, "The scope %s is granted, to %s.", s.Scope, s.For))
		case reason == google.ReasonSubject:
			l := c.line(doctor.Skip, "The scope %s is needed to %s. It cannot be tried, for nobody can act as %s.", s.Scope, s.For, subject)
			l.Reason = reason
			if subject != p.situation.Subject() { // of whom no other line says so
				l.Status = untried
				l = advise(l, "rollcall mail check MAILBOX", "Try it with another mailbox, and look whether this one is there.")
			}
			return one(l)
		case reason == google.ReasonConfig && s.Optional:
			l := c.line(doctor.Skip, "The scope %s is not granted. Nothing but the doctor needs it, to %s.", s.Scope, s.For)
			l.Reason = reason
			return one(advise(l, doctor.AtDelegation, "To have that done: "+decapitalized(add)))
		case reason == google.ReasonConfig:
			l := c.line(doctor.Fail, "The scope %s is not granted to the service account. It is needed to %s.", s.Scope, s.For)
			l.Reason = reason
			return one(advise(l, doctor.AtDelegation, add))
		default:
			l := c.line(doctor.Fail, "Google could not be asked for the scope %s, which is needed to %s.", s.Scope, s.For)
			if s.Optional {
				l.Status = doctor.Warn
			}
			l.Advice = "Try again in a while."
			return one(p.because(ctx, l, s.err))
		}
	}
}

func decapitalized(s string) string { return string(s[0]-'A'+'a') + s[1:] }

// impersonation returns the refusal to act as the administrator, nil if there was none.
func (p *patient) impersonation() error {
	for _, s := range p.scopes {
		if fault.ReasonOf(s.err) == google.ReasonSubject {
			return s.err
		}
	}
	return nil
}
