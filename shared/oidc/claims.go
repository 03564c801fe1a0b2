package oidc

import (
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

const (
	// skew is how far a provider's clock may be ahead of ours.
	skew = 5 * time.Minute
	// longest is how old a token may be, whatever it says of its expiry.
	longest = 24 * time.Hour
	// maxClaim bounds the claim that names the person, in bytes.
	maxClaim = 320
)

// GoogleIssuer is Google's issuer of ID tokens, with whom anybody has an account.
const GoogleIssuer = "https://accounts.google.com"

// claims are those of a token whose signature, issuer, audience and expiry hold.
type claims struct {
	token *gooidc.IDToken
	all   map[string]json.RawMessage
}

func newClaims(t *gooidc.IDToken) (claims, error) {
	c := claims{token: t}
	if err := t.Claims(&c.all); err != nil {
		return c, refusal(ReasonMalformed)
	}
	return c, nil
}

// check holds what go-oidc leaves to its users.
func (c claims) check(conf directory.OIDC, nonce string, now time.Time) error {
	switch {
	case !c.timely(now):
		return refusal(ReasonTime)
	case len(c.token.Audience) > 1 && c.text("azp") != conf.Audience:
		// For several programs: it is ours only if it was made for us (OpenID Connect
		// Core 1.0, section 3.1.3.7). With one audience "azp" may be another: Google
		// names the app on the phone there.
		return refusal(ReasonAudience)
	case nonce == "" || subtle.ConstantTimeCompare([]byte(c.token.Nonce), []byte(nonce)) != 1:
		return refusal(ReasonNonce)
	}
	return nil
}

// timely reports whether the token's times make sense.
func (c claims) timely(now time.Time) bool {
	t := c.token
	return t.IssuedAt.Unix() > 0 && !t.IssuedAt.After(now.Add(skew)) && now.Sub(t.IssuedAt) <= longest &&
		!t.Expiry.Before(t.IssuedAt)
}

// person returns the value of the claim that names the person.
func (c claims) person(conf directory.OIDC) (string, error) {
	name := conf.Claim
	if name == "" {
		name = "sub"
	}
	value := c.text(name)
	if value == "" || len(value) > maxClaim || !utf8.ValidString(value) {
		return "", refusal(ReasonClaim)
	}
	for _, r := range value {
		if unicode.IsControl(r) {
			return "", refusal(ReasonClaim)
		}
	}
	if name == "email" && !c.verified() {
		return "", refusal(ReasonUnverified)
	}
	return value, nil
}

// text returns a claim that is a text, "" for any other.
func (c claims) text(name string) (s string) {
	_ = json.Unmarshal(c.all[name], &s) // another type leaves s empty
	return s
}

// verified reports whether the provider does not say that the address is unverified.
// Some say so with a text (Amazon Cognito); what is neither counts as a no. Of an
// organisation's address Google knows only with "hd" that it is the person's still: an
// account that somebody made with it for themselves was verified once, and outlives the
// mailbox's being given to another.
func (c claims) verified() bool {
	if c.token.Issuer == GoogleIssuer && c.text("hd") == "" {
		return false
	}
	raw, there := c.all["email_verified"]
	return !there || string(raw) == "true" || string(raw) == `"true"`
}

// reason says which of go-oidc's checks a token with a good signature did not pass.
func (n *noting) reason(issuer, audience string) string {
	var t struct {
		Issuer    string          `json:"iss"`
		Audience  any             `json:"aud"`
		NotBefore json.RawMessage `json:"nbf"`
	}
	if json.Unmarshal(n.payload, &t) != nil {
		return ReasonMalformed
	}
	if t.Issuer != issuer {
		return ReasonIssuer
	}
	all, _ := t.Audience.([]any)
	if t.Audience != audience && !slices.Contains(all, any(audience)) {
		return ReasonAudience
	}
	if t.NotBefore != nil {
		return ReasonTime
	}
	return ReasonMalformed // a claim of the wrong type
}
