package googletest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// The refusals that Google documents ("Using OAuth 2.0 for Server to Server
// Applications", error codes), in its words.
const (
	badTimes = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
		"Check your iat and exp values in the JWT claim."
	badSignature = "Invalid JWT Signature."
	noVerifier   = "Invalid JWT: No valid verifier found for issuer."
	badAudience  = "Invalid JWT: Failed audience check."
	noDelegation = "Client is unauthorized to retrieve access tokens using this method, " +
		"or client not authorized for any of the scopes requested."
	notGranted = "Requested client not authorized."
	badScope   = "Invalid OAuth scope or ID token audience provided."
	badSubject = "Invalid email or User ID"
	badSubForm = "Invalid impersonation &quot;sub&quot; field."
)

// maxAssertion is the longest life that Google accepts, 5 min over the documented
// hour.
const maxAssertion = 65 * time.Minute

// refusal is an answer of RFC 6749, section 5.2.
type refusal struct {
	status      int
	code        string
	description string
}

func refuse(code, description string) *refusal {
	return &refusal{http.StatusBadRequest, code, description}
}

// claims are those of Google's service account assertions.
type claims struct {
	Issuer   string `json:"iss"`
	Scope    string `json:"scope"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Subject  string `json:"sub"`
	// Principal is the old name of sub.
	Principal string `json:"prn"`
}

// decodeAssertion parses a compact JWT of RS256 without verifying it.
func decodeAssertion(s string) (*jose.JSONWebSignature, claims, error) {
	var c claims
	if strings.Count(s, ".") != 2 {
		return nil, c, errors.New("not a compact JWT")
	}
	jws, err := jose.ParseSignedCompact(s, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, c, err
	}
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &c); err != nil {
		return nil, c, err
	}
	if c.Subject == "" {
		c.Subject = c.Principal
	}
	return jws, c, nil
}

// exchange decides on one request in the order in which Google does: who signed,
// then when, then for what, then on whose behalf.
func (t *TokenEndpoint) exchange(grantType, assertion, audience string) (Grant, *refusal) {
	if grantType != jwtBearer {
		return Grant{}, refuse("unsupported_grant_type", "Invalid grant_type: "+grantType)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, assertion)
	jws, c, err := decodeAssertion(assertion)
	if err != nil {
		return Grant{}, refuse("invalid_grant", badSignature)
	}
	account := t.accounts[c.Issuer]
	if account == nil {
		return Grant{}, refuse("invalid_grant", noVerifier)
	}
	if account.state == AccountDeleted {
		return Grant{}, &refusal{http.StatusUnauthorized, "deleted_client", "The OAuth client was deleted."}
	}
	if account.state == AccountDisabled {
		return Grant{}, &refusal{http.StatusUnauthorized, "disabled_client", "The OAuth client was disabled."}
	}
	if !account.verifies(jws) {
		return Grant{}, refuse("invalid_grant", badSignature)
	}
	now := t.opt.Now()
	iat, exp := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	if exp.Before(iat) || exp.Sub(iat) > maxAssertion || !now.Before(exp) || iat.After(now.Add(t.opt.Skew)) {
		return Grant{}, refuse("invalid_grant", badTimes)
	}
	if c.Audience != audience {
		return Grant{}, refuse("invalid_grant", badAudience)
	}
	scopes := strings.Fields(c.Scope)
	if len(scopes) == 0 || slices.ContainsFunc(scopes, unknownScope) {
		return Grant{}, refuse("invalid_scope", badScope)
	}
	if r := t.impersonate(account, c.Subject, scopes); r != nil {
		return Grant{}, r
	}
	return Grant{Account: c.Issuer, Subject: c.Subject, Scopes: scopes, Expires: now.Add(t.opt.Lifetime)}, nil
}

func unknownScope(s string) bool {
	return strings.Contains(s, ",") ||
		(!strings.HasPrefix(s, "https://www.googleapis.com/auth/") && s != "https://mail.google.com/")
}

// impersonate holds subject and scopes against the table of domain-wide
// delegation.
func (t *TokenEndpoint) impersonate(account *registered, subject string, scopes []string) *refusal {
	if subject == "" {
		return nil
	}
	if !strings.Contains(subject, "@") {
		return refuse("invalid_request", badSubForm)
	}
	granted := 0
	for _, s := range scopes {
		if account.delegated[s] {
			granted++
		}
	}
	switch {
	case granted == 0:
		return &refusal{http.StatusUnauthorized, "unauthorized_client", noDelegation}
	case granted < len(scopes):
		return &refusal{t.opt.AccessDeniedStatus, "access_denied", notGranted}
	case t.subjects[strings.ToLower(subject)] != SubjectActive:
		return refuse("invalid_grant", badSubject)
	default:
		return nil
	}
}
