package mail

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// MaxContent is how large a setting may be for one person, in bytes of JSON with the
// password: a reply to a device is bounded, and what never fits would never arrive.
const MaxContent = 24 << 10

// Content is a setting as one device of one person is sent it, with exactly one
// member set. Its JSON is a protocol.MailSetting without the password.
type Content struct {
	Account *Payload   `json:"account,omitempty"`
	Managed *KeyValues `json:"managed,omitempty"`
}

// For returns the content of a setting for one device of one person: managed
// configuration where the setting names an app, else an account. Password and errors
// are as with Render; a content of more than MaxContent is fault.Conflict with
// ReasonTooLarge. It is a pure function.
func For(s Setting, who Person, on Device, password *Accepted) (Content, error) {
	var c Content
	if s.Managed != nil {
		k, err := RenderManaged(s, who, on, password)
		if err != nil {
			return Content{}, err
		}
		c.Managed = &k
	} else {
		p, err := Render(s, who, on, password)
		if err != nil {
			return Content{}, err
		}
		c.Account = &p
	}
	if raw, err := c.Reveal(); err != nil || len(raw) > MaxContent {
		return Content{}, fault.New(fault.Conflict, ReasonTooLarge,
			"With this person's values the setting has more than the %d KiB that a device is sent; shorten its managed configuration.", MaxContent>>10)
	}
	return c, nil
}

// Secret reports whether the content holds a password, so that it may leave only
// encrypted to the device.
func (c Content) Secret() bool {
	return c.Account != nil && !c.Account.Password.Empty() || c.Managed != nil && len(c.Managed.Secrets) > 0
}

// Reveal returns the JSON with the password. It is for one place: the plaintext that
// is encrypted to the device.
func (c Content) Reveal() ([]byte, error) {
	var whole struct {
		Account json.RawMessage `json:"account,omitempty"`
		Managed json.RawMessage `json:"managed,omitempty"`
	}
	var err error
	if c.Managed != nil {
		whole.Managed, err = c.Managed.Reveal()
	} else if c.Account != nil {
		whole.Account, err = c.Account.Reveal()
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}

// Digest returns 16 characters of [a-z2-7] that are others when a device is to get
// something else. The password is not among what is digested; its version is.
func (c Content) Digest() string {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("mail: a content cannot fail to marshal: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
