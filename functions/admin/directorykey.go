package admin

import "github.com/rollcall-emm/rollcall/shared/credential"

// keyView is what may be seen of a service account's key.
type keyView struct {
	Set         bool   `json:"set"`
	ClientID    string `json:"clientId,omitempty"`
	ClientEmail string `json:"clientEmail,omitempty"`
	// KeyID is the id by which Google's console lists the key.
	KeyID string `json:"keyId,omitempty"`
	// Fingerprint is the SHA-256 of the public key (DER of SubjectPublicKeyInfo) in
	// hexadecimal.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// viewOf returns what the endpoint shows of a credential that is set.
func viewOf(c credential.Credential) keyView {
	return keyView{
		Set: true, ClientID: c.View.ClientID, ClientEmail: c.View.ClientEmail, KeyID: c.View.KeyID, Fingerprint: c.View.Fingerprint,
	}
}
