// Package p12 brings a service account's legacy P12 file (PKCS #12, RFC 7292)
// into the one form in which credentials are kept (invariant K1).
package p12

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// usual is the password of every P12 file that Google makes. It keeps nothing
// secret, as it says itself.
const usual = "notasecret"

// maxIterations bounds the work of trying a password; files have some thousands.
const maxIterations = 1 << 20

// Owner says whose the key in a P12 file is, which the file itself does not.
type Owner struct {
	// Email is the service account's address. Required.
	Email string
	// ClientID is the number that domain-wide delegation is granted to. Required.
	ClientID string
	// Password opens the file; empty is the one that Google gives all of them.
	Password secret.Value
}

// Parse opens a P12 file and returns its key as a Credential in the form of a
// JSON key file, with Google's token endpoint. Every refusal is fault.Invalid and
// names in Field which of the file ("file"), "password", "client_email" and
// "client_id" is wrong; none quotes the file or the password.
func Parse(file []byte, o Owner) (credential.Credential, error) {
	var none credential.Credential
	if err := checkForm(file); err != nil {
		return none, err
	}
	password := o.Password.Reveal()
	if password == "" {
		password = usual
	}
	found, cert, _, err := pkcs12.DecodeChain(file, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && o.Password.Empty():
		return none, fault.Field("password", "the P12 file has another password than the one that Google gives all of them; give that password as well")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return none, fault.Field("password", "the password does not open the P12 file")
	case err != nil:
		// The library's text may quote the file.
		return none, fault.Field("file", "the P12 file is damaged or of a form that is not known; get it again, or make a JSON key")
	}
	key, ok := found.(*rsa.PrivateKey)
	if !ok {
		return none, fault.Field("file", "the P12 file holds no RSA key, and Google's service accounts have no other")
	}
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !pub.Equal(&key.PublicKey) {
		return none, fault.Field("file", "key and certificate of the P12 file do not belong together")
	}
	if err := checkOwner(cert, o); err != nil {
		return none, err
	}
	// The file does not tell the key's id, and a wrong one would be refused.
	return credential.FromKey(key, o.Email, o.ClientID, "")
}

// checkForm refuses what is no P12 file, and one that would take for ever to try
// a password on: the number of iterations is in the file.
func checkForm(file []byte) error {
	var pfx struct {
		Version  int
		AuthSafe asn1.RawValue
		MacData  struct {
			Mac struct {
				Algorithm struct {
					ID         asn1.ObjectIdentifier
					Parameters asn1.RawValue `asn1:"optional"`
				}
				Digest []byte
			}
			Salt       []byte
			Iterations int `asn1:"optional,default:1"`
		} `asn1:"optional"`
	}
	switch trimmed := bytes.TrimSpace(file); {
	case len(trimmed) == 0:
		return fault.Field("file", "the file is empty")
	case trimmed[0] == '{':
		return fault.Field("file", "this looks like a JSON key file and not like a P12; import it without e-mail address and client id")
	case len(file) > credential.MaxFile:
		return fault.Field("file", "the file is too large for a P12 of one key, which has at most %d KiB", credential.MaxFile>>10)
	}
	rest, err := asn1.Unmarshal(file, &pfx)
	pbmac1 := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	var syntax asn1.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Msg == "data truncated":
		return fault.Field("file", "the P12 file ends in the middle: it was cut off; copy or download it again")
	case err != nil || len(rest) > 0:
		return fault.Field("file", "this is not a P12 file")
	case laborious(file, maxDepth) || pfx.MacData.Iterations > maxIterations || pfx.MacData.Mac.Algorithm.ID.Equal(pbmac1):
		return fault.Field("file", "the P12 file is not one that Google made: it is protected in another manner; make a JSON key")
	}
	return nil
}

// unique is the form of the numbers that Google gives to service accounts.
var unique = pattern.New(`^1[0-9]{20}$`)

// checkOwner holds the certificate's name against what the person said, where
// the name is one of the two: Google's certificates are made out to the client id
// or to the address with a dot for the @.
func checkOwner(cert *x509.Certificate, o Owner) error {
	name := cert.Subject.CommonName
	switch {
	case unique.MatchString(name) && o.ClientID != name && unique.MatchString(o.ClientID):
		return fault.Field("client_id", "the client id is not that of the key: the P12 file's certificate is made out to another one")
	case strings.HasSuffix(name, ".gserviceaccount.com") && o.Email != "" &&
		!strings.EqualFold(strings.Replace(name, "@", ".", 1), strings.Replace(o.Email, "@", ".", 1)):
		return fault.Field("client_email", "the address is not that of the key: the P12 file's certificate is made out to another service account")
	default:
		return nil
	}
}
