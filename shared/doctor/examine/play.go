package examine

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// play asks whether the enterprise is bound.
func (p *patient) play(ctx context.Context, c check) []doctor.Line {
	e := p.enterprise
	if e.ID == "" {
		return one(c.line(doctor.Skip, "Not looked at, because the enterprise's record could not be read."))
	}
	if p.Play == nil {
		return one(p.playRecord(c))
	}
	err := p.Play(ctx, e.Play)
	switch reason := fault.ReasonOf(err); {
	case err == nil && e.State == enterprise.Gone:
		return one(advise(c.line(doctor.Warn, "Google binds the enterprise %s, which is recorded as gone here.", e.Play), "rollcall enterprise verify", "Have it verified."))
	case err == nil:
		return one(c.line(doctor.Pass, "Google binds the enterprise %s to this service.", e.Play))
	case reason == account.ReasonEnterpriseMissing:
		l := c.line(doctor.Fail, "Google has no enterprise %s, or no longer binds it to this service.", e.Play)
		l.Reason = reason
		return one(advise(l, "Google Play console for organisations (play.google.com/work): Admin settings",
			"Look whether the organisation has left this service, and whether the Play key is that of the service account with which it signed up."))
	case fault.KindOf(err) == fault.NotFound, reason == google.ReasonKey:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "Google Play cannot be asked, and no accounts can be made: its credential does not work."), "infra/README.md",
			"Put the key of the service account that signed the enterprise up into the secret play-key."), err))
	case disabled(err):
		l := c.line(doctor.Fail, "The Play EMM API is not enabled in its service account's project.")
		l.Reason = reason
		return one(advise(l, doctor.AtLibrary, "Enable the Google Play EMM API (androidenterprise.googleapis.com), and wait some minutes."))
	}
	return one(p.because(ctx, advise(c.line(doctor.Fail, "Google could not be asked for the enterprise %s.", e.Play), "", "Try again in a while."), err))
}

// playRecord tells what is recorded.
func (p *patient) playRecord(c check) doctor.Line {
	switch e := p.enterprise; e.State {
	case enterprise.Bound:
		return c.line(doctor.Pass, "The enterprise %s was bound when Google was last asked.", e.Play)
	case enterprise.Gone:
		return advise(c.line(doctor.Fail, "Google had no enterprise %s when it was last asked, or no longer bound it to this service.", e.Play), "rollcall enterprise verify", "Have it verified.")
	}
	return advise(c.line(doctor.Warn, "Google has not been asked for the enterprise %s yet.", p.enterprise.Play), "rollcall enterprise verify", "Have it verified.")
}
