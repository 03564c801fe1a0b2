// Package xoauth2 makes the response with which mail clients sign in to mailboxes by
// an OAuth token (invariant M4). Package imap signs in with it.
package xoauth2

import (
	"encoding/base64"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Mechanism is the name of the SASL mechanism ("OAuth 2.0 Mechanism", Gmail's page
// on XOAUTH2). It is no RFC's; RFC 7628's OAUTHBEARER came of it.
const Mechanism = "XOAUTH2"

// Response returns the initial client response. A mailbox or a token with a control
// character would make another response and is fault.Invalid.
func Response(mailbox string, token secret.Value) (secret.Value, error) {
	text := token.Reveal()
	switch {
	case mailbox == "" || strings.ContainsFunc(mailbox, control):
		return secret.Value{}, fault.Field("mailbox", "give the mailbox's address")
	case text == "" || strings.ContainsFunc(text, control):
		return secret.Value{}, fault.Field("token", "give an access token")
	}
	return secret.New("user=" + mailbox + "\x01auth=Bearer " + text + "\x01\x01"), nil
}

// Encoded returns Response in base64, ready to be sent after AUTHENTICATE XOAUTH2.
func Encoded(mailbox string, token secret.Value) (secret.Value, error) {
	r, err := Response(mailbox, token)
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New(base64.StdEncoding.EncodeToString([]byte(r.Reveal()))), nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }
