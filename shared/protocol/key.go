package protocol

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
)

// keyMembers is what each member of a JWK must look like, by its "kty". Where
// RFC 7517 ignores members that it does not know, this contract refuses them as
// everywhere (invariant E4): a member that is misspelt or private shows at once.
var keyMembers = map[string]map[string]pattern.Pattern{
	"EC": {
		"kty": pattern.New(`^EC$`), "crv": pattern.New(`^P-256$`),
		"x": coordinate, "y": coordinate,
		"use": pattern.New(`^enc$`), "alg": pattern.New(`^ECDH-ES$`), "kid": keyID,
	},
	"RSA": {
		"kty": pattern.New(`^RSA$`),
		"n":   pattern.New(`^[A-Za-z0-9_-]{342,683}$`), "e": pattern.New(`^[A-Za-z0-9_-]{4,6}$`),
		"use": pattern.New(`^enc$`), "alg": pattern.New(`^RSA-OAEP-256$`), "kid": keyID,
	},
}

var (
	// 32 bytes in base64url leave two bits of the last character, which are zero.
	coordinate = pattern.New(`^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$`)
	keyID      = pattern.New(`^[A-Za-z0-9._:-]{1,128}$`)

	keyRequired = map[string][]string{"EC": {"crv", "x", "y"}, "RSA": {"n", "e"}}
	keyPrivate  = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
)

// checkKey refuses what is not the shape of a public JWK, naming the member.
// Whether the numbers make a key is for package seal to say.
func checkKey(raw json.RawMessage) error {
	var members map[string]json.RawMessage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
		return fault.Field("encryptionKey", "give the device's public encryption key as a JWK object")
	}
	for _, name := range keyPrivate {
		if _, ok := members[name]; ok {
			return fault.Field("encryptionKey", "this is a private key; it must not leave the device: make a new one and send its public part")
		}
	}
	kty, _ := stringOf(members["kty"])
	known, ok := keyMembers[kty]
	if !ok {
		return fault.Field("encryptionKey.kty", "give EC or RSA")
	}
	for _, name := range keyRequired[kty] {
		if _, ok := members[name]; !ok {
			return fault.Field("encryptionKey."+name, "this member of the key is missing")
		}
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		pattern, ok := known[name]
		if !ok {
			return fault.Field("encryptionKey."+name, "this member is not known here")
		}
		if s, ok := stringOf(members[name]); !ok || !pattern.MatchString(s) {
			return fault.Field("encryptionKey."+name, "this member of the key has the wrong form; see RFC 7518, section 6")
		}
	}
	if kty == "RSA" {
		return checkRSA(members)
	}
	return nil
}

// checkRSA refuses numbers to which nothing can be encrypted later, when the
// device would have no way to mend them.
func checkRSA(members map[string]json.RawMessage) error {
	if n := number(members["n"]); n.Bit(0) == 0 {
		return fault.Field("encryptionKey.n", "an RSA modulus is an odd number")
	}
	if e := number(members["e"]); e.Bit(0) == 0 || e.BitLen() > 31 {
		return fault.Field("encryptionKey.e", "an RSA exponent is an odd number of at most 31 bits, usually AQAB")
	}
	return nil
}

func number(raw json.RawMessage) *big.Int {
	s, _ := stringOf(raw)
	b, _ := base64.RawURLEncoding.DecodeString(s) // a bad text is zero, which is even
	return new(big.Int).SetBytes(b)
}

// stringOf returns a JSON string's text, and whether it is one.
func stringOf(raw json.RawMessage) (s string, ok bool) {
	ok = len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil
	return s, ok
}
