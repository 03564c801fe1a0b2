package functions_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// strange is keys that no device signs with.
type strange struct {
	rsa  *rsa.PrivateKey
	p384 *ecdsa.PrivateKey
}

func newStrange(t testing.TB) strange {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return strange{r, p}
}

var denied = []int{401}

// proofAttacks have a good body and a wrong proof.
var proofAttacks = []attack{
	{"signed by another key", denied, forged(func(h *hostile, f *forgery) { f.sign = es256(h.t, pick(h, h.nobody).signing) })},
	{"signed by another device", denied, forged(func(h *hostile, f *forgery) { f.sign = es256(h.t, h.devices[1].signing) })},
	{"another device's key in the header", denied, forged(func(h *hostile, f *forgery) {
		f.header = `{"typ":"dpop+jwt","alg":"ES256","jwk":` + h.devices[2].public + `}`
	})},
	{"altered signature", denied, forged(func(h *hostile, f *forgery) {
		sign, at, bit := f.sign, h.dice.IntN(64), byte(1)<<h.dice.IntN(8)
		f.sign = func(in []byte) []byte { s := sign(in); s[at] ^= bit; return s }
	})},
	{"signature cut, grown or gone", denied, forged(func(h *hostile, f *forgery) {
		sign, n := f.sign, pick(h, []int{0, 1, 32, 63, 65, 70, 128})
		f.sign = func(in []byte) []byte { return append(sign(in), make([]byte, 64)...)[:n] }
	})},
	{"signature of zeros", denied, forged(func(_ *hostile, f *forgery) { f.sign = func([]byte) []byte { return make([]byte, 64) } })},
	{"alg none", denied, forged(func(h *hostile, f *forgery) {
		f.header = strings.Replace(f.header, "ES256", pick(h, []string{"none", "None", "NONE", ""}), 1)
		f.sign = func([]byte) []byte { return nil }
	})},
	{"HS256 with the public key", denied, forged(func(_ *hostile, f *forgery) {
		key := f.header[strings.Index(f.header, `"jwk":`)+6 : len(f.header)-1]
		f.header, f.sign = strings.Replace(f.header, "ES256", "HS256", 1), hs256([]byte(key))
	})},
	{"HS256 with an oct key", denied, forged(func(_ *hostile, f *forgery) {
		f.header, f.sign = `{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, hs256([]byte{0, 0, 0})
	})},
	{"RSA", denied, forged(func(h *hostile, f *forgery) {
		f.header, f.sign = `{"typ":"dpop+jwt","alg":"RS256","jwk":`+rawJWK(h.t, h.rsa.Public())+`}`, rs256(h.t, h.rsa)
	})},
	{"P-384", denied, forged(func(h *hostile, f *forgery) {
		point, _ := h.p384.PublicKey.Bytes()
		jwk := fmt.Sprintf(`{"kty":"EC","crv":"P-384","x":%q,"y":%q}`, b64(point[1:49]), b64(point[49:]))
		f.header, f.sign = `{"typ":"dpop+jwt","alg":"`+pick(h, []string{"ES384", "ES256"})+`","jwk":`+jwk+`}`, es384(h.t, h.p384)
	})},
	{"private key in the header", denied, forged(func(h *hostile, f *forgery) {
		d, _ := h.devices[0].signing.Bytes()
		f.header = strings.Replace(f.header, `"kty"`, `"d":"`+b64(d)+`","kty"`, 1)
	})},
	{"two keys in the header", denied, forged(func(h *hostile, f *forgery) {
		f.header = f.header[:len(f.header)-1] + `,"jwk":` + pick(h, h.nobody).public + `}`
	})},
	{"wrong header", denied, forged(func(h *hostile, f *forgery) {
		f.header = pick(h, []string{
			strings.Replace(f.header, "dpop+jwt", "jwt", 1), strings.Replace(f.header, `"typ":"dpop+jwt",`, "", 1),
			strings.Replace(f.header, "ES256", "es256", 1), strings.Replace(f.header, `"typ"`, `"crit":["exp"],"typ"`, 1),
			strings.Replace(f.header, `"typ"`, `"b64":false,"crit":["b64"],"typ"`, 1), strings.Replace(f.header, `"typ"`, `"kid":"1","typ"`, 1),
			strings.Replace(f.header, `"jwk"`, `"jku":"http://127.0.0.1:1/","x"`, 1), "{}", "null", "[]", "", "\xff", f.header + "x",
		})
	})},
	{"stale or early", denied, claimed(func(h *hostile, c map[string]any) {
		off := int64(302 + h.dice.IntN(1_000_000))
		c["iat"] = time.Now().Unix() + pick(h, []int64{off, -off})
	})},
	{"time that is none", denied, claimed(func(h *hostile, c map[string]any) {
		c["iat"] = pick(h, []any{-1, 0, "now", strconv.FormatInt(time.Now().Unix(), 10), nil, true, 1.5, json.Number("9e99"),
			json.Number("-9223372036854775808"), json.Number("9223372036854775807"), json.Number("99999999999999999999")})
	})},
	{"wrong method", denied, claimed(func(h *hostile, c map[string]any) { c["htm"] = pick(h, []any{"GET", "post", "", nil, "POST ", 1}) })},
	{"wrong URL", denied, claimed(func(h *hostile, c map[string]any) {
		u := c["htu"].(string)
		c["htu"] = pick(h, []any{u + "/", u + "?a=b", u + "#", strings.ToUpper(u), strings.Replace(u, "http:", "https:", 1),
			strings.Replace(u, "127.0.0.1", "localhost", 1), "", nil, h.stack.URL, h.stack.URL + "/admin", strings.Replace(u, "://", "://a@", 1)})
	})},
	{"wrong digest", denied, claimed(func(h *hostile, c map[string]any) {
		d := c["bodyDigest"].(string)
		c["bodyDigest"] = pick(h, []any{"", nil, d + "=", d[1:], strings.Repeat("A", 43), strings.ToLower(d) + "A", 1})
	})},
	{"wrong nonce", denied, claimed(func(h *hostile, c map[string]any) {
		c["jti"] = pick(h, []any{"", nil, "short", strings.Repeat("a", 65), strings.Repeat("é", 20), strings.Repeat("a", 19) + "\n", 1234567890123456})
	})},
	{"missing or extra claim", denied, claimed(func(h *hostile, c map[string]any) {
		if h.dice.IntN(2) == 0 {
			delete(c, pick(h, []string{"jti", "htm", "htu", "iat", "bodyDigest"}))
			return
		}
		c[pick(h, []string{"exp", "nonce", "IAT", "admin", ""})] = 1
	})},
	{"claim twice", denied, forged(func(h *hostile, f *forgery) { f.claims = f.claims[:len(f.claims)-1] + `,"htm":"POST"}` })},
	{"longer than a proof may be", denied, forged(func(_ *hostile, f *forgery) { f.claims = "{" + strings.Repeat(" ", 2000) + f.claims[1:] })},
	{"no proof or a strange one", denied, func(h *hostile, function string) request {
		r := h.request(h.devices[0], function, h.good(function))
		p := r.proofs[0]
		r.proofs = []string{pick(h, []string{
			"", ".", "..", "...", p + ".", "." + p, p[:h.dice.IntN(len(p)-1)], strings.ReplaceAll(p, ".", ""), p + "." + p, "Bearer " + p, `"` + p + `"`,
			p + "," + p, p + "=", strings.ReplaceAll(p, "e", "%65"), strings.Repeat("a.", 1000), strings.Repeat("x", 2049), strings.Repeat("A", 200_000), p + strings.Repeat("A", 5_000),
			`{"payload":"","signatures":[]}`, "null", strings.ToUpper(p), "\x80\xff", p[:50] + "\t" + p[50:],
		})}
		return r
	}},
	{"body altered after signing", denied, func(h *hostile, function string) request {
		r := h.request(h.devices[0], function, h.good(function))
		r.body = append([]byte(nil), r.body...)
		if at := h.dice.IntN(len(r.body)); h.dice.IntN(2) == 0 {
			r.body[at] ^= 1 << h.dice.IntN(8)
		} else {
			r.body = append(r.body, ' ')
		}
		return r
	}},
}

// forged returns requests of the first device whose proof was changed by hand.
func forged(change func(*hostile, *forgery)) func(*hostile, string) request {
	return func(h *hostile, function string) request {
		r := h.request(h.devices[0], function, h.good(function))
		f := h.forge(h.devices[0], function, r.body)
		change(h, f)
		r.proofs = []string{f.String()}
		return r
	}
}

// claimed changes claims that are then signed as they should be.
func claimed(change func(*hostile, map[string]any)) func(*hostile, string) request {
	return forged(func(h *hostile, f *forgery) {
		c := map[string]any{}
		if err := json.Unmarshal([]byte(f.claims), &c); err != nil {
			h.t.Fatal(err)
		}
		change(h, c)
		raw, err := json.Marshal(c)
		if err != nil {
			h.t.Fatal(err)
		}
		f.claims = string(raw)
	})
}
