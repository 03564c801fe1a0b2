package enroll

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// Passwords checks passwords of an organisation's directory; *ldap.Client is one.
type Passwords interface {
	// Authenticate returns the person with the login if the password is theirs, and
	// fault.Unauthorized, after the same work, if not or if there is nobody.
	Authenticate(ctx context.Context, login string, password secret.Value) (person.Entry, error)
}

// IDTokens verifies ID tokens; *oidc.Verifier does.
type IDTokens interface {
	// Verify returns the value of the claim that names the person, and
	// fault.Unauthorized for a token that is not good, or not of this nonce.
	Verify(ctx context.Context, provider directory.OIDC, token secret.Value, nonce string) (string, error)
}

const (
	// budget bounds a call with a person's own credentials: as long as an agent waits.
	budget = 30 * time.Second
	// patience bounds how long of it a directory or an identity provider is waited for.
	patience = 15 * time.Second
	// restAfterOutage is what a device is told to wait when they cannot be asked.
	restAfterOutage = 30 * time.Second
)

// bySignIn checks a person's own credentials.
func (s *Registrar) bySignIn(ctx context.Context, c call, by device.Credentials) (admission, error) {
	a := admission{by: by}
	cfg, err := s.Directory(ctx, c.request.Enterprise)
	if fault.KindOf(err) == fault.NotFound {
		return a, enrollment.Refusal(signin.ReasonOff)
	}
	if err != nil {
		return a, err
	}
	a.enterprise.ID = cfg.Enterprise
	if !takes(cfg, by) {
		return a, enrollment.Refusal(signin.ReasonOff)
	}
	ent, err := enterprise.Required(s.Enterprise(ctx, cfg.Enterprise))
	if err != nil {
		return a, err
	}
	a.enterprise, a.labels = ent, cfg.SignIn.Labels
	a.allowed = func(p person.Person) error { return signin.SignsIn(cfg.Mode, p) }
	if ent.State == enterprise.Gone {
		return a, enrollment.Refusal(account.ReasonEnterpriseMissing)
	}
	address := signin.AddressID(s.IdentifierKey, ent.ID, c.address)
	if err := s.notLocked(ctx, address); err != nil {
		return a, err
	}
	a.address = address
	if by == device.ByPassword {
		err = s.checkPassword(ctx, c, cfg, &a)
	} else {
		err = s.checkIDToken(ctx, c, cfg, &a)
	}
	return a, err
}

// takes reports whether the enterprise takes credentials of this kind.
func takes(cfg directory.Config, by device.Credentials) bool {
	if cfg.SignIn == nil {
		return false
	}
	if by == device.ByPassword {
		return cfg.SignIn.LDAP && cfg.LDAP != nil && cfg.Mode.UsesLDAP()
	}
	return cfg.SignIn.OIDC != nil
}

// checkPassword asks the directory. Only a login of somebody who may enrol is asked
// for: for all others one that nobody has is, with the same work, so that neither the
// answer nor its time tells whether their password is right.
func (s *Registrar) checkPassword(ctx context.Context, c call, cfg directory.Config, a *admission) error {
	given := c.request.SignIn
	login := signin.Login(given.Username)
	people, err := s.People(ctx, cfg.Enterprise, directory.MatchLogin, login)
	if err != nil {
		return err
	}
	a.login = signin.LoginID(s.IdentifierKey, cfg.Enterprise, login)
	if err := s.take(ctx, a.login); err != nil {
		return err
	}
	asked, barred := "", error(enrollment.Refusal(signin.ReasonUnknown))
	for _, p := range people {
		if !signin.Has(directory.MatchLogin, login, p) {
			continue
		}
		a.person, asked = p.ID, p.Entry.Login
		if barred = a.allowed(p); barred == nil {
			break
		}
	}
	if barred != nil {
		asked = signin.Nobody(s.IdentifierKey, cfg.Enterprise, login)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	entry, err := s.Passwords(cfg).Authenticate(waiting, asked, given.Password.Value)
	switch {
	case fault.KindOf(err) == fault.Unauthorized && barred != nil:
		return barred
	case fault.KindOf(err) == fault.Unauthorized:
		return enrollment.Refusal(fault.ReasonOf(err))
	case err != nil:
		s.giveBack(ctx, a.login)
		return unavailable(err)
	case barred != nil:
		return barred
	case entry.ID == "":
		return enrollment.Refusal(signin.ReasonUnknown)
	}
	a.person = entry.ID
	if entry.Enabled == person.No {
		return enrollment.Refusal(signin.ReasonWithdrawn)
	}
	return nil
}

// checkIDToken verifies the token and finds whom it names.
func (s *Registrar) checkIDToken(ctx context.Context, c call, cfg directory.Config, a *admission) error {
	provider := *cfg.SignIn.OIDC
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	nonce := protocol.SignInNonce(cfg.Enterprise, c.proof.Thumbprint)
	value, err := s.IDTokens.Verify(waiting, provider, c.request.IDToken.Value, nonce)
	if fault.KindOf(err) == fault.Unauthorized {
		return err
	}
	if err != nil {
		return unavailable(err)
	}
	people, err := s.People(ctx, cfg.Enterprise, provider.Match, value)
	if err != nil {
		return err
	}
	p, err := signin.One(provider.Match, value, people)
	a.person = p.ID
	if err != nil {
		return err
	}
	// The row that the transaction reads must still be the one that the claim names.
	allowed := a.allowed
	a.allowed = func(p person.Person) error {
		if !signin.Has(provider.Match, value, p) {
			return enrollment.Refusal(signin.ReasonUnknown)
		}
		return allowed(p)
	}
	return nil
}

// unavailable is the answer when nobody can be asked, whatever the cause: what an
// operator must do about it stands in the log and is no stranger's business.
func unavailable(err error) error {
	rest := restAfterOutage
	if e := fault.As(err); e != nil {
		rest = max(rest, e.RetryAfter)
	}
	return fault.Wrap(err, fault.Transient, signin.ReasonUnavailable,
		"The organisation's sign-in cannot be asked now; try again later.").After(rest)
}
