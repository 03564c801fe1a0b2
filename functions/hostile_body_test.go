package functions_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"unicode/utf16"
)

var invalid = []int{400}

// bodyAttacks are signed as they should be, and their bodies are wrong.
var bodyAttacks = []attack{
	{"broken by the schema's rules", invalid, body(func(h *hostile, function string, _ []byte) []byte {
		return pick(h, h.broken[function])
	})},
	{"cut short", invalid, body(func(h *hostile, _ string, b []byte) []byte { return b[:h.dice.IntN(len(b))] })},
	{"noise", invalid, body(func(h *hostile, _ string, _ []byte) []byte {
		b := make([]byte, h.dice.IntN(2000))
		for i := range b {
			b[i] = byte(h.dice.UintN(256))
		}
		return b
	})},
	{"not UTF-8", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		// Within a text, where JSON's grammar alone would not mind; without one, in a name.
		at := bytes.Index(b, []byte(`:"`)) + 2
		if at == 1 {
			at = bytes.IndexByte(b, '"') + 1
		}
		bad := pick(h, []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
		return append(b[:at:at], append([]byte(bad), b[at:]...)...)
	})},
	{"NUL and other controls", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		at := h.dice.IntN(len(b))
		return append(b[:at:at], append([]byte(pick(h, []string{"\x00", "\x01", "\x0b", "\x1f"})), b[at:]...)...)
	})},
	{"nested deeply", invalid, body(func(h *hostile, _ string, _ []byte) []byte {
		n := 10_000
		return []byte(pick(h, []string{
			strings.Repeat("[", n), strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n),
			`{"accounts":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`, `{"encryptionKey":` + strings.Repeat(`{"a":`, n),
			`{"encryptionKey":` + strings.Repeat(`[`, n) + strings.Repeat(`]`, n) + `,"enrollmentToken":"` + strings.Repeat("a", 20) + `"}`,
		}))
	})},
	{"member twice", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		m := map[string]json.RawMessage{}
		if err := json.Unmarshal(b, &m); err != nil {
			h.t.Fatal(err)
		}
		for name, v := range m {
			return append(b[:len(b)-1:len(b)-1], []byte(`,"`+name+`":`+string(v)+`}`)...)
		}
		return nil
	})},
	{"numbers without bounds", invalid, body(func(h *hostile, function string, _ []byte) []byte {
		n := pick(h, []string{"-1", "1001", "1e400", "-1e400", "1.5", "99999999999999999999999", "-0.1", "0x10", "01", "NaN", "Infinity", "+1", strings.Repeat("9", 30_000)})
		switch function {
		case "enroll":
			return []byte(`{"enrollmentToken":"` + strings.Repeat("a", 20) + `","encryptionKey":` + h.nobody[0].public + `,"device":{"sdk":` + n + `}}`)
		case "checkin":
			return []byte(`{"accounts":[],"androidId":` + n + `}`)
		}
		return []byte(`{"directiveId":` + n + `}`)
	})},
	{"another encoding", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		switch h.dice.IntN(4) {
		case 0:
			return append([]byte("\xef\xbb\xbf"), b...)
		case 1:
			var out []byte
			for _, u := range utf16.Encode([]rune(string(b))) {
				out = append(out, byte(u), byte(u>>8))
			}
			return out
		case 2:
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = w.Write(b)
			_ = w.Close()
			return z.Bytes()
		}
		return []byte("request=" + string(b))
	})},
	{"more than one value", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		return append(b, pick(h, []string{"{}", ",", "null", "]", "}", string(b), "//", "\x00"})...)
	})},
	{"not an object", invalid, body(func(h *hostile, _ string, b []byte) []byte {
		return []byte(pick(h, []string{"", " ", "null", "true", "0", `""`, "[]", "[" + string(b) + "]", "\n\t"}))
	})},
	{"a key that is none", invalid, func(h *hostile, _ string) request {
		p := h.nobody[0]
		x, y := h.nobody[1].encryption["x"], h.nobody[1].encryption["y"]
		d, _ := p.private.Bytes()
		key := pick(h, []any{
			publicJWK(h.t, p.signing.Public()), // the key that signs
			map[string]any{"kty": "EC", "crv": "P-256", "x": y, "y": x},
			map[string]any{"kty": "EC", "crv": "P-256", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)},
			map[string]any{"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": b64(d)},
			map[string]any{"kty": "EC", "crv": "P-384", "x": x, "y": y}, map[string]any{"kty": "oct", "k": "AAAA"},
			map[string]any{"kty": "RSA", "n": strings.Repeat("A", 342), "e": "AQAB"}, map[string]any{"kty": "RSA", "n": strings.Repeat("_", 341) + "w", "e": "AQAC"},
			map[string]any{"kty": "RSA", "n": "_w", "e": "AQAB"}, map[string]any{}, []any{}, "key",
		})
		return h.request(p, "enroll", map[string]any{"enrollmentToken": h.secrets[0], "encryptionKey": key})
	}},
	{"too large", []int{413}, body(func(h *hostile, _ string, b []byte) []byte {
		return append(b, bytes.Repeat([]byte(" "), 64<<10+h.dice.IntN(10_000))...)
	})},
}

// body returns requests of the first device, whose proof is over the changed body.
func body(change func(h *hostile, function string, b []byte) []byte) func(*hostile, string) request {
	return func(h *hostile, function string) request {
		return h.request(h.devices[0], function, change(h, function, h.good(function)))
	}
}

// callAttacks are wrong in other places than proof and body alone.
var callAttacks = []attack{
	{"another media type", []int{415}, func(h *hostile, function string) request {
		r := h.request(h.devices[0], function, h.good(function))
		r.mediaType = pick(h, []string{"", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json2", "json", ";", "application/json; charset", "multipart/form-data; boundary=a"})
		return r
	}},
	{"another method", []int{405}, func(h *hostile, function string) request {
		r := h.request(h.devices[0], function, h.good(function))
		r.method = pick(h, []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post"})
		return r
	}},
	{"sent again", denied, func(h *hostile, _ string) request { return pick(h, h.used) }},
	{"an unknown device", denied, func(h *hostile, _ string) request {
		function := pick(h, []string{"checkin", "token"})
		return h.request(pick(h, h.nobody), function, h.good(function))
	}},
	{"an unknown enrollment token", denied, func(h *hostile, _ string) request {
		p := pick(h, append(h.nobody, h.devices...))
		return h.request(p, "enroll", p.enrollment(pick(h, h.unknown)))
	}},
	{"a sign-in that nobody takes", denied, func(h *hostile, _ string) request {
		p := pick(h, append(h.nobody, h.devices...))
		body := pick(h, []map[string]any{p.byPassword("ada", pick(h, h.passwords)), p.byIDToken(pick(h, h.passwords) + ".b.c")})
		body["enterprise"] = pick(h, []string{"acme", "nobody", "a-"})
		return h.request(p, "enroll", body)
	}},
	{"several kinds of credentials", invalid, func(h *hostile, _ string) request {
		p := pick(h, h.nobody)
		body := p.byPassword("ada", pick(h, h.passwords))
		if h.dice.IntN(2) == 0 {
			body["idToken"] = "a.b.c"
		} else {
			body["enrollmentToken"] = pick(h, h.secrets)
		}
		return h.request(p, "enroll", body)
	}},
	{"a directive of another device, or none", []int{409}, func(h *hostile, _ string) request {
		return h.request(h.devices[1], "token", map[string]any{"directiveId": pick(h, []string{h.add, "add-", "rm-1", "a", strings.Repeat("a", 64), h.add[:28]})})
	}},
}
