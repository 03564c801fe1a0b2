package protocol_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func TestOutcome_E4_NamesTheField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, field string
		outcome     protocol.Outcome
	}{
		{"removed", "", protocol.Outcome{DirectiveID: "rm-1", Result: "done"}},
		{"added", "", protocol.Outcome{DirectiveID: "add-1", Result: "done", AccountName: "a"}},
		{"failed", "", protocol.Outcome{DirectiveID: "add-1", Result: "failed", Reason: "X", Detail: "d"}},
		{"failed without reason", "outcomes[0].reason", protocol.Outcome{DirectiveID: "add-1", Result: "failed"}},
		{"failed with name", "outcomes[0].accountName", protocol.Outcome{DirectiveID: "add-1", Result: "failed", Reason: "X", AccountName: "a"}},
		{"done with reason", "outcomes[0].reason", protocol.Outcome{DirectiveID: "rm-1", Result: "done", Reason: "X"}},
		{"done with detail", "outcomes[0].detail", protocol.Outcome{DirectiveID: "rm-1", Result: "done", Detail: "d"}},
		{"added without name", "outcomes[0].accountName", protocol.Outcome{DirectiveID: "add-1", Result: "done"}},
		{"the shortest add without name", "outcomes[0].accountName", protocol.Outcome{DirectiveID: "add-", Result: "done"}},
		{"setting applied", "", protocol.Outcome{DirectiveID: "set-1", Result: "done"}},
		{"setting removed", "", protocol.Outcome{DirectiveID: "unset-1", Result: "done"}},
		{"setting failed", "", protocol.Outcome{DirectiveID: "set-1", Result: "failed", Reason: "MAIL_CLIENT_MISSING", Detail: "d"}},
		{"setting failed without reason", "outcomes[0].reason", protocol.Outcome{DirectiveID: "unset-1", Result: "failed"}},
		{"setting failed for a lower-case reason", "outcomes[0].reason", protocol.Outcome{DirectiveID: "set-1", Result: "failed", Reason: "no"}},
		{"setting applied with reason", "outcomes[0].reason", protocol.Outcome{DirectiveID: "set-1", Result: "done", Reason: "X"}},
		{"setting applied with name", "outcomes[0].accountName", protocol.Outcome{DirectiveID: "set-1", Result: "done", AccountName: "a"}},
		{"setting removed with name", "outcomes[0].accountName", protocol.Outcome{DirectiveID: "unset-", Result: "done", AccountName: "a"}},
		{"setting in an unknown state", "outcomes[0].result", protocol.Outcome{DirectiveID: "set-1", Result: "applied"}},
		{"long detail", "outcomes[0].detail", protocol.Outcome{DirectiveID: "rm-1", Result: "failed", Reason: "X", Detail: strings.Repeat("ü", 257)}},
	} {
		r := protocol.CheckInRequest{Accounts: []protocol.Account{}, Outcomes: []protocol.Outcome{tc.outcome}}
		if got := field(r.Validate()); got != tc.field {
			t.Errorf("%s: field %q, want %q", tc.name, got, tc.field)
		}
	}
}

func TestEnrollRequest_E4_NamesTheMemberOfTheKey(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec := members(t, jose.JSONWebKey{Key: private.Public()})
	n := strings.Repeat("f", 341) + "w" // 2048 bits that end in …1111 after the last character's padding
	rsa := map[string]any{"kty": "RSA", "n": n, "e": "AQAB"}
	with := func(base map[string]any, name string, v any) map[string]any {
		m := map[string]any{name: v}
		for k, v := range base {
			if _, ok := m[k]; !ok {
				m[k] = v
			}
		}
		return m
	}
	without := func(base map[string]any, name string) map[string]any {
		m := with(base, name, nil)
		delete(m, name)
		return m
	}
	for _, tc := range []struct {
		name, field string
		key         any
	}{
		{"EC", "", ec},
		{"RSA", "", rsa},
		{"EC with hints", "", with(with(with(ec, "use", "enc"), "alg", "ECDH-ES"), "kid", "k.1")},
		{"RSA with hints", "", with(with(rsa, "use", "enc"), "alg", "RSA-OAEP-256")},
		{"no object", "encryptionKey", "key"},
		{"empty", "encryptionKey.kty", map[string]any{}},
		{"private", "encryptionKey", members(t, jose.JSONWebKey{Key: private})},
		{"private part alone", "encryptionKey", with(rsa, "p", "AQAB")},
		{"secret", "encryptionKey", map[string]any{"kty": "oct", "k": "AQAB"}},
		{"another kind", "encryptionKey.kty", with(ec, "kty", "OKP")},
		{"kind in another case", "encryptionKey.kty", with(ec, "kty", "ec")},
		{"another curve", "encryptionKey.crv", with(ec, "crv", "P-384")},
		{"no x", "encryptionKey.x", without(ec, "x")},
		{"x is null", "encryptionKey.x", with(ec, "x", nil)},
		{"x is a number", "encryptionKey.x", with(ec, "x", 1)},
		{"x with a line break", "encryptionKey.x", with(ec, "x", ec["x"].(string)[:20]+"\n"+ec["x"].(string)[20:])},
		{"x that ends in set bits", "encryptionKey.x", with(ec, "x", strings.Repeat("A", 42)+"B")},
		{"for signing", "encryptionKey.use", with(ec, "use", "sig")},
		{"for another algorithm", "encryptionKey.alg", with(ec, "alg", "RSA-OAEP")},
		{"unknown member", "encryptionKey.x5c", with(ec, "x5c", []string{})},
		{"short n", "encryptionKey.n", with(rsa, "n", n[:341])},
		{"even n", "encryptionKey.n", with(rsa, "n", strings.Repeat("f", 341)+"g")},
		{"even e", "encryptionKey.e", with(rsa, "e", "AQAC")},
		{"e of 32 bits", "encryptionKey.e", with(rsa, "e", "_____w")},
	} {
		raw, err := json.Marshal(tc.key)
		if err != nil {
			t.Fatal(err)
		}
		r := protocol.EnrollRequest{EnrollmentToken: strings.Repeat("t", 20), EncryptionKey: raw}
		if got := field(r.Validate()); got != tc.field {
			t.Errorf("%s: field %q, want %q", tc.name, got, tc.field)
		}
	}
}

func members(t *testing.T, k jose.JSONWebKey) map[string]any {
	t.Helper()
	raw, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// field returns the field that err names, or "" for nil; an error without a field
// is "?".
func field(err error) string {
	if err == nil {
		return ""
	}
	if e := fault.As(err); e != nil && e.Kind == fault.Invalid && e.Field != "" {
		return e.Field
	}
	return "?"
}
