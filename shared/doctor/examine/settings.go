package examine

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/cloudidentity"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// settings reads what Google's administrators have set and compares it.
func (p *patient) settings(ctx context.Context, c check) []doctor.Line {
	s := p.find(doctor.ScopePolicies)
	switch {
	case len(p.unread) > 0:
		return one(c.line(doctor.Skip, "Google's own settings are not compared, because what to compare them with could not be read."))
	case s == nil:
		return one(c.line(doctor.Skip, "Google's own settings are not compared, for nothing here depends on them."))
	case !s.granted:
		return one(c.line(doctor.Skip, "Google's own settings are not compared, because the scope for it is not known to be granted."))
	}
	client := cloudidentity.New(cloudidentity.Options{
		Enterprise: p.situation.Enterprise, Token: p.tokens.For(p.situation.Subject(), doctor.ScopePolicies), Caller: p.caller, Endpoint: p.Endpoint,
	})
	policies, err := client.Policies(ctx, cloudidentity.Password, cloudidentity.LessSecureApps, cloudidentity.IMAPAccess)
	l := c.line(doctor.Warn, "Google's own settings could not be read, so they are not compared.")
	switch reason := fault.ReasonOf(err); {
	case err == nil:
		return append(p.situation.PasswordLines(passwords(policies)),
			p.situation.LessSecureApps(lessSecureApps(policies)), p.situation.IMAP(imapAccess(policies), p.credential.View.ClientID))
	case disabled(err):
		l.What, l.Reason = "The Cloud Identity API is not enabled in the service account's project, so Google's own settings are not compared.", reason
		return one(advise(l, doctor.AtLibrary, "Enable the Cloud Identity API (cloudidentity.googleapis.com), and wait some minutes."))
	case reason == google.ReasonForbidden:
		l.What, l.Reason = "Google shows its own settings to super administrators alone, and "+p.situation.Subject()+" is none, so they are not compared.", reason
		return one(advise(l, doctor.AtAdminRoles, "Act as a super administrator, or compare them by hand."))
	}
	return one(p.because(ctx, advise(l, "", "Try again in a while."), err))
}

// passwords returns what Google asks of passwords somewhere. A field that is not set
// has its default.
func passwords(policies []cloudidentity.Policy) []doctor.GooglePassword {
	var out []doctor.GooglePassword
	for _, policy := range cloudidentity.InEffect(policies, cloudidentity.Password) {
		g := doctor.DefaultPassword()
		if n, ok := policy.Value.Int("minimumLength"); ok {
			g.Min = n
		}
		if n, ok := policy.Value.Int("maximumLength"); ok && n > 0 {
			g.Max = n
		}
		g.Expires, _ = policy.Value.Duration("expirationDuration")
		out = append(out, g)
	}
	return out
}

func lessSecureApps(policies []cloudidentity.Policy) []bool {
	var out []bool
	for _, policy := range cloudidentity.InEffect(policies, cloudidentity.LessSecureApps) {
		if b, ok := policy.Value.Bool("allowLessSecureApps"); ok {
			out = append(out, b)
		}
	}
	return out
}

func imapAccess(policies []cloudidentity.Policy) []doctor.GoogleIMAP {
	var out []doctor.GoogleIMAP
	for _, policy := range cloudidentity.InEffect(policies, cloudidentity.IMAPAccess) {
		on, ok := policy.Value.Bool("enableImapAccess")
		if !ok {
			continue
		}
		g := doctor.GoogleIMAP{On: on}
		if r, ok := policy.Value.Object("imapAccessRestriction"); ok {
			any, _ := r.Bool("allowAllMailClients")
			g.Listed = !any
		}
		out = append(out, g)
	}
	return out
}
