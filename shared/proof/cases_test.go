package proof_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/proof"
)

const vectorNonce = "c29tZS1ub25jZS1vZi0xMjhi"

// testCase is a proof of the vector's request, right or wrong in one way.
type testCase struct {
	name, reason, proof string
	request             func(*requestVector) // what differs in the request itself
}

// cases returns every way in which a proof can be wrong, and the edges of what is
// right. They are the vectors, so their names are for authors of agents.
func cases() []testCase {
	key := fixedKey("signing", elliptic.P256())
	other := fixedKey("other", elliptic.P256())
	right := forge(key, vectorNonce, "POST", vectorURL, vectorBody, vectorTime)
	at := func(seconds int64) string {
		return forge(key, vectorNonce, "POST", vectorURL, vectorBody, vectorTime+seconds).String()
	}
	nonce := func(n string) string {
		return forge(key, n, "POST", vectorURL, vectorBody, vectorTime).String()
	}
	claims := func(old, new string) string { return replace(right, &right.claims, old, new) }
	header := func(old, new string) string { return replace(right, &right.header, old, new) }
	digest := func(d string) string {
		return claims(`"bodyDigest":"`+proof.Digest([]byte(vectorBody))+`"`, `"bodyDigest":"`+d+`"`)
	}
	sum, _ := base64.RawURLEncoding.DecodeString(proof.Digest([]byte(vectorBody)))
	public, otherPublic := jwk(&key.PublicKey), jwk(&other.PublicKey)
	p384 := fixedKey("curve", elliptic.P384())
	return append([]testCase{
		{"right", "", right.String(), nil},
		{"300 seconds old", "", at(-300), nil},
		{"300 seconds ahead", "", at(300), nil},
		{"shortest nonce", "", nonce(strings.Repeat("n", 16)), nil},
		{"longest nonce", "", nonce(strings.Repeat("-_", 32)), nil},
		{"white space in header and claims", "", forger{key, strings.ReplaceAll(right.header, ",", " ,\n"), strings.ReplaceAll(right.claims, `":`, `" : `)}.String(), nil},
		{"slashes escaped in claims", "", claims("https://emm", `https:\/\/emm`), nil},
		{"301 seconds old", "proof-time", at(-301), nil},
		{"301 seconds ahead", "proof-time", at(301), nil},
		{"time in milliseconds", "proof-time", claims(`"iat":1777881600`, `"iat":1777881600000`), nil},
		{"time as text", "proof-malformed", claims(`"iat":1777881600`, `"iat":"1777881600"`), nil},
		{"time with a fraction", "proof-malformed", claims(`"iat":1777881600`, `"iat":1777881600.5`), nil},
		{"no time", "proof-time", claims(`"iat":1777881600,`, ``), nil},
		{"altered body", "proof-body", right.String(), func(v *requestVector) { v.Body += " " }},
		{"digest with padding", "proof-body", digest(base64.URLEncoding.EncodeToString(sum)), nil},
		{"digest in standard base64", "proof-body", digest(base64.RawStdEncoding.EncodeToString(sum)), nil},
		{"digest in hex", "proof-body", digest(hex.EncodeToString(sum)), nil},
		{"other URL", "proof-request", right.String(), func(v *requestVector) { v.URL = "https://emm.example.com/token" }},
		{"URL with a slash at its end", "proof-request", claims(vectorURL, vectorURL+"/"), nil},
		{"URL with a query", "proof-request", claims(vectorURL, vectorURL+"?x=1"), nil},
		{"URL with a port", "proof-request", claims("example.com", "example.com:443"), nil},
		{"other method", "proof-request", claims(`"POST"`, `"GET"`), nil},
		{"method in lower case", "proof-request", claims(`"POST"`, `"post"`), nil},
		{"short nonce", "proof-malformed", nonce(strings.Repeat("n", 15)), nil},
		{"long nonce", "proof-malformed", nonce(strings.Repeat("n", 65)), nil},
		{"nonce with another character", "proof-malformed", nonce("nonce+of/base64=="), nil},
		{"no nonce", "proof-malformed", claims(`"jti":"`+vectorNonce+`",`, ``), nil},
		{"extra claim", "proof-malformed", claims(`{"jti"`, `{"exp":1777881900,"jti"`), nil},
		{"claim twice", "proof-malformed", claims(`{"jti"`, `{"htm":"POST","jti"`), nil},
		{"claim in another case", "proof-malformed", claims(`"htu"`, `"HTU"`), nil},
		{"claims are not JSON", "proof-malformed", forger{key, right.header, "jti=1"}.String(), nil},
		{"wrong typ", "proof-malformed", header("dpop+jwt", "JWT"), nil},
		{"no typ", "proof-malformed", header(`,"typ":"dpop+jwt"`, ""), nil},
		{"unknown critical header", "proof-malformed", header(`"typ"`, `"crit":["exp"],"exp":1,"typ"`), nil},
		{"no key", "proof-malformed", header(`"jwk":`+public+`,`, ""), nil},
		{"private key in the header", "proof-key", header(public, jwk(key)), nil},
		{"key of another device", "proof-signature", header(public, otherPublic), nil},
		{"wrong curve: P-384", "proof-key", forger{key, fmt.Sprintf(`{"alg":"ES256","jwk":%s,"typ":"dpop+jwt"}`, jwk(&p384.PublicKey)), right.claims}.String(), nil},
		{"RSA key", "proof-key", header(public, rsaPublic), nil},
	}, forms(right)...)
}

// forms are proofs whose parts are right but written otherwise.
func forms(right forger) []testCase {
	parts := strings.Split(right.String(), ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	none := forger{right.key, strings.Replace(right.header, "ES256", "none", 1), right.claims}
	hs := forger{right.key, strings.Replace(right.header, "ES256", "HS256", 1), right.claims}
	es384 := forger{right.key, strings.Replace(right.header, "ES256", "ES384", 1), right.claims}
	return []testCase{
		{"alg none", "proof-malformed", none.input() + ".", nil},
		{"alg HS256 by the public key", "proof-malformed", hs.hmac(), nil},
		{"alg ES384", "proof-malformed", es384.String(), nil},
		{"signature in DER", "proof-signature", join(parts[0], parts[1], b64(right.der())), nil},
		{"signature cut off", "proof-signature", join(parts[0], parts[1], parts[2][:40]), nil},
		{"no signature", "proof-signature", join(parts[0], parts[1], ""), nil},
		{"signature with padding", "proof-malformed", right.String() + "==", nil},
		{"two parts", "proof-malformed", join(parts[0], parts[1]), nil},
		{"four parts", "proof-malformed", join(parts[0], parts[1], parts[2], "x"), nil},
		{"over 2048 characters", "proof-malformed", right.String() + strings.Repeat("A", 2048), nil},
		{"no proof", "proof-missing", "", nil},
	}
}

// replace returns the proof with one change in part, signed anew.
func replace(f forger, part *string, old, new string) string {
	changed := strings.Replace(*part, old, new, 1)
	if changed == *part {
		panic("the test changes nothing: " + old)
	}
	if *part == f.header {
		f.header = changed
	} else {
		f.claims = changed
	}
	return f.String()
}

const rsaPublic = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}`
