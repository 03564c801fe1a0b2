// Package mailclient holds the mail clients of an enterprise: servers, such as a
// voicemail system or a mail gateway, that read people's mailboxes with OAuth tokens
// which the function mailtoken gives them. A mail client proves itself with a P-256
// key of its own, or as a Google service account, and is allowed a set of mailboxes.
// All of it is pure.
package mailclient

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// Client is one row.
type Client struct {
	// ID is made of the key or the service account, so that one read finds who asks;
	// see KeyID and AccountID.
	ID         string `json:"id"`
	Enterprise string `json:"enterprise"`
	// Name tells people which server it is, 1 to 80 characters.
	Name string `json:"name"`
	// Thumbprint is the RFC 7638 thumbprint (SHA-256, base64url) of the client's P-256
	// key. A client has this or ServiceAccount.
	Thumbprint     string          `json:"thumbprint,omitempty"`
	ServiceAccount *ServiceAccount `json:"serviceAccount,omitempty"`
	Scope          Scope           `json:"scope"`
	Allow          Allow           `json:"allow"`
	State          State           `json:"state"`
	CreatedAt      time.Time       `json:"createdAt"`
	UpdatedAt      time.Time       `json:"updatedAt"`
	// UpdatedBy is the actor of the last change, as in the audit trail.
	UpdatedBy string `json:"updatedBy"`
}

// ServiceAccount is a Google service account whose ID tokens prove the client.
type ServiceAccount struct {
	// Email tells people which account it is. Nothing is decided from it: an address
	// may be given to a new account.
	Email string `json:"email"`
	// Sub is the account's unique id, a number, which is never given again.
	Sub string `json:"sub"`
}

// Scope is what the client's tokens may do at Google.
type Scope string

// The scopes.
const (
	// Full is https://mail.google.com/: IMAP, POP and SMTP, within the person's own
	// settings.
	Full Scope = "full"
	// IMAPAdmin is https://www.googleapis.com/auth/gmail.imap_admin: IMAP alone, with
	// all labels and messages whatever the person's IMAP settings.
	IMAPAdmin Scope = "imap_admin"
)

// URL returns the OAuth scope as Google writes it; empty for a scope that is none.
func (s Scope) URL() string {
	switch s {
	case Full:
		return "https://mail.google.com/"
	case IMAPAdmin:
		return "https://www.googleapis.com/auth/gmail.imap_admin"
	}
	return ""
}

// Allow is which mailboxes a client gets tokens for: those of any of the three.
type Allow struct {
	// Mailboxes are addresses, at most MaxMailboxes; case does not matter.
	Mailboxes []string `json:"mailboxes,omitempty"`
	// Labels are of people: whoever has one and may have devices is allowed.
	Labels []string `json:"labels,omitempty"`
	// Domains are whole domains, without those below them; case does not matter.
	Domains []string `json:"domains,omitempty"`
}

// State says whether a client works.
type State string

// The states.
const (
	Active State = "active"
	// Revoked: the client gets no more tokens. Those that it has are good for up to an
	// hour yet.
	Revoked State = "revoked"
)

// KeyID returns the id of the client whose key has the RFC 7638 thumbprint: "m" and
// 25 characters of [a-z2-7].
func KeyID(thumbprint []byte) string { return "m" + digest("key", string(thumbprint), 25) }

// AccountID returns the id of the client that is the service account of a sub, in the
// form of KeyID.
func AccountID(sub string) string { return "m" + digest("account", sub, 25) }

// Digest returns what stands for a mailbox in the audit trail: 12 characters of
// [a-z2-7], 60 bits. Whoever knows an address finds its records, and nobody reads an
// address off them.
func Digest(enterprise, mailbox string) string {
	return digest("mailbox", enterprise+"\x00"+person.MailKey(mailbox), 12)
}

func digest(kind, text string, length int) string {
	sum := sha256.Sum256([]byte("rollcall mail client v1\x00" + kind + "\x00" + text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:length]
}
