package proof

import (
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// UnmarshalJSON reads claims strictly: unknown members, duplicates and names in
// another case are errors.
func (c *Claims) UnmarshalJSON(b []byte) error {
	type plain Claims
	return json.Unmarshal(b, (*plain)(c), json.RejectUnknownMembers(true))
}

// The registered claims that jwt asks for; Verify checks the proof's own.

// GetExpirationTime returns nil; a proof's age is counted from IssuedAt.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuedAt returns nil; Verify checks IssuedAt itself.
func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return nil, nil }

// GetNotBefore returns nil; a proof has none.
func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer returns ""; the key says who signed.
func (c *Claims) GetIssuer() (string, error) { return "", nil }

// GetSubject returns ""; the key says who signed.
func (c *Claims) GetSubject() (string, error) { return "", nil }

// GetAudience returns nil; URL says whom the proof is for.
func (c *Claims) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }
