package credential

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// LeastBits is the shortest key that is taken, and the one that Google makes.
const LeastBits = 2048

// parsePEM reads the private_key of a key file.
func parsePEM(text string) (*rsa.PrivateKey, error) {
	refuse := func(format string, args ...any) error { return fault.Field("private_key", format, args...) }
	block, _ := pem.Decode([]byte(text))
	switch {
	case text == "":
		return nil, refuse("the key file holds no RSA key in PEM here")
	case block == nil && strings.Contains(text, `\n`):
		return nil, refuse("the key's line breaks are lost: the file has \\n twice escaped; send it as Google's console handed it out, without an RSA key copied by hand")
	case block == nil && strings.Contains(text, "-----BEGIN") && !strings.Contains(text, "-----END"):
		return nil, refuse("the RSA key ends in the middle: it was cut off; copy or download the file again")
	case block == nil:
		return nil, refuse("the key file holds no RSA key in PEM here")
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, refuse("the RSA key is locked with a passphrase; send the file as Google's console handed it out")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, refuse("the key file holds no whole RSA key here: it is damaged, or weaker than %d bits", LeastBits)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, refuse("the key is not an RSA key, and Google's service accounts have no other")
	}
	return key, nil
}

// FromKey returns the credential of a bare private key, such as a P12 file holds,
// whose Stored has the form of Google's JSON key file. keyID may be empty: it is
// a hint to Google, not a part of the proof.
func FromKey(key *rsa.PrivateKey, email, clientID, keyID string) (Credential, error) {
	if err := checkAccount(email, clientID); err != nil {
		return Credential{}, err
	}
	v := View{Kind: Key, ClientID: clientID, ClientEmail: email, TokenURI: TokenURI}
	if keyIDPattern.MatchString(keyID) {
		v.KeyID = keyID
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Credential{}, fault.Field("private_key", "the RSA key cannot be written")
	}
	file, err := json.MarshalIndent(struct {
		Type         string `json:"type"`
		PrivateKeyID string `json:"private_key_id,omitempty"`
		PrivateKey   string `json:"private_key"`
		ClientEmail  string `json:"client_email"`
		ClientID     string `json:"client_id"`
		TokenURI     string `json:"token_uri"`
	}{typeKey, v.KeyID, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), email, clientID, v.TokenURI}, "", "  ")
	if err != nil {
		return Credential{}, fault.Field("private_key", "the key file cannot be written")
	}
	return withKey(v, key, secret.NewBytes(file))
}
