package oidc

import (
	"encoding/json"
	"testing"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// TestPerson_AnAddressOfGoogle names a person only if Google says that the account is
// the organisation's: anybody could once make an account of their own with an address
// that has been given to somebody else since.
func TestPerson_AnAddressOfGoogle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, issuer, claim, hd, reason string
	}{
		{"an account of their own", GoogleIssuer, "email", ``, ReasonUnverified},
		{"no text", GoogleIssuer, "email", `true`, ReasonUnverified},
		{"the organisation's", GoogleIssuer, "email", `"example.com"`, ""},
		{"by their id", GoogleIssuer, "sub", ``, ""},
		{"another provider", "https://idp.example.com", "email", ``, ""},
	} {
		c := claims{token: &gooidc.IDToken{Issuer: tc.issuer}, all: map[string]json.RawMessage{
			"email": json.RawMessage(`"jane@example.com"`), "email_verified": json.RawMessage(`true`), "sub": json.RawMessage(`"7"`),
		}}
		if tc.hd != "" {
			c.all["hd"] = json.RawMessage(tc.hd)
		}
		_, err := c.person(directory.OIDC{Claim: tc.claim})
		if got := fault.ReasonOf(err); got != tc.reason || (err == nil) != (tc.reason == "") {
			t.Errorf("%s: %v (%s), want %q", tc.name, err, got, tc.reason)
		}
	}
}
