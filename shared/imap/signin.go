package imap

import (
	"errors"

	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

// signIn is a sign-in as go-sasl's Client has it; that package knows the newer
// OAUTHBEARER alone.
type signIn struct {
	first   []byte
	refusal *Refusal
}

// Start returns the mechanism and the initial response.
func (s *signIn) Start() (mechanism string, response []byte, err error) {
	return xoauth2.Mechanism, s.first, nil
}

// Next answers a challenge, which is a refusal, with the empty response that has the
// server end the exchange.
func (s *signIn) Next(challenge []byte) (response []byte, err error) {
	if s.refusal != nil {
		return nil, errors.New("a second refusal")
	}
	r := ParseRefusal(challenge)
	s.refusal = &r
	return []byte{}, nil
}
