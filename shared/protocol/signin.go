package protocol

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Secret is a secret of a request. Reading JSON fills it; writing JSON, printing and
// logging show secret.Redacted.
type Secret struct{ secret.Value }

// NewSecret returns a Secret that holds v.
func NewSecret(v secret.Value) *Secret { return &Secret{v} }

// UnmarshalJSON takes a JSON string. Its error holds nothing of the content.
func (s *Secret) UnmarshalJSON(raw []byte) error {
	text, ok := stringOf(raw)
	if !ok {
		return errors.New("a secret is a JSON string")
	}
	s.Value = secret.New(text)
	return nil
}

// Reveal returns the request as it is sent, with its secrets.
func (r *EnrollRequest) Reveal() ([]byte, error) {
	type signIn struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	plain := struct {
		EnrollmentToken string          `json:"enrollmentToken,omitempty"`
		Enterprise      string          `json:"enterprise,omitempty"`
		SignIn          *signIn         `json:"signIn,omitempty"`
		IDToken         string          `json:"idToken,omitempty"`
		EncryptionKey   json.RawMessage `json:"encryptionKey"`
		Device          DeviceInfo      `json:"device"`
	}{EnrollmentToken: r.EnrollmentToken, Enterprise: r.Enterprise, EncryptionKey: r.EncryptionKey, Device: r.Device}
	if r.IDToken != nil {
		plain.IDToken = r.IDToken.Reveal()
	}
	if r.SignIn != nil {
		plain.SignIn = &signIn{r.SignIn.Username, r.SignIn.Password.Reveal()}
	}
	return json.Marshal(plain)
}

// SignInNonce returns the nonce that the ID token must have with which the device of
// the given signing key enrols in an enterprise: 43 characters of base64url. It binds
// the token to the key, so that a token that was made for another device, or for
// another program, admits nobody, and no server needs to remember nonces. thumbprint
// is the key's RFC 7638 thumbprint with SHA-256.
func SignInNonce(enterprise string, thumbprint []byte) string {
	text := "rollcall enrollment nonce v1\x00" + enterprise + "\x00" + base64.RawURLEncoding.EncodeToString(thumbprint)
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const maxIDToken = 16384

var compactPattern = pattern.New(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// checkCredentials holds that there is exactly one kind of credentials, and that it
// has its form. No text repeats what was given.
func (r *EnrollRequest) checkCredentials() error {
	hasIDToken := r.IDToken != nil
	switch {
	case r.EnrollmentToken != "":
		switch {
		case r.Enterprise != "":
			return fault.Field("enterprise", "an enrollment token names its enterprise; leave this out")
		case r.SignIn != nil:
			return fault.Field("signIn", "give an enrollment token or a sign-in, not both")
		case hasIDToken:
			return fault.Field("idToken", "give an enrollment token or an ID token, not both")
		case !tokenPattern.MatchString(r.EnrollmentToken):
			return fault.Field("enrollmentToken", "give the enrollment token as it was made, 20 to 100 characters")
		}
		return nil
	case r.SignIn == nil && !hasIDToken && r.Enterprise == "":
		return fault.Field("enrollmentToken", "give an enrollment token, 20 to 100 characters, or an enterprise with signIn or idToken")
	case r.SignIn == nil && !hasIDToken:
		return fault.Field("signIn", "give signIn or idToken with the enterprise")
	case r.SignIn != nil && hasIDToken:
		return fault.Field("idToken", "give a sign-in or an ID token, not both")
	case !enterprisePattern.MatchString(r.Enterprise):
		return fault.Field("enterprise", "give the enterprise's id, 2 to 40 of a-z, 0-9 and '-', beginning with a letter")
	case r.SignIn != nil:
		return r.SignIn.validate()
	case len(r.IDToken.Reveal()) > maxIDToken || !compactPattern.MatchString(r.IDToken.Reveal()):
		return fault.Field("idToken", "give the ID token in compact form, at most %d characters", maxIDToken)
	}
	return nil
}

func (s *SignIn) validate() error {
	if err := text("signIn.username", s.Username, 1, 128); err != nil {
		return err
	}
	return text("signIn.password", s.Password.Reveal(), 1, 256)
}
