// Package proof makes and checks the proof that every device request carries: a
// JWT in the DPoP header, in the form of RFC 9449 section 4.2, signed with the
// device's P-256 key (ES256) over method, URL, time, a nonce and the digest of
// the body. The wire form, with test vectors, is documented in
// functions/PROTOCOL.md.
package proof

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// Header is the request header that holds the proof.
	Header = "DPoP"
	// Type is the proof's "typ".
	Type = "dpop+jwt"
	// Window is how far the proof's time may lie from the server's, either way.
	Window = 5 * time.Minute
	// maxLength bounds a proof; a real one has about 500 characters.
	maxLength = 2048
)

// Claims are a proof's payload.
type Claims struct {
	// ID is the nonce "jti": 16 to 64 characters of [A-Za-z0-9_-], new for every
	// request, from at least 96 bits of randomness.
	ID string `json:"jti"`
	// Method is the request's method, "POST".
	Method string `json:"htm"`
	// URL is the endpoint exactly as the server gave it, without query.
	URL string `json:"htu"`
	// IssuedAt is the device's clock, in seconds since 1970.
	IssuedAt int64 `json:"iat"`
	// BodyDigest is the SHA-256 of the request's body, base64url without padding.
	BodyDigest string `json:"bodyDigest"`
}

// Verified is a proof that holds.
type Verified struct {
	// Key is the public key that signed.
	Key *ecdsa.PublicKey
	// Thumbprint is the key's RFC 7638 thumbprint with SHA-256.
	Thumbprint []byte
	// ID is the nonce.
	ID string
	// IssuedAt is the proof's time by the clock of whoever made it.
	IssuedAt time.Time
	// Until is the first moment at which the proof is refused for its age.
	Until time.Time
}

// Digest returns the BodyDigest of body.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// The reasons of a refusal, for the operator's log only: a caller sees one 401.
const (
	reasonMissing   = "proof-missing"
	reasonMalformed = "proof-malformed"
	reasonKey       = "proof-key"
	reasonSignature = "proof-signature"
	reasonTime      = "proof-time"
	reasonRequest   = "proof-request"
	reasonBody      = "proof-body"
)

func refuse(reason string, cause error) (Verified, error) {
	return Verified{}, &fault.Error{Kind: fault.Unauthorized, Reason: reason, Err: cause}
}

// go-jose would do all of this too, but reads each header twice and every JWK into
// a structure for all kinds of key; on the path that every check-in takes that is
// half as much again as the signature itself.
var parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}),
	jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())

// Verify checks the proof of a request of the given method and URL (the public
// one, as the device was told it) with the given body. Everything that is wrong
// is fault.Unauthorized with a precise reason and no public text. It does no I/O
// and may be called concurrently. Whether the key belongs to a device, and
// whether the proof was used before, is for the caller to say.
func Verify(compact, method, url string, body []byte, now time.Time) (Verified, error) {
	if compact == "" {
		return refuse(reasonMissing, nil)
	}
	if len(compact) > maxLength {
		return refuse(reasonMalformed, nil)
	}
	var c Claims
	var key publicKey
	_, err := parser.ParseWithClaims(compact, &c, func(t *jwt.Token) (any, error) {
		var err error
		key, err = keyOf(t.Header)
		return key.ecdsa, err
	})
	switch {
	case errors.Is(err, errKey):
		return refuse(reasonKey, err)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid) && key.ecdsa != nil:
		return refuse(reasonSignature, err)
	case err != nil:
		return refuse(reasonMalformed, err)
	}
	issued := time.Unix(c.IssuedAt, 0)
	switch {
	case !validID(c.ID):
		return refuse(reasonMalformed, nil)
	case issued.Before(now.Add(-Window)), issued.After(now.Add(Window)):
		return refuse(reasonTime, fmt.Errorf("the device's clock is off by %v, or the proof is old", issued.Sub(now).Round(time.Second)))
	case c.Method != method, c.URL != url:
		return refuse(reasonRequest, fmt.Errorf("the proof is for %.20q %.200q", c.Method, c.URL))
	case c.BodyDigest != Digest(body):
		return refuse(reasonBody, nil)
	}
	return Verified{Key: key.ecdsa, Thumbprint: key.thumbprint(), ID: c.ID, IssuedAt: issued, Until: issued.Add(Window + time.Second)}, nil
}

func validID(s string) bool {
	if len(s) < 16 || len(s) > 64 {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return true
}
