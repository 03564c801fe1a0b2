// Package enrollment holds the tokens with which new devices enter an
// enterprise, and the rules of their use.
package enrollment

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Token admits devices to an enterprise. The secret itself is not stored: ID is
// made from it by a one-way hash.
type Token struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	// Person is the directory id of the person whose devices enrol with it;
	// empty for dedicated devices, which are their own subject.
	Person string `json:"person,omitempty"`
	// Uses is how many devices may enrol, 1 to 100000; 0 is any number.
	Uses int `json:"uses"`
	// AccountType overrides the enterprise's policy; may be empty.
	AccountType account.Type `json:"accountType,omitempty"`
	Labels      []string     `json:"labels,omitempty"`
	// Note is the admin's own words, at most 120 characters.
	Note      string    `json:"note,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy"`
	ExpiresAt time.Time `json:"expiresAt"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
	// Exhausted is set once a device was refused because every use was taken.
	Exhausted bool `json:"exhausted,omitzero"`
}

// MaxLife is the longest life of a token.
const MaxLife = 365 * 24 * time.Hour

const prefix = "rc1_"

// NewSecret makes the secret of a token from 32 bytes of random: "rc1_" and 43
// characters of base64url.
func NewSecret(random io.Reader) (secret.Value, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return secret.Value{}, fmt.Errorf("read randomness: %w", err)
	}
	return secret.New(prefix + base64.RawURLEncoding.EncodeToString(b[:])), nil
}

// ID returns the id under which the token of a secret is stored: 26 characters
// of [a-z2-7].
func ID(s secret.Value) string {
	sum := sha256.Sum256(append([]byte("rollcall enrollment v1\x00"), s.Bytes()...))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:26]
}

// Validate returns fault.Invalid naming the first field that is wrong.
func (t Token) Validate(now time.Time) error {
	switch {
	case len(t.Person) > 128 || strings.ContainsFunc(t.Person, func(r rune) bool { return r < 0x21 || r > 0x7e }):
		return fault.Field("person", "give the directory id of the person: at most 128 printable ASCII characters, no spaces")
	case strings.Contains(t.Person, "@"):
		return fault.Field("person", "give the person's immutable directory id (entryUUID, objectGUID or Google's id), not an e-mail address")
	case t.Uses < 0 || t.Uses > 100_000:
		return fault.Field("uses", "give 1 to 100000 uses, or 0 for any number")
	case t.AccountType != "" && t.AccountType != account.UserAccount && t.AccountType != account.DeviceAccount:
		return fault.Field("accountType", "give userAccount or deviceAccount")
	case t.Person == "" && t.AccountType == account.UserAccount:
		return fault.Field("accountType", "a userAccount belongs to a person; name the person, or ask for a deviceAccount")
	case !t.ExpiresAt.After(now):
		return fault.Field("expiresAt", "the expiry lies in the past")
	case t.ExpiresAt.After(now.Add(MaxLife)):
		return fault.Field("expiresAt", "a token lives at most 365 days")
	case len(t.Labels) > 20:
		return fault.Field("labels", "at most 20 labels can be given")
	case len([]rune(t.Note)) > 120:
		return fault.Field("note", "a note has at most 120 characters")
	}
	for i, l := range t.Labels {
		if err := enterprise.CheckLabel(fmt.Sprintf("labels[%d]", i), l); err != nil {
			return err
		}
	}
	return nil
}

// The reasons for which a token admits nobody, for the audit record only: the
// caller sees one refusal.
const (
	ReasonUnknown   = "token-unknown"
	ReasonExpired   = "token-expired"
	ReasonRevoked   = "token-revoked"
	ReasonExhausted = "token-exhausted"
	ReasonKeyPinned = "key-pinned"
)

// Status is one word for people: active, expired, revoked or exhausted.
func (t Token) Status(now time.Time) string {
	if err := t.Usable(now); err != nil {
		return strings.TrimPrefix(fault.ReasonOf(err), "token-")
	}
	return "active"
}

// Usable returns fault.Unauthorized with one of the reasons above if the token
// admits nobody at all any more.
func (t Token) Usable(now time.Time) error {
	switch {
	case !t.RevokedAt.IsZero():
		return Refusal(ReasonRevoked)
	case !now.Before(t.ExpiresAt):
		return Refusal(ReasonExpired)
	case t.Exhausted:
		return Refusal(ReasonExhausted)
	}
	return nil
}

// Refusal returns the refusal with a precise reason and no public text.
func Refusal(reason string) error { return fault.New(fault.Unauthorized, reason, "") }

// Subject returns whose account a device gets that enrols with the token.
func (t Token) Subject(deviceID string) account.Subject {
	if t.Person == "" {
		return account.Subject{Kind: account.Device, ID: deviceID}
	}
	return account.Subject{Kind: account.Person, ID: t.Person}
}
