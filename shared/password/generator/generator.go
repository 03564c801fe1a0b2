// Package generator makes random passwords with github.com/sethvargo/go-password,
// which draws every character and its place without bias.
package generator

import (
	"io"
	"strings"

	gopassword "github.com/sethvargo/go-password/password"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Random is a password.Generator: a fifth of a password's characters are digits, a
// fifth symbols, the rest letters of both cases, and any of them may come twice. At
// the shortest, 8 characters, that is more than 45 bits; at the default of 16, more
// than 95. It may be used concurrently as far as its reader may.
type Random struct{ gen *gopassword.Generator }

// New returns a Random over a source of randomness; nil is crypto/rand's.
func New(r io.Reader) (*Random, error) {
	gen, err := gopassword.NewGenerator(&gopassword.GeneratorInput{Reader: r})
	if err != nil {
		return nil, fault.New(fault.Permanent, "", "The password generator cannot be made.")
	}
	return &Random{gen}, nil
}

// Generate returns a new password; see password.Generator. A source that fails is
// fault.Transient.
func (g *Random) Generate(length int) (secret.Value, error) {
	if length < password.MinLength || length > password.MaxLength {
		return secret.Value{}, fault.Field("length", "a password has %d to %d characters", password.MinLength, password.MaxLength)
	}
	for {
		s, err := g.gen.Generate(length, length/5, length/5, false, true)
		if err != nil {
			// The cause is left out: nothing that was near a password is printed.
			return secret.Value{}, fault.New(fault.Transient, "", "The source of randomness failed.")
		}
		// The library mixes small letters and capitals at random. To draw anew where
		// one case is missing favours none of the rest.
		if strings.ContainsAny(s, gopassword.LowerLetters) && strings.ContainsAny(s, gopassword.UpperLetters) {
			return secret.New(s), nil
		}
	}
}
