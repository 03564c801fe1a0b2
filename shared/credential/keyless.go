package credential

import (
	"cmp"
	"encoding/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// NewKeyless returns the credential of a service account for which Google signs
// (invariant K4). Its Stored is a small JSON document of type "keyless" without a
// secret in it, kept where a key file would be. An empty tokenURI is Google's.
func NewKeyless(email, clientID, tokenURI string, o Options) (Credential, error) {
	if err := checkAccount(email, clientID); err != nil {
		return Credential{}, err
	}
	v := View{Kind: Keyless, ClientID: clientID, ClientEmail: email, TokenURI: cmp.Or(tokenURI, TokenURI)}
	if err := checkTokenURI(v.TokenURI, o.AnyTokenURI); err != nil {
		return Credential{}, err
	}
	file, err := json.Marshal(struct {
		Type        string `json:"type"`
		ClientEmail string `json:"client_email"`
		ClientID    string `json:"client_id"`
		TokenURI    string `json:"token_uri"`
	}{typeKeyless, email, clientID, v.TokenURI})
	if err != nil {
		return Credential{}, fault.Field("", "the credential cannot be written")
	}
	return Credential{View: v, stored: secret.NewBytes(file)}, nil
}
