package proof_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// openByHand opens a sealed token as PROTOCOL.md says it, with nothing of a JOSE
// library but its keys, and returns the AES key and the plaintext.
func openByHand(key any, jwe string) (contentKeyHex, plain string, err error) {
	parts := strings.Split(jwe, ".")
	if len(parts) != 5 {
		return "", "", errors.New("not five parts")
	}
	raw := make([][]byte, 5)
	for i, p := range parts {
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return "", "", err
		}
	}
	cek, err := contentKey(key, raw[0], raw[1])
	if err != nil {
		return "", "", err
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return "", "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", "", err
	}
	out, err := gcm.Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))
	return hex.EncodeToString(cek), string(out), err
}

func contentKey(key any, header, encrypted []byte) ([]byte, error) {
	if k, ok := key.(*rsa.PrivateKey); ok {
		return rsa.DecryptOAEP(sha256.New(), nil, k, encrypted, nil)
	}
	var h struct {
		EPK jose.JSONWebKey `json:"epk"`
	}
	if err := json.Unmarshal(header, &h); err != nil {
		return nil, err
	}
	private, err := key.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		return nil, err
	}
	public, err := h.EPK.Key.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		return nil, err
	}
	z, err := private.ECDH(public)
	if err != nil {
		return nil, err
	}
	word := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	const enc = "A256GCM"
	in := append(word(1), z...)                        // round, Z
	in = append(append(in, word(len(enc))...), enc...) // AlgorithmID
	in = append(in, word(0)...)                        // PartyUInfo, empty
	in = append(in, word(0)...)                        // PartyVInfo, empty
	in = append(in, word(256)...)                      // SuppPubInfo: bits of the key
	sum := sha256.Sum256(in)
	return sum[:], nil
}
