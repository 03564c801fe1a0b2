package googletest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

const (
	testURL   = "https://oauth2.googleapis.com/token"
	testScope = "https://www.googleapis.com/auth/androidenterprise"
	other     = "https://www.googleapis.com/auth/admin.directory.user"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

type tokenReply struct {
	Status      int    `json:"-"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Token       string `json:"access_token"`
	Type        string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

func ask(t *testing.T, h http.Handler, form url.Values) tokenReply {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	reply := tokenReply{Status: rec.Code}
	if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	return reply
}

func sign(t *testing.T, sa ServiceAccount, kid string, alg jose.SignatureAlgorithm, c claims) string {
	t.Helper()
	opt := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		opt = opt.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: sa.Key}, opt)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each row of the documented refusals, word by word.
func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	e := NewTokenEndpoint(TokenOptions{URL: testURL, Now: func() time.Time { return epoch }})
	account := func(name string) ServiceAccount {
		sa, err := e.NewServiceAccount(name, testURL)
		if err != nil {
			t.Fatal(err)
		}
		return sa
	}
	sa, stranger, disabled, deleted := account("sa"), account("stranger"), account("disabled"), account("deleted")
	e.Delegate(sa.Email, testScope)
	e.SetSubject("ann@example.com", SubjectActive)
	e.SetSubject("sus@example.com", SubjectSuspended)
	e.SetAccount(disabled.Email, AccountDisabled)
	e.SetAccount(deleted.Email, AccountDeleted)

	good := claims{Issuer: sa.Email, Scope: testScope, Audience: testURL, IssuedAt: epoch.Unix(), Expires: epoch.Add(time.Hour).Unix()}
	type edit func(*claims)
	for _, tc := range []struct {
		name        string
		edit        edit
		signer      ServiceAccount
		kid         string
		status      int
		err         string
		description string
	}{
		{"good", func(*claims) {}, sa, sa.KeyID, 200, "", ""},
		{"good without kid", func(*claims) {}, sa, "", 200, "", ""},
		{"65 minutes", func(c *claims) { c.Expires = epoch.Add(65 * time.Minute).Unix() }, sa, sa.KeyID, 200, "", ""},
		{"clock a little ahead", func(c *claims) { c.IssuedAt += 200; c.Expires += 200 }, sa, sa.KeyID, 200, "", ""},
		{"66 minutes", func(c *claims) { c.Expires = epoch.Add(66 * time.Minute).Unix() }, sa, sa.KeyID, 400, "invalid_grant", badTimes},
		{"exp before iat", func(c *claims) { c.Expires = c.IssuedAt - 1 }, sa, sa.KeyID, 400, "invalid_grant", badTimes},
		{"expired", func(c *claims) { c.IssuedAt -= 7200; c.Expires -= 7200 }, sa, sa.KeyID, 400, "invalid_grant", badTimes},
		{"from the future", func(c *claims) { c.IssuedAt += 600; c.Expires += 600 }, sa, sa.KeyID, 400, "invalid_grant", badTimes},
		{"no times", func(c *claims) { c.IssuedAt, c.Expires = 0, 0 }, sa, sa.KeyID, 400, "invalid_grant", badTimes},
		{"another's key", func(*claims) {}, stranger, "", 400, "invalid_grant", badSignature},
		{"unknown kid", func(*claims) {}, sa, "nope", 400, "invalid_grant", badSignature},
		{"unknown issuer", func(c *claims) { c.Issuer = "x@y.example" }, sa, "", 400, "invalid_grant", noVerifier},
		{"audience", func(c *claims) { c.Audience = "https://other.example/token" }, sa, "", 400, "invalid_grant", badAudience},
		{"no scope", func(c *claims) { c.Scope = "" }, sa, "", 400, "invalid_scope", badScope},
		{"commas", func(c *claims) { c.Scope = testScope + "," + other }, sa, "", 400, "invalid_scope", badScope},
		{"unknown scope", func(c *claims) { c.Scope = "email" }, sa, "", 400, "invalid_scope", badScope},
		{"disabled", func(c *claims) { c.Issuer = disabled.Email }, disabled, "", 401, "disabled_client", "The OAuth client was disabled."},
		{"deleted", func(c *claims) { c.Issuer = deleted.Email }, deleted, "", 401, "deleted_client", "The OAuth client was deleted."},
		{"subject", func(c *claims) { c.Subject = "ann@example.com" }, sa, "", 200, "", ""},
		{"old name of the subject", func(c *claims) { c.Principal = "nobody@example.com" }, sa, "", 400, "invalid_grant", badSubject},
		{"suspended subject", func(c *claims) { c.Subject = "sus@example.com" }, sa, "", 400, "invalid_grant", badSubject},
		{"subject without @", func(c *claims) { c.Subject = "ann" }, sa, "", 400, "invalid_request", badSubForm},
		{"not delegated", func(c *claims) { c.Subject, c.Scope = "ann@example.com", other }, sa, "", 401, "unauthorized_client", noDelegation},
		{"partly delegated", func(c *claims) { c.Subject, c.Scope = "ann@example.com", testScope+" "+other }, sa, "", 403, "access_denied", notGranted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := good
			tc.edit(&c)
			got := ask(t, e, url.Values{"grant_type": {jwtBearer}, "assertion": {sign(t, tc.signer, tc.kid, jose.RS256, c)}})
			want := tokenReply{Status: tc.status, Error: tc.err, Description: tc.description}
			if tc.status == 200 {
				want.Type, want.ExpiresIn, want.Token = "Bearer", 3599, got.Token
				if g, ok := e.Grant(got.Token); !ok || g.Account != sa.Email || g.Subject != c.Subject {
					t.Errorf("grant %+v, %v", g, ok)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("algorithm", func(t *testing.T) {
		t.Parallel()
		got := ask(t, e, url.Values{"grant_type": {jwtBearer}, "assertion": {sign(t, sa, "", jose.PS256, good)}})
		if got.Description != badSignature {
			t.Errorf("PS256: %+v", got)
		}
	})
	t.Run("grant type", func(t *testing.T) {
		t.Parallel()
		if got := ask(t, e, url.Values{"grant_type": {"password"}}); got.Error != "unsupported_grant_type" {
			t.Errorf("password: %+v", got)
		}
	})
	t.Run("GET", func(t *testing.T) {
		t.Parallel()
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/token", nil))
		if rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET: %d", rec.Code)
		}
	})
}

// No assertion, however made, gets a token without a registered key.
func FuzzAssertion(f *testing.F) {
	f.Add("")
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzYSIsImlhdCI6MSwiZXhwIjoyfQ.AAAA")
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Add("eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.e30.AAAA")
	e := NewTokenEndpoint(TokenOptions{URL: testURL, Now: func() time.Time { return epoch }})
	sa, err := e.NewServiceAccount("sa", testURL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, assertion string) {
		jws, c, err := decodeAssertion(assertion)
		if err == nil && (jws == nil || strings.Count(assertion, ".") != 2) {
			t.Errorf("decoded %q to %+v", assertion, c)
		}
		if g, r := e.exchange(jwtBearer, assertion, testURL); r == nil && g.Account != sa.Email {
			t.Errorf("%q got %+v", assertion, g)
		} else if r == nil {
			t.Errorf("%q got a token without the key", assertion)
		}
	})
}
