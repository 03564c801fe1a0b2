package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	function = "https://emm.example.com/mailtoken"
	sub      = "104512345678901234567"
	email    = "gateway@acme-mail.iam.gserviceaccount.com"
)

// accountClaims are those of a good ID token of a service account.
func (b *bench) accountClaims() map[string]any {
	return map[string]any{
		"iss": b.URL, "aud": function, "sub": sub, "azp": sub, "email": email, "email_verified": true,
		"iat": b.clock().Unix(), "exp": b.clock().Add(time.Hour).Unix(),
	}
}

func (b *bench) account(token string) (oidc.ServiceAccount, error) {
	return b.verifier.ServiceAccount(b.t.Context(), b.URL, function, secret.New(token))
}

func TestServiceAccount_ClaimsOfGoodSignature(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Rotate(jose.RS256)
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	for _, tc := range []struct {
		name, reason string // no reason: it is taken
		change       func(map[string]any)
	}{
		{"good", "", func(map[string]any) {}},
		{"address in capitals", "", func(c map[string]any) { c["email"] = strings.ToUpper(email) }},
		{"another issuer", oidc.ReasonIssuer, func(c map[string]any) { c["iss"] = "https://idp.example.org" }},
		{"no issuer", oidc.ReasonIssuer, func(c map[string]any) { delete(c, "iss") }},
		{"another audience", oidc.ReasonAudience, func(c map[string]any) { c["aud"] = "https://emm.example.com/admin" }},
		{"this and another audience", oidc.ReasonMalformed, func(c map[string]any) { c["aud"] = []string{function, "https://emm.example.com/admin"} }},
		{"no audience", oidc.ReasonAudience, func(c map[string]any) { delete(c, "aud") }},
		{"expired", oidc.ReasonExpired, func(c map[string]any) { c["exp"] = at(-time.Second) }},
		{"no expiry", oidc.ReasonExpired, func(c map[string]any) { delete(c, "exp") }},
		{"from the future", oidc.ReasonTime, func(c map[string]any) { c["iat"] = at(10 * time.Minute) }},
		{"no time of issue", oidc.ReasonTime, func(c map[string]any) { delete(c, "iat") }},
		{"too old", oidc.ReasonTime, func(c map[string]any) { c["iat"] = at(-25 * time.Hour) }},
		{"no sub", oidc.ReasonClaim, func(c map[string]any) { delete(c, "sub") }},
		{"a number for a sub", oidc.ReasonMalformed, func(c map[string]any) { c["sub"] = 7 }},
		{"a person", oidc.ReasonClaim, func(c map[string]any) { c["email"] = "anna@example.com" }},
		{"no address", oidc.ReasonClaim, func(c map[string]any) { delete(c, "email") }},
		{"an address that is not verified", oidc.ReasonUnverified, func(c map[string]any) { c["email_verified"] = false }},
		{"an address that is verified in words", oidc.ReasonUnverified, func(c map[string]any) { c["email_verified"] = "true" }},
		{"nothing is said of the address", oidc.ReasonUnverified, func(c map[string]any) { delete(c, "email_verified") }},
	} {
		c := b.accountClaims()
		tc.change(c)
		got, err := b.account(b.Sign(c))
		if tc.reason == "" && (err != nil || got != (oidc.ServiceAccount{Subject: sub, Email: email})) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		if tc.reason != "" && (fault.KindOf(err) != fault.Unauthorized || fault.ReasonOf(err) != tc.reason || got != (oidc.ServiceAccount{})) {
			t.Errorf("%s: %+v, %v (%s), want %s", tc.name, got, err, fault.ReasonOf(err), tc.reason)
		}
	}
}

// TestServiceAccount_WhatClaimsNothingFetchesNothing: strangers' tokens do not make
// this process call anybody.
func TestServiceAccount_WhatClaimsNothingFetchesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	foreign := b.accountClaims()
	foreign["iss"] = "https://idp.example.org"
	for name, token := range map[string]string{
		"nothing": "", "no token": "a.b.c", "none": oidctest.Unsigned(t, b.accountClaims(), ""),
		"a shared secret": oidctest.SignWith(t, jose.HS256, make([]byte, 32), "key-1", b.accountClaims()),
		"another's":       b.Sign(foreign),
		"the JSON form":   `{"payload":"e30","signatures":[{"protected":"e30","signature":"e30"}]}`,
		"for another":     b.Sign(b.claims()),
	} {
		if _, err := b.account(token); fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := b.Requests(oidctest.Discovery) + b.Requests(oidctest.Keys); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.account(oidctest.SignWith(t, jose.RS256, stranger, "key-1", b.accountClaims())); fault.ReasonOf(err) != oidc.ReasonSignature {
		t.Errorf("a stranger's signature: %v", err)
	}
}

// nowhere is a network that is down.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("down") }

func FuzzServiceAccount(f *testing.F) {
	f.Add("")
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2FjY291bnRzLmdvb2dsZS5jb20iLCJhdWQiOiJ4In0.AAAA")
	v := oidc.New(oidc.Options{Transport: nowhere{}})
	f.Fuzz(func(t *testing.T, token string) {
		a, err := v.ServiceAccount(t.Context(), oidc.GoogleIssuer, function, secret.New(token))
		if k := fault.KindOf(err); a != (oidc.ServiceAccount{}) || k != fault.Unauthorized && k != fault.Transient {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
