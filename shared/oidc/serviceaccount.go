package oidc

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// ServiceAccount is a Google service account that proved itself with an ID token.
type ServiceAccount struct {
	// Subject is the account's unique id, which is never given again.
	Subject string
	Email   string
}

// ServiceAccount verifies an ID token of a Google service account that was made for
// audience, by Google's issuer or, in tests, another ("Get an ID token" in the
// documentation of Google Cloud; such tokens have no nonce). Its errors are those of
// Verify. A token that does not even say that it is of the issuer and for the audience
// is refused before anything is fetched.
func (v *Verifier) ServiceAccount(ctx context.Context, issuer, audience string, token secret.Value) (ServiceAccount, error) {
	if err := claimed(issuer, audience, token.Reveal()); err != nil {
		return ServiceAccount{}, err
	}
	p, err := v.provider(ctx, issuer)
	if err != nil {
		return ServiceAccount{}, err
	}
	now := v.opt.Now()
	c, err := p.verify(ctx, directory.OIDC{Issuer: issuer, Audience: audience}, token.Reveal(), now)
	if err != nil {
		return ServiceAccount{}, err
	}
	return c.serviceAccount(now)
}

// claimed refuses what does not say the right things of itself, whoever signed.
func claimed(issuer, audience, token string) error {
	algs := make([]jose.SignatureAlgorithm, len(signing))
	for i, a := range signing {
		algs[i] = jose.SignatureAlgorithm(a)
	}
	jws, err := jose.ParseSignedCompact(token, algs)
	if err != nil {
		return refusal(ReasonMalformed)
	}
	var says struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
	}
	switch err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &says); {
	case err != nil:
		return refusal(ReasonMalformed)
	case says.Issuer != issuer:
		return refusal(ReasonIssuer)
	case says.Audience != audience:
		return refusal(ReasonAudience)
	}
	return nil
}

// serviceAccount returns whose token it is. A person's token is refused: it is handed
// to every program that the person signs in to.
func (c claims) serviceAccount(now time.Time) (ServiceAccount, error) {
	a := ServiceAccount{Subject: c.text("sub"), Email: strings.ToLower(c.text("email"))}
	switch {
	case !c.timely(now):
		return ServiceAccount{}, refusal(ReasonTime)
	case string(c.all["email_verified"]) != "true":
		return ServiceAccount{}, refusal(ReasonUnverified)
	case a.Subject == "" || len(a.Subject) > maxClaim, !strings.HasSuffix(a.Email, ".gserviceaccount.com"):
		return ServiceAccount{}, refusal(ReasonClaim)
	}
	return a, nil
}
