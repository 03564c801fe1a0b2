// Package seal encrypts what only one device may read, as a compact JWE (RFC
// 7516) to the device's own encryption key: ECDH-ES on P-256, or RSA-OAEP-256,
// with A256GCM (invariant T2). Android's Keystore agrees on keys only from
// Android 12 on, so older devices bring RSA.
package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Key is a device's public encryption key.
type Key struct {
	jwk jose.JSONWebKey
	alg jose.KeyAlgorithm
}

// ParseKey reads a public JWK: EC P-256, or RSA of 2048 to 4096 bits. A private
// key, another kind or a damaged one is fault.Invalid naming encryptionKey.
func ParseKey(raw []byte) (Key, error) {
	bad := func(format string, args ...any) (Key, error) {
		return Key{}, fault.Field("encryptionKey", format, args...)
	}
	var jwk jose.JSONWebKey
	if len(raw) > 4096 || json.Unmarshal(raw, &jwk) != nil || !jwk.Valid() {
		return bad("give a public key as a JWK (RFC 7517)")
	}
	if !jwk.IsPublic() {
		return bad("this is a private key; it must not leave the device: make a new one and send its public part")
	}
	jwk = jose.JSONWebKey{Key: jwk.Key}
	switch k := jwk.Key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return bad("an EC key must be on the curve P-256")
		}
		return Key{jwk, jose.ECDH_ES}, nil
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 || n > 4096 || k.E < 65537 {
			return bad("an RSA key must have 2048 to 4096 bits and an exponent of at least 65537")
		}
		return Key{jwk, jose.RSA_OAEP_256}, nil
	}
	return bad("the key must be EC on P-256 or RSA")
}

// NewKey returns the Key of a public *ecdsa.PublicKey or *rsa.PublicKey, with
// ParseKey's rules.
func NewKey(pub crypto.PublicKey) (Key, error) {
	raw, err := (&jose.JSONWebKey{Key: pub}).MarshalJSON()
	if err != nil {
		return Key{}, fault.Field("encryptionKey", "the key must be EC on P-256 or RSA")
	}
	return ParseKey(raw)
}

// JSON returns the JWK with its public members only, always in the same form.
func (k Key) JSON() json.RawMessage {
	raw, err := k.jwk.MarshalJSON()
	if err != nil {
		panic("seal: a parsed key cannot fail to marshal: " + err.Error())
	}
	return raw
}

// Thumbprint returns the key's RFC 7638 thumbprint with SHA-256.
func (k Key) Thumbprint() []byte {
	t, err := k.jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		panic("seal: a parsed key cannot lack a thumbprint: " + err.Error())
	}
	return t
}

// Equal reports whether both are the same key.
func (k Key) Equal(o Key) bool { return bytes.Equal(k.Thumbprint(), o.Thumbprint()) }

// Seal encrypts plaintext to the key. Errors never hold the plaintext.
func (k Key) Seal(plaintext []byte) (string, error) {
	enc, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: k.alg, Key: k.jwk.Key}, nil)
	if err != nil {
		return "", fmt.Errorf("prepare encryption: %w", err)
	}
	obj, err := enc.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return obj.CompactSerialize()
}

// Open decrypts a sealed text with the private key: an *ecdsa.PrivateKey, an
// *rsa.PrivateKey, or a jose.OpaqueKeyDecrypter for a key that lives in hardware.
// Other algorithms than those above are refused.
func Open(private any, sealed string) ([]byte, error) {
	obj, err := jose.ParseEncryptedCompact(sealed,
		[]jose.KeyAlgorithm{jose.ECDH_ES, jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "sealed-text", "this is not a sealed text of a known form")
	}
	plain, err := obj.Decrypt(private)
	if err != nil {
		return nil, fault.Wrap(err, fault.Denied, "sealed-for-another", "the text was not sealed to this key, or was altered")
	}
	return plain, nil
}
