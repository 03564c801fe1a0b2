package agent

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Keys are a device's two key pairs: one signs proofs and so is the device, the
// other opens what is sealed to it. Make them once, keep them before enrolling,
// and never copy them to another device. The zero value is of no use. Keys are
// immutable; concurrent use is as safe as that of the keys they were made from.
// Printing Keys shows nothing of them.
type Keys struct {
	signing crypto.Signer
	opening any
	public  seal.Key
}

// HardwareKey is an encryption key that does not leave its Keystore or HSM.
type HardwareKey interface {
	jose.OpaqueKeyDecrypter
	// Public returns an *ecdsa.PublicKey on P-256 or an *rsa.PublicKey.
	Public() crypto.PublicKey
}

// NewKeys returns the Keys of a signing key, which is EC on P-256 and may live in
// hardware, and an opening key: an *ecdsa.PrivateKey on P-256 (ECDH-ES), an
// *rsa.PrivateKey of 2048 to 4096 bits (RSA-OAEP-256), or a HardwareKey of these
// kinds. Other keys, and one key for both, are fault.Invalid.
func NewKeys(signing crypto.Signer, opening any) (Keys, error) {
	pub, ok := signing.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return Keys{}, fault.New(fault.Invalid, "signing-key", "a device signs with an EC key on P-256")
	}
	has, ok := opening.(interface{ Public() crypto.PublicKey })
	if !ok {
		return Keys{}, fault.New(fault.Invalid, "encryption-key", "the encryption key must be EC on P-256 or RSA")
	}
	switch opening.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey, HardwareKey:
	default:
		return Keys{}, fault.New(fault.Invalid, "encryption-key", "the encryption key must be EC on P-256 or RSA")
	}
	public, err := seal.NewKey(has.Public())
	if err != nil {
		return Keys{}, err
	}
	if same, err := seal.NewKey(pub); err != nil || public.Equal(same) {
		return Keys{}, fault.New(fault.Invalid, "encryption-key", "the encryption key must not be the signing key")
	}
	return Keys{signing: signing, opening: opening, public: public}, nil
}

// GenerateKeys makes two keys on P-256 from random; the same bytes give the same
// keys. It takes 32 bytes for each key, and as good as never more.
func GenerateKeys(random io.Reader) (Keys, error) {
	signing, err := generate(random)
	if err != nil {
		return Keys{}, err
	}
	opening, err := generate(random)
	if err != nil {
		return Keys{}, err
	}
	return NewKeys(signing, opening)
}

// GenerateRSAKeys makes a signing key on P-256 from random and an RSA key of 2048
// bits for opening, as a device before Android 12 has. The RSA key comes from the
// system's randomness, whatever random is: crypto/rsa takes no other.
func GenerateRSAKeys(random io.Reader) (Keys, error) {
	signing, err := generate(random)
	if err != nil {
		return Keys{}, err
	}
	opening, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Keys{}, fmt.Errorf("make an RSA key: %w", err)
	}
	return NewKeys(signing, opening)
}

// generate draws the private scalar itself: ecdsa.GenerateKey ignores its random
// argument, and a simulated fleet wants the same keys from the same seed.
func generate(random io.Reader) (*ecdsa.PrivateKey, error) {
	var b [32]byte
	defer clear(b[:])
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return nil, fmt.Errorf("read randomness: %w", err)
		}
		// A number outside of the curve's order is drawn again (FIPS 186-5, A.2.2).
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[:]); err == nil {
			return key, nil
		}
	}
}

// Signing returns the public key that signs proofs.
func (k Keys) Signing() *ecdsa.PublicKey { return k.signing.Public().(*ecdsa.PublicKey) }

// Encryption returns the public encryption key.
func (k Keys) Encryption() seal.Key { return k.public }

// Thumbprint returns the signing key's RFC 7638 thumbprint with SHA-256, in
// base64url. It names the device in logs and is no secret.
func (k Keys) Thumbprint() string {
	return base64.RawURLEncoding.EncodeToString(k.thumbprint())
}

func (k Keys) thumbprint() []byte {
	if k.signing == nil {
		return nil
	}
	t, err := (&jose.JSONWebKey{Key: k.signing.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil
	}
	return t
}

// Format writes the thumbprint, whatever the verb.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keys "+k.Thumbprint()) }

// Reasons with which an agent refuses a token. They are the outcome's reason.
const (
	// ReasonUnreadable: the sealed token was not sealed to this device, was
	// altered, or has not the form that the protocol says.
	ReasonUnreadable = "TOKEN_UNREADABLE"
	// ReasonMisdirected: the token is for another device or another directive.
	ReasonMisdirected = "TOKEN_MISDIRECTED"
)

// Open returns the authentication token of a reply to this device's request for
// the given directive. What cannot be opened is fault.Invalid with
// ReasonUnreadable; what was meant for another device or directive is
// fault.Denied with ReasonMisdirected. Neither error holds any of the content.
func (k Keys) Open(r protocol.TokenReply, deviceID, directiveID string) (secret.Value, error) {
	unreadable := fault.New(fault.Invalid, ReasonUnreadable, "the sealed token cannot be opened with this device's key")
	plain, err := seal.Open(k.opening, r.Token)
	if err != nil {
		return secret.Value{}, unreadable
	}
	defer clear(plain)
	var c protocol.TokenClaims
	if decode(plain, &c) != nil || c.Token == "" {
		return secret.Value{}, unreadable
	}
	if c.DeviceID != deviceID || c.DirectiveID != directiveID {
		return secret.Value{}, fault.New(fault.Denied, ReasonMisdirected, "the token is for another device or another directive")
	}
	return secret.New(c.Token), nil
}
