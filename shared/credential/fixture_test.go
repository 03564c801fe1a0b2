package credential_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/credential"
)

const (
	email    = "sync@proj.iam.gserviceaccount.com"
	clientID = "104123456789012345678"
)

func newKey(bits int) func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

var (
	goodKey = newKey(credential.LeastBits)
	weakKey = newKey(1024)
)

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func pkcs1(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(key)
}

// keyFile is a key file as Google's console hands it out, with some members
// replaced; "" takes a member out.
func keyFile(other map[string]string) []byte {
	f := map[string]string{
		"type": "service_account", "project_id": "proj", "private_key_id": "0123456789abcdef",
		"private_key": pkcs8(goodKey()), "client_email": email, "client_id": clientID,
		"auth_uri":                    "https://accounts.google.com/o/oauth2/auth",
		"token_uri":                   "https://oauth2.googleapis.com/token",
		"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
		"client_x509_cert_url":        "https://www.googleapis.com/robot/v1/metadata/x509/" + strings.Replace(email, "@", "%40", 1),
		"universe_domain":             "googleapis.com",
	}
	maps.Copy(f, other)
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err)
	}
	return b
}
