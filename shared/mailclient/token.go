package mailclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// MaxBatch is how many mailboxes one request asks for at most.
const MaxBatch = 500

// ReasonNotAllowed is why a mailbox is refused that the client may not have. One that
// does not exist is refused in the same words, so that nobody can list mailboxes.
const ReasonNotAllowed = "mailbox-not-allowed"

// TokenRequest asks for tokens for mailboxes, 1 to MaxBatch, none twice.
type TokenRequest struct {
	Mailboxes []string `json:"mailboxes"`
}

// Validate returns fault.Invalid naming the first mailbox that is wrong.
func (r *TokenRequest) Validate() error {
	if n := len(r.Mailboxes); n < 1 || n > MaxBatch {
		return fault.Field("mailboxes", "ask for 1 to %d mailboxes", MaxBatch)
	}
	seen := make(map[string]bool, len(r.Mailboxes))
	for i, m := range r.Mailboxes {
		field := fmt.Sprintf("mailboxes[%d]", i)
		if err := CheckMailbox(field, m); err != nil {
			return err
		}
		if key := person.MailKey(m); !seen[key] {
			seen[key] = true
			continue
		}
		return fault.Field(field, "this mailbox is there twice")
	}
	return nil
}

// TokenReply has an item for each mailbox, in the order in which they were asked for.
// Printed, logged or marshalled it shows no token; Reveal writes what is sent.
type TokenReply struct {
	Items []TokenItem `json:"items"`
}

// TokenItem is a token for a mailbox, or why there is none.
type TokenItem struct {
	// Mailbox is the address as it was asked for.
	Mailbox     string       `json:"mailbox"`
	AccessToken secret.Value `json:"accessToken,omitzero"`
	// ExpiresAt is the token's end, in whole seconds.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// XOAUTH2 is the initial client response of SASL XOAUTH2, in base64.
	XOAUTH2 secret.Value `json:"xoauth2,omitzero"`

	// Reason is a word for programs, empty with a token; Detail is for people.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// RetryAfterSeconds is when it is worth to ask again; 0 where somebody must change
	// something first.
	RetryAfterSeconds int `json:"retryAfterSeconds,omitzero"`
}

// Reveal returns the reply as JSON, with its tokens.
func (r TokenReply) Reveal() ([]byte, error) {
	type item struct {
		Mailbox           string    `json:"mailbox"`
		AccessToken       string    `json:"accessToken,omitempty"`
		ExpiresAt         time.Time `json:"expiresAt,omitzero"`
		XOAUTH2           string    `json:"xoauth2,omitempty"`
		Reason            string    `json:"reason,omitempty"`
		Detail            string    `json:"detail,omitempty"`
		RetryAfterSeconds int       `json:"retryAfterSeconds,omitempty"`
	}
	plain := struct {
		Items []item `json:"items"`
	}{make([]item, len(r.Items))}
	for i, it := range r.Items {
		plain.Items[i] = item{it.Mailbox, it.AccessToken.Reveal(), it.ExpiresAt, it.XOAUTH2.Reveal(), it.Reason, it.Detail, it.RetryAfterSeconds}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an address may have &, and a reader of the wire is to see it
	if err := e.Encode(plain); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
