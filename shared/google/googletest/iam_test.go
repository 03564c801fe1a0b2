package googletest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestIAM(t *testing.T) {
	t.Parallel()
	tokens := NewTokenEndpoint(TokenOptions{URL: testURL, Now: func() time.Time { return epoch }})
	sa, err := tokens.NewServiceAccount("sa", testURL)
	if err != nil {
		t.Fatal(err)
	}
	iam := NewIAM(tokens)
	if err := iam.Allow("function", "nobody@sim-project.iam.gserviceaccount.com", true); err == nil {
		t.Error("a role on an account that is not there")
	}
	if err := iam.Allow("function", sa.Email, true); err != nil {
		t.Fatal(err)
	}
	good, other := "Bearer "+iam.Identity("function"), "Bearer "+iam.Identity("other")
	path := "/v1/projects/-/serviceAccounts/" + sa.Email + ":signJwt"
	payload := func(exp time.Duration) string {
		return fmt.Sprintf(`{"payload":"{\"iss\":\"%s\",\"exp\":%d}"}`, sa.Email, epoch.Add(exp).Unix())
	}
	for _, tc := range []struct {
		name, method, path, auth, body string
		status                         int
	}{
		{"good", "POST", path, good, payload(time.Hour), 200},
		{"12 hours", "POST", path, good, payload(12 * time.Hour), 200},
		{"no exp", "POST", path, good, `{"payload":"{}","delegates":[]}`, 200},
		{"over 12 hours", "POST", path, good, payload(12*time.Hour + time.Second), 400},
		{"past", "POST", path, good, payload(-time.Second), 400},
		{"exp is text", "POST", path, good, `{"payload":"{\"exp\":\"1\"}"}`, 400},
		{"no object", "POST", path, good, `{"payload":"7"}`, 400},
		{"null", "POST", path, good, `{"payload":"null"}`, 400},
		{"no payload", "POST", path, good, `{}`, 400},
		{"unknown field", "POST", path, good, `{"payload":"{}","scope":"x"}`, 400},
		{"no JSON", "POST", path, good, `payload`, 400},
		{"nobody", "POST", path, "", payload(time.Hour), 401},
		{"unknown token", "POST", path, "Bearer x", payload(time.Hour), 401},
		{"without the role", "POST", path, other, payload(time.Hour), 403},
		{"another account", "POST", strings.Replace(path, sa.Email, "x@y", 1), good, payload(time.Hour), 403},
		{"another method", "POST", strings.Replace(path, "signJwt", "signBlob", 1), good, payload(time.Hour), 404},
		{"a project", "POST", strings.Replace(path, "-/", "p/", 1), good, payload(time.Hour), 404},
		{"GET", "GET", path, good, "", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
			if tc.auth != "" {
				r.Header.Set("Authorization", tc.auth)
			}
			rec := httptest.NewRecorder()
			iam.ServeHTTP(rec, r)
			if rec.Code != tc.status {
				t.Fatalf("%d %s, want %d", rec.Code, rec.Body, tc.status)
			}
			if signed := strings.Contains(rec.Body.String(), "signedJwt"); signed != (tc.status == 200) {
				t.Errorf("signed: %v", signed)
			}
		})
	}
	iam.Enable(false)
	if _, _, refused := iam.sign(strings.TrimPrefix(good, "Bearer "), sa.Email, strings.NewReader(payload(time.Hour))); refused == nil || refused.Status != http.StatusForbidden {
		t.Errorf("the API is off: %+v", refused)
	}
	iam.Enable(true)
	signed, kid, refused := iam.sign(strings.TrimPrefix(good, "Bearer "), sa.Email, strings.NewReader(payload(time.Hour)))
	if refused != nil {
		t.Fatal(refused)
	}
	jws, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || jws.Signatures[0].Header.KeyID != kid || !tokens.accounts[sa.Email].verifies(jws) {
		t.Errorf("the token endpoint does not know the signature: %v", err)
	}
	if kid == sa.KeyID {
		t.Error("signed with the key of the key file")
	}
}
