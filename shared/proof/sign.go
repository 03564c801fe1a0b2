package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Signer makes proofs with one key. It may be used concurrently if its random
// source may be.
type Signer struct {
	jws    jose.Signer
	random io.Reader
	now    func() time.Time
}

// NewSigner returns a Signer for a P-256 key, which may live in a Keystore or
// HSM behind crypto.Signer; another kind of key is fault.Invalid.
func NewSigner(key crypto.Signer, random io.Reader, now func() time.Time) (*Signer, error) {
	if pub, ok := key.Public().(*ecdsa.PublicKey); !ok || pub.Curve != elliptic.P256() {
		return nil, fault.New(fault.Invalid, "signing-key", "a device signs with an EC key on P-256")
	}
	opts := (&jose.SignerOptions{EmbedJWK: true}).WithType(Type)
	jws, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: cryptosigner.Opaque(key)}, opts)
	if err != nil {
		return nil, fmt.Errorf("prepare signing: %w", err)
	}
	return &Signer{jws: jws, random: random, now: now}, nil
}

// Sign returns the proof of one request, for the DPoP header. Each call makes a
// new nonce; a repeated request needs a new proof.
func (s *Signer) Sign(method, url string, body []byte) (string, error) {
	var nonce [16]byte
	if _, err := io.ReadFull(s.random, nonce[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	payload, err := json.Marshal(Claims{
		ID: base64.RawURLEncoding.EncodeToString(nonce[:]), Method: method, URL: url,
		IssuedAt: s.now().Unix(), BodyDigest: Digest(body),
	})
	if err != nil {
		return "", err
	}
	sig, err := s.jws.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign the request: %w", err)
	}
	return sig.CompactSerialize()
}
