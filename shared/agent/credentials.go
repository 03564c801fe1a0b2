package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Credentials are what a device enrols with. Printing them shows their kind alone; they
// are not kept beyond the call that they are given to.
type Credentials struct {
	kind    string
	request protocol.EnrollRequest
	hide    []string // what no error may show
}

// ByToken are an enrollment token that an admin made.
func ByToken(token secret.Value) Credentials {
	return Credentials{"enrollment token", protocol.EnrollRequest{EnrollmentToken: token.Reveal()}, hidden(token)}
}

// ByPassword are a person's user id and password in the organisation's directory.
func ByPassword(enterprise, username string, password secret.Value) Credentials {
	return Credentials{"password", protocol.EnrollRequest{
		Enterprise: enterprise, SignIn: &protocol.SignIn{Username: username, Password: *protocol.NewSecret(password)},
	}, hidden(password)}
}

// ByIDToken are an ID token of the organisation's identity provider, whose nonce is
// Keys.SignInNonce.
func ByIDToken(enterprise string, token secret.Value) Credentials {
	return Credentials{"ID token", protocol.EnrollRequest{Enterprise: enterprise, IDToken: protocol.NewSecret(token)}, hidden(token)}
}

// Format writes the kind, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "credentials: "+c.kind) }

// hidden returns the forms that a secret has on its way: as it is, and within JSON, as
// Go's libraries and others write it.
func hidden(v secret.Value) []string {
	forms := []string{v.Reveal()}
	add := func(s string) {
		if s = strings.Trim(strings.TrimSpace(s), `"`); s != forms[0] {
			forms = append(forms, s)
		}
	}
	if escaped, err := json.Marshal(v.Reveal()); err == nil {
		add(string(escaped))
	}
	var b strings.Builder
	plain := json.NewEncoder(&b)
	plain.SetEscapeHTML(false)
	if plain.Encode(v.Reveal()) == nil {
		add(b.String())
	}
	add(fmt.Sprintf("%q", v.Reveal()))
	return forms
}

// SignInNonce returns the nonce to ask the identity provider for, so that its ID token
// enrols this device in this enterprise and no other.
func (k Keys) SignInNonce(enterprise string) string {
	return protocol.SignInNonce(enterprise, k.thumbprint())
}
