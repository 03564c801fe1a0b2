package proof

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// errKey says that the header's JWK is not what a device signs with.
var errKey = errors.New("the key is not a public EC key on P-256")

// publicKey is the key of a proof's header, with its coordinates as the header
// writes them.
type publicKey struct {
	ecdsa *ecdsa.PublicKey
	x, y  string
}

// coordinate is the length of a coordinate on P-256, in bytes.
const coordinate = 32

// keyOf reads the key of a header that holds typ, alg and jwk and nothing else,
// and whose JWK has the members of RFC 7518 section 6.2.1 and no others, so that a
// private key, or one that is more than a key, is refused.
func keyOf(header map[string]any) (publicKey, error) {
	typ, _ := header["typ"].(string)
	jwk, ok := header["jwk"].(map[string]any)
	if typ != Type || !ok || len(header) != 3 {
		return publicKey{}, errors.New("the header is not that of a proof")
	}
	kty, _ := jwk["kty"].(string)
	crv, _ := jwk["crv"].(string)
	x, _ := jwk["x"].(string)
	y, _ := jwk["y"].(string)
	if kty != "EC" || crv != "P-256" || len(jwk) != 4 {
		return publicKey{}, errKey
	}
	point := make([]byte, 1, 1+2*coordinate)
	point[0] = 4 // uncompressed (SEC 1, section 2.3.3)
	for _, s := range []string{x, y} {
		var err error
		if point, err = base64.RawURLEncoding.Strict().AppendDecode(point, []byte(s)); err != nil {
			return publicKey{}, fmt.Errorf("%w: %w", errKey, err)
		}
	}
	if len(x) != len(y) || len(point) != 1+2*coordinate {
		return publicKey{}, errKey
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return publicKey{}, fmt.Errorf("%w: %w", errKey, err)
	}
	return publicKey{key, x, y}, nil
}

// thumbprint returns the key's RFC 7638 thumbprint. The coordinates are in the one
// form that RFC 7518 allows, so they stand in the hash as in the header.
func (k publicKey) thumbprint() []byte {
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k.x + `","y":"` + k.y + `"}`))
	return sum[:]
}
