package mailclient

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Bounds of a client.
const (
	MaxName      = 80     // characters
	MaxMailboxes = 10_000 // in Allow.Mailboxes
	MaxLabels    = 50
	MaxDomains   = 100
	// MaxAddress is the longest address, in bytes (RFC 5321, section 4.5.3.1.3).
	MaxAddress = 254
	// maxText is how long the addresses of a list are together, in bytes: the row must
	// fit into the store.
	maxText = 640 << 10
)

var (
	accountPattern = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[A-Za-z0-9][A-Za-z0-9.-]{0,120}\.gserviceaccount\.com$`)
	subPattern     = pattern.New(`^[0-9]{6,40}$`)
)

// Validate returns fault.Invalid naming the first field that is wrong. The id is
// checked as well: it must be that of the key or the service account.
func (c Client) Validate() error {
	if err := enterprise.CheckID(c.Enterprise); err != nil {
		return fault.Field("enterprise", "%s", fault.As(err).Public)
	}
	if err := checkName(c.Name); err != nil {
		return err
	}
	id, err := c.identity()
	if err != nil {
		return err
	}
	if c.ID != id {
		return fault.Field("id", "the id is not that of the key or the service account")
	}
	if c.Scope.URL() == "" {
		return fault.Field("scope", "give full (IMAP, POP and SMTP) or imap_admin (IMAP alone, whatever the person's IMAP settings)")
	}
	if c.State != Active && c.State != Revoked {
		return fault.Field("state", "give active or revoked")
	}
	return c.Allow.Validate()
}

// identity returns the id that goes with how the client proves itself.
func (c Client) identity() (string, error) {
	switch {
	case (c.Thumbprint == "") == (c.ServiceAccount == nil):
		return "", fault.Field("thumbprint", "give the thumbprint of the client's key, or a service account, and not both")
	case c.ServiceAccount == nil:
		thumb, err := base64.RawURLEncoding.Strict().DecodeString(c.Thumbprint)
		if err != nil || len(thumb) != 32 {
			return "", fault.Field("thumbprint", "give the key's RFC 7638 thumbprint with SHA-256: 43 characters of base64url")
		}
		return KeyID(thumb), nil
	case !accountPattern.MatchString(c.ServiceAccount.Email):
		return "", fault.Field("serviceAccount.email", "give the address of a Google service account, which ends in .gserviceaccount.com")
	case !subPattern.MatchString(c.ServiceAccount.Sub):
		return "", fault.Field("serviceAccount.sub", "give the service account's unique id, which is a number; Google's console shows it")
	}
	return AccountID(c.ServiceAccount.Sub), nil
}

// Validate returns fault.Invalid naming the first member that is wrong. Something
// must be allowed, and nothing may be there twice.
func (a Allow) Validate() error {
	if len(a.Mailboxes)+len(a.Labels)+len(a.Domains) == 0 {
		return fault.Field("allow", "say which mailboxes the client may have: mailboxes, labels or domains")
	}
	text := 0
	for _, m := range a.Mailboxes {
		text += len(m)
	}
	if text > maxText {
		return fault.Field("allow.mailboxes", "the addresses have %d bytes together, and at most %d are kept; allow a label or a domain instead", text, maxText)
	}
	if err := each("allow.mailboxes", a.Mailboxes, MaxMailboxes, CheckMailbox); err != nil {
		return err
	}
	if err := each("allow.labels", a.Labels, MaxLabels, enterprise.CheckLabel); err != nil {
		return err
	}
	return each("allow.domains", a.Domains, MaxDomains, checkDomain)
}

// each checks the items of a list.
func each(path string, list []string, most int, check func(field, s string) error) error {
	if len(list) > most {
		return fault.Field(path, "give at most %d", most)
	}
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		field := fmt.Sprintf("%s[%d]", path, i)
		if err := check(field, s); err != nil {
			return err
		}
		if key := person.MailKey(s); !seen[key] {
			seen[key] = true
			continue
		}
		return fault.Field(field, "this is there twice")
	}
	return nil
}

func checkName(s string) error {
	if n := utf8.RuneCountInString(s); n < 1 || n > MaxName || !utf8.ValidString(s) || strings.TrimSpace(s) == "" {
		return fault.Field("name", "give 1 to %d characters", MaxName)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fault.Field("name", "give text without control characters")
	}
	return nil
}
