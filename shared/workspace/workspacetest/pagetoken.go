package workspacetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// pageToken says where the next page begins. It holds a place and no number, so
// that users who come and go between two pages move nobody else.
type pageToken struct {
	Key    string `json:"k"`
	ID     uint64 `json:"i"`
	Issued int64  `json:"t"`
	// Params is the digest of the parameters that must not change.
	Params []byte `json:"p"`
}

const macSize = 16

var errPageToken = invalid("Invalid Input: pageToken")

// encode returns the token as text that nobody else can make.
func (t pageToken) encode(key []byte) string {
	// A struct of strings, numbers and bytes always marshals.
	b, _ := json.Marshal(t)
	return base64.RawURLEncoding.EncodeToString(append(mac(key, b), b...))
}

func mac(key, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)[:macSize]
}

// decodePageToken accepts only what encode made with the same key, within life
// of its making. It never panics, whatever the text.
func decodePageToken(key []byte, text string, now time.Time, life time.Duration) (pageToken, bool) {
	var t pageToken
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < macSize || !hmac.Equal(b[:macSize], mac(key, b[macSize:])) {
		return t, false
	}
	if err := json.Unmarshal(b[macSize:], &t); err != nil {
		return t, false
	}
	age := now.Sub(time.Unix(0, t.Issued))
	return t, age >= 0 && age < life
}
