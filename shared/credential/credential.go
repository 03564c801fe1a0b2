// Package credential is what proves an enterprise to Google: a service account's
// key file, a legacy P12 brought into the same form, or a service account that
// signs without a key file (invariants K1 and K4).
//
// Everything is checked before it is stored, and no error quotes what was given:
// a private key in the wrong place of a file is a private key still (invariant
// E3). This package does no I/O; package google gets tokens with a Credential.
package credential

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Kind says how a credential signs.
type Kind string

// The kinds of credential.
const (
	// Key signs with a private key that we keep.
	Key Kind = "key"
	// Keyless lets Google sign (IAM Credentials, signJwt): there is no key to keep.
	Keyless Kind = "keyless"
)

// View is what may be seen of a credential, and what a person compares with
// Google's console. It holds no secret.
type View struct {
	Kind Kind `json:"kind"`
	// ClientID is the number that domain-wide delegation is granted to.
	ClientID    string `json:"clientId"`
	ClientEmail string `json:"clientEmail"`
	// KeyID is the id by which Google's console lists the key; empty for a keyless
	// credential, and for a P12, which does not tell.
	KeyID string `json:"keyId,omitempty"`
	// Fingerprint is the SHA-256 of the public key (DER of SubjectPublicKeyInfo) in
	// lower-case hexadecimal; empty for a keyless credential.
	Fingerprint string `json:"fingerprint,omitempty"`
	// TokenURI is the token endpoint that assertions are made for and sent to.
	TokenURI string `json:"tokenUri"`
}

// Credential is a service account's checked credential. It is immutable, may be
// used concurrently, and shows its View alone where it is printed or marshalled.
type Credential struct {
	View View

	stored secret.Value
	// A function, because printers read the fields of a key by reflection.
	key func() *rsa.PrivateKey
}

// Format writes the View, whatever the verb and flags.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%+v", c.View) }

// LogValue returns the View.
func (c Credential) LogValue() slog.Value { return slog.AnyValue(c.View) }

// Stored returns what to keep in the secret store; Read takes it back.
func (c Credential) Stored() secret.Value { return c.stored }

// PrivateKey returns the key that signs, which nobody may change; nil where the
// credential is keyless.
func (c Credential) PrivateKey() *rsa.PrivateKey {
	if c.key == nil {
		return nil
	}
	return c.key()
}

// Options adjusts what is accepted; the zero value is for production.
type Options struct {
	// AnyTokenURI accepts a token endpoint that is not Google's: for development
	// against a simulator, never in production.
	AnyTokenURI bool
}

// Fingerprint returns the SHA-256 of a public key as View shows it, for callers
// that compare with a certificate of Google's.
func Fingerprint(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
