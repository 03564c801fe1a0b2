package examine

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// atImport is how a credential comes here.
const atImport = "rollcall credential import FILE"

// key reads the credential and checks its form.
func (p *patient) key(ctx context.Context, c check) []doctor.Line {
	raw, _, err := p.Secrets.Newest(ctx, directory.KeySecret(p.situation.Enterprise))
	switch {
	case fault.KindOf(err) == fault.NotFound && len(p.scopes) == 0 && len(p.unread) == 0:
		return one(c.line(doctor.Skip, "No service account's credential is stored, and nothing here needs one."))
	case fault.KindOf(err) == fault.NotFound:
		return one(advise(c.line(doctor.Fail, "No service account's credential is stored for this enterprise."), atImport,
			"Import the service account's key, or import it as keyless."))
	case err != nil:
		return one(p.because(ctx, advise(c.line(doctor.Fail, "The service account's credential cannot be read."), doctor.AtMachine,
			"Look whether the secret store is up and whether the function admin may read it."), err))
	}
	p.credential, err = credential.Read(raw, credential.Options{AnyTokenURI: p.Endpoint != ""})
	if err != nil {
		return one(p.because(ctx, advise(c.line(doctor.Fail, "What is stored as the service account's credential cannot be used."), atImport, "Import it again."), err))
	}
	v := p.credential.View
	if v.Kind == credential.Keyless {
		return one(c.line(doctor.Pass, "The service account is %s, client id %s, without a key: Google signs for it.", v.ClientEmail, v.ClientID))
	}
	return one(c.line(doctor.Pass, "The service account is %s, client id %s, with the key %s (SHA-256 %s).",
		v.ClientEmail, v.ClientID, cmp.Or(v.KeyID, "of a P12 file"), v.Fingerprint))
}

// clock compares this machine's clock with the Date of an answer of the token
// endpoint, whatever else that says.
func (p *patient) clock(ctx context.Context, c check) []doctor.Line {
	// The credential's own endpoint has been checked; without one it is Google's.
	uri := cmp.Or(p.credential.View.TokenURI, credential.TokenURI)
	if p.credential.View.TokenURI == "" && p.Endpoint != "" {
		uri = strings.TrimSuffix(p.Endpoint, "/") + "/token"
	}
	ctx, cancel := context.WithTimeout(ctx, p.limit/4)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return one(p.unknownTime(ctx, c, err))
	}
	base := p.Base
	if base == nil {
		base = http.DefaultTransport
	}
	before := p.Examiner.clock()
	resp, err := base.RoundTrip(req)
	if err != nil {
		return one(p.unknownTime(ctx, c, google.Classify(err)))
	}
	_ = resp.Body.Close()
	after := p.Examiner.clock()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return one(p.unknownTime(ctx, c, fault.New(fault.Transient, google.ReasonBackend, "Its answer has no date.")))
	}
	// The answer was made about halfway, within the second that it tells.
	ours := before.Add(after.Sub(before) / 2)
	l := doctor.Clock(ours.Sub(date.Add(time.Second / 2)))
	p.clockOff = l.Status == doctor.Fail
	return one(l)
}

func (p *patient) unknownTime(ctx context.Context, c check, err error) doctor.Line {
	return p.because(ctx, advise(c.line(doctor.Fail, "Google's token endpoint was not reached, so neither the time nor anything else can be had from it."), doctor.AtMachine,
		"Look at the way to the internet: names, routes, a proxy or a firewall. The host is oauth2.googleapis.com, port 443."), err)
}

// proof has Google accept the credential: a token for the service account itself
// needs nothing but that.
func (p *patient) proof(ctx context.Context, c check) []doctor.Line {
	scope := doctor.ScopeReadUsers
	if len(p.scopes) > 0 {
		scope = p.scopes[0].Scope
	}
	err := p.ask(ctx, "", scope)
	if err == nil {
		return one(c.line(doctor.Pass, "Google accepts the credential."))
	}
	l := c.line(doctor.Fail, "Google does not accept the credential.")
	switch reason := fault.ReasonOf(err); {
	case reason == google.ReasonKey && p.clockOff:
		l = advise(l, doctor.AtMachine, "Set the clock right first.")
	case reason == google.ReasonKey, reason == google.ReasonSubject, reason == google.ReasonInvalid, reason == google.ReasonRefused:
		l = advise(l, doctor.AtServiceAccounts, "Look whether "+p.credential.View.ClientEmail+" and its key are there and enabled. If not, make a new key and take it into use: rollcall credential rotate FILE.")
	case reason == google.ReasonIdentity:
		l = advise(l, doctor.AtMachine, "Run the functions as a service account, or import a key instead of the keyless credential.")
	default:
		l.What = "Google could not be asked to accept the credential."
		l.Advice = "Try again in a while."
	}
	return one(p.because(ctx, l, err))
}

// ask gets a token to see whether there is one.
func (p *patient) ask(ctx context.Context, subject, scope string) error {
	return p.caller.Do(ctx, p.situation.Enterprise, "oauth2.token", true, func(ctx context.Context) error {
		_, err := p.tokens.Token(ctx, subject, google.NewScopes(scope))
		return err
	})
}
