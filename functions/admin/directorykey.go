package admin

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

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

var (
	clientIDPattern    = pattern.New(`^[0-9]{6,40}$`)
	clientEmailPattern = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[A-Za-z0-9][A-Za-z0-9.-]{0,199}$`)
	keyIDPattern       = pattern.New(`^[0-9a-f]{8,64}$`)
)

// leastBits is the shortest key that Google makes.
const leastBits = 2048

// readKey checks a key file and returns what may be seen of it. It is Google's
// form, so members that are not known are let be. No error quotes the file.
func readKey(file []byte, anyTokenURI bool) (keyView, error) {
	var f struct {
		Type         string `json:"type"`
		ClientEmail  string `json:"client_email"`
		ClientID     string `json:"client_id"`
		PrivateKeyID string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		TokenURI     string `json:"token_uri"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return keyView{}, fault.Field("", "this is not a service account's key file; send the JSON file that Google's console handed out, unchanged")
	}
	switch {
	case f.Type != "service_account":
		return keyView{}, fault.Field("type", "give the key file of a service account, whose type is service_account")
	case !clientEmailPattern.MatchString(f.ClientEmail):
		return keyView{}, fault.Field("client_email", "the key file has no service account's address here")
	case !clientIDPattern.MatchString(f.ClientID):
		return keyView{}, fault.Field("client_id", "the key file has no client id here, which is a number")
	}
	v := keyView{ClientID: f.ClientID, ClientEmail: f.ClientEmail}
	if keyIDPattern.MatchString(f.PrivateKeyID) {
		v.KeyID = f.PrivateKeyID
	}
	key := rsaKey(f.PrivateKey)
	if key == nil || key.N.BitLen() < leastBits {
		return keyView{}, fault.Field("private_key", "the key file holds no RSA key of %d bits or more in PEM here", leastBits)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return keyView{}, fault.Field("private_key", "the key's public half cannot be written")
	}
	sum := sha256.Sum256(der)
	v.Fingerprint = hex.EncodeToString(sum[:])
	return v, checkTokenURI(f.TokenURI, anyTokenURI)
}

// checkTokenURI refuses a foreign token endpoint, which would get our assertions;
// a simulator's is taken in development alone.
func checkTokenURI(uri string, any bool) error {
	if any {
		if u, err := url.Parse(uri); err == nil && u.Host != "" {
			return nil
		}
	}
	if err := google.CheckTokenURI(uri); err != nil {
		return fault.Field("token_uri", "%s", fault.As(err).Public)
	}
	return nil
}

// rsaKey returns nil for what is no RSA key.
func rsaKey(text string) *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	key, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	found, _ := key.(*rsa.PrivateKey)
	return found
}
