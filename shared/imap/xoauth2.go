// Package imap signs in to mailboxes with OAuth tokens, as mail clients do: to make
// the XOAUTH2 response that they send, and to check that a server takes it
// (invariant M4).
package imap

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Mechanism is the name of the SASL mechanism ("OAuth 2.0 Mechanism", Gmail's page
// on XOAUTH2). It is no RFC's; RFC 7628's OAUTHBEARER came of it.
const Mechanism = "XOAUTH2"

// XOAUTH2 returns the initial client response in base64, ready to be sent after
// AUTHENTICATE XOAUTH2. A mailbox or a token with a control character would make
// another response and is fault.Invalid.
func XOAUTH2(mailbox string, token secret.Value) (secret.Value, error) {
	raw, err := response(mailbox, token)
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New(base64.StdEncoding.EncodeToString(raw)), nil
}

func response(mailbox string, token secret.Value) ([]byte, error) {
	text := token.Reveal()
	switch {
	case mailbox == "" || strings.ContainsFunc(mailbox, control):
		return nil, fault.Field("mailbox", "give the mailbox's address")
	case text == "" || strings.ContainsFunc(text, control):
		return nil, fault.Field("token", "give an access token")
	}
	return []byte("user=" + mailbox + "\x01auth=Bearer " + text + "\x01\x01"), nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// xoauth2 is a sign-in as go-sasl's Client has it; that package knows the newer
// OAUTHBEARER alone.
type xoauth2 struct {
	first   []byte
	refusal *Refusal
}

// Start returns the mechanism and the initial response.
func (x *xoauth2) Start() (mechanism string, response []byte, err error) {
	return Mechanism, x.first, nil
}

// Next answers a challenge, which is a refusal, with the empty response that has the
// server end the exchange.
func (x *xoauth2) Next(challenge []byte) (response []byte, err error) {
	if x.refusal != nil {
		return nil, errors.New("a second refusal")
	}
	r := ParseRefusal(challenge)
	x.refusal = &r
	return []byte{}, nil
}
