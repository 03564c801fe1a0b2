package proof_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/proof"
)

// forger makes proofs by hand, right and wrong ones, so that the tests do not
// rest on the library that checks them. It is deterministic (RFC 6979).
type forger struct {
	key    *ecdsa.PrivateKey
	header string // JSON
	claims string // JSON
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// fixedKey returns a key made from a name, the same for ever.
func fixedKey(name string, curve elliptic.Curve) *ecdsa.PrivateKey {
	sum := sha512.Sum512([]byte("rollcall test vector: " + name))
	size := (curve.Params().BitSize + 7) / 8
	scalar := sum[:size]
	scalar[0] &= 0x7f // below the order of P-256 and P-384
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
	if err != nil {
		panic(err)
	}
	return key
}

func jwk(key any) string {
	raw, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// forge returns a right proof of a request.
func forge(key *ecdsa.PrivateKey, nonce, method, url, body string, at int64) forger {
	sum := sha256.Sum256([]byte(body))
	claims, err := json.Marshal(proof.Claims{ID: nonce, Method: method, URL: url, IssuedAt: at, BodyDigest: b64(sum[:])})
	if err != nil {
		panic(err)
	}
	return forger{key: key, claims: string(claims),
		header: fmt.Sprintf(`{"alg":"ES256","jwk":%s,"typ":"dpop+jwt"}`, jwk(&key.PublicKey))}
}

func (f forger) input() string { return b64([]byte(f.header)) + "." + b64([]byte(f.claims)) }

// der returns the signature as ASN.1, the form of Java's Signature.sign.
func (f forger) der() []byte {
	sum := sha256.Sum256([]byte(f.input()))
	sig, err := f.key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return sig
}

// signature returns r and s, each of the curve's size, as JWS wants them.
func (f forger) signature() []byte {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(f.der(), &rs); err != nil {
		panic(err)
	}
	size := (f.key.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	rs.R.FillBytes(out[:size])
	rs.S.FillBytes(out[size:])
	return out
}

func (f forger) String() string { return f.input() + "." + b64(f.signature()) }

// hmac signs with a secret that a server could be led to use: its public key.
func (f forger) hmac() string {
	m := hmac.New(sha256.New, []byte(jwk(&f.key.PublicKey)))
	m.Write([]byte(f.input()))
	return f.input() + "." + b64(m.Sum(nil))
}
