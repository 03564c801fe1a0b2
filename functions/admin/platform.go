package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Google's issuer of ID tokens, and where its keys are.
const (
	GoogleIssuer  = "https://accounts.google.com"
	GoogleKeysURL = "https://www.googleapis.com/oauth2/v3/certs"
)

// GcloudAudience is the audience of `gcloud auth print-identity-token` for a
// person's account, who cannot choose another. Every service that admits it gets
// tokens of this kind, so a person should print one for trusted services alone.
const GcloudAudience = "32555940559.apps.googleusercontent.com"

// PlatformConfig says whose ID tokens admit an admin.
type PlatformConfig struct {
	// Issuer and KeysURL default to Google's.
	Issuer, KeysURL string
	// Audiences lists the audiences of which a token must have one: the function's
	// URL, GcloudAudience, or both. Required.
	Audiences []string
	// Admins lists the e-mail addresses of the admins; case does not matter.
	// Required.
	Admins []string
	// Client fetches the keys; default one with a timeout of ten seconds.
	Client *http.Client
	Now    func() time.Time
}

// Platform admits admins by ID tokens that the platform's identity provider
// signed, which come as bearer tokens in Authorization.
//
// On Cloud Run the platform checks a token too, before the function runs: it
// prefers the one in X-Serverless-Authorization, and removes the signature of the
// one that it checked. So a caller sends its token in both headers, and the one in
// Authorization arrives whole and is verified here.
type Platform struct {
	audiences []string
	admins    map[string]bool
	verifier  *oidc.IDTokenVerifier
}

// NewPlatform returns a Platform; fault.Invalid names the member of c that is
// wrong. Keys are fetched when the first token comes, kept, and fetched again
// after a failure or when a token names a key that is not known yet.
func NewPlatform(c PlatformConfig) (*Platform, error) {
	p := &Platform{audiences: c.Audiences, admins: map[string]bool{}}
	if len(c.Audiences) == 0 || slices.Contains(c.Audiences, "") {
		return nil, fault.Field("audiences", "give the audiences that admins' ID tokens may have")
	}
	for i, a := range c.Admins {
		if !strings.Contains(a, "@") {
			return nil, fault.Field(fmt.Sprintf("admins[%d]", i), "give the admin's e-mail address")
		}
		p.admins[strings.ToLower(a)] = true
	}
	if len(p.admins) == 0 {
		return nil, fault.Field("admins", "give at least one admin's e-mail address")
	}
	if c.Issuer == "" {
		c.Issuer, c.KeysURL = GoogleIssuer, GoogleKeysURL
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second}
	}
	keys := watchedKeys{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), c.Client), c.KeysURL)}
	// The audience is checked below, because the verifier knows one alone.
	p.verifier = oidc.NewVerifier(c.Issuer, keys, &oidc.Config{SkipClientIDCheck: true, Now: c.Now})
	return p, nil
}

// Authenticate implements Authenticator; who is the admin's e-mail address in
// lower case.
func (p *Platform) Authenticate(r *http.Request) (string, error) {
	token, ok := bearer(r)
	if !ok {
		return "", fault.New(fault.Unauthorized, "id-token-missing", "")
	}
	var fetch error
	ctx := context.WithValue(r.Context(), fetchKey{}, &fetch)
	t, err := p.verifier.Verify(ctx, token.Reveal())
	if fetch != nil {
		return "", fault.Wrap(fetch, fault.Transient, "id-token-keys",
			"the identity provider's keys could not be fetched; try again").After(5 * time.Second)
	}
	if err != nil {
		return "", fault.Wrap(err, fault.Unauthorized, "id-token", "")
	}
	if !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(p.audiences, a) }) {
		return "", fault.New(fault.Unauthorized, "id-token-audience", "")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := t.Claims(&claims); err != nil || claims.Email == "" || !claims.Verified {
		return "", fault.Wrap(err, fault.Unauthorized, "id-token-email", "")
	}
	email := strings.ToLower(claims.Email)
	if !p.admins[email] {
		return "", fault.New(fault.Denied, "not-an-admin",
			"%s is not an admin of this Rollcall; ask its operator to add the address to the list of admins", email)
	}
	return email, nil
}

type fetchKey struct{}

// watchedKeys notes when keys could not be fetched, which is nobody's forgery: the
// verifier flattens that failure into text.
type watchedKeys struct{ next *oidc.RemoteKeySet }

// VerifySignature implements oidc.KeySet.
func (k watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.next.VerifySignature(ctx, jwt)
	// Only a failed fetch wraps a cause; a bad signature is an error of its own.
	if cause := errors.Unwrap(err); cause != nil {
		if fetch, ok := ctx.Value(fetchKey{}).(*error); ok {
			*fetch = cause
		}
	}
	return payload, err
}
