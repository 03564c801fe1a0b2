package admin

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/credential/p12"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// maxCredentialBody has room for a file of credential.MaxFile in base64.
const maxCredentialBody = 2 * credential.MaxFile

// credentialBody is a credential as an admin sends it: exactly one of Key, P12 and
// Keyless.
type credentialBody struct {
	// Key is the JSON key file, as Google's console handed it out.
	Key jsontext.Value `json:"key"`
	// P12 is a legacy key file in base64; it goes with P12Password (the one that Google
	// gives all of them where it is left out), Email and ClientID.
	P12         string       `json:"p12"`
	P12Password string       `json:"p12Password"`
	Email       string       `json:"email"`
	ClientID    string       `json:"clientId"`
	Keyless     *keylessBody `json:"keyless"`
	// Verify tries the credential at Google before it is stored.
	Verify bool `json:"verify"`
}

// keylessBody is a service account for which Google signs.
type keylessBody struct {
	Email    string `json:"email"`
	ClientID string `json:"clientId"`
}

var credentialMembers = []string{"key", "p12", "p12Password", "email", "clientId", "keyless", "keyless.email", "keyless.clientId", "verify"}

// readCredential returns the credential of the request's body after every check
// (invariant K1), and whether to try it. No refusal quotes the body: a key in the
// wrong place of it is a key still (invariant E3).
func (o *Office) readCredential(r *request) (c credential.Credential, verify bool, err error) {
	raw, err := api.ReadJSON(r.w, r.Request, maxCredentialBody)
	if err != nil {
		return c, false, err
	}
	var body credentialBody
	if err := api.Decode(raw, &body); err != nil {
		f := *fault.As(err)
		if !slices.Contains(credentialMembers, f.Field) {
			// The name of a member may be what should have been its value.
			f.Field, _, _ = strings.Cut(f.Field, ".")
			if f.Field != "key" {
				f.Field = ""
			}
			f.Public = "send one JSON object with a key file as key, or p12 with email and clientId, or keyless with email and clientId; a name that it has is not known, or there twice, or it is no JSON"
		}
		f.Err = nil
		return c, false, &f
	}
	c, err = o.checked(body)
	return c, body.Verify, err
}

func (o *Office) checked(b credentialBody) (c credential.Credential, err error) {
	forms := 0
	for _, given := range []bool{len(b.Key) > 0, b.P12 != "", b.Keyless != nil} {
		if given {
			forms++
		}
	}
	switch {
	case forms != 1:
		return c, fault.Field("key", "give exactly one of key (a JSON key file), p12 (a legacy key file in base64) and keyless (a service account without a key)")
	case b.P12 == "" && b.P12Password != "":
		return c, fault.Field("p12Password", "a password goes with p12 alone")
	case b.P12 == "" && b.Email != "":
		return c, fault.Field("email", "an address goes with p12; a key file has its own, and a keyless credential has it within keyless")
	case b.P12 == "" && b.ClientID != "":
		return c, fault.Field("clientId", "a client id goes with p12; a key file has its own, and a keyless credential has it within keyless")
	case b.Keyless != nil:
		c, err = credential.NewKeyless(b.Keyless.Email, b.Keyless.ClientID, "", o.accepted())
		return c, renamed(err, map[string]string{"client_email": "keyless.email", "client_id": "keyless.clientId"})
	case b.P12 != "":
		file, err := base64.StdEncoding.DecodeString(b.P12)
		if err != nil {
			return c, fault.Field("p12", "give the file in base64 (RFC 4648, section 4)")
		}
		c, err = p12.Parse(file, p12.Owner{Email: b.Email, ClientID: b.ClientID, Password: secret.New(b.P12Password)})
		return c, renamed(err, map[string]string{"file": "p12", "password": "p12Password", "client_email": "email", "client_id": "clientId"})
	}
	c, err = credential.Parse(b.Key, o.accepted())
	return c, within(err, "key")
}

// renamed names the fields of a refusal as the body does.
func renamed(err error, names map[string]string) error {
	f := fault.As(err)
	if f == nil || names[f.Field] == "" {
		return err
	}
	c := *f
	c.Field = names[f.Field]
	return &c
}

// within makes the field of a refusal one below a member.
func within(err error, member string) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	c := *f
	c.Field = strings.TrimSuffix(member+"."+f.Field, ".")
	return &c
}
