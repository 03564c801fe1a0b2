package admin

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// issuer is an identity provider that really signs.
type issuer struct {
	*httptest.Server
	key     *rsa.PrivateKey
	down    atomic.Bool
	fetches atomic.Int64
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		if i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(set)
	}))
	t.Cleanup(i.Close)
	return i
}

func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *issuer) platform(t *testing.T) *Platform {
	t.Helper()
	p, err := NewPlatform(PlatformConfig{
		Issuer: i.URL, KeysURL: i.URL + "/certs", Audiences: []string{"https://emm.example.com/admin", GcloudAudience},
		Admins: []string{"Ada@example.com"}, Client: i.Client(), Now: func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (i *issuer) claims() map[string]any {
	return map[string]any{
		"iss": i.URL, "aud": GcloudAudience, "exp": clock.Add(time.Hour).Unix(), "iat": clock.Unix(),
		"sub": "1", "email": "ada@example.com", "email_verified": true,
	}
}

func withToken(t *testing.T, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/enterprises", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := i.platform(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		edit func(map[string]any)
		key  any
		alg  jose.SignatureAlgorithm
		kind fault.Kind // Unknown where the admin is admitted
	}{
		{"right", nil, i.key, jose.RS256, fault.Unknown},
		{"several audiences", func(c map[string]any) { c["aud"] = []string{"x", "https://emm.example.com/admin"} }, i.key, jose.RS256, fault.Unknown},
		{"forged", nil, other, jose.RS256, fault.Unauthorized},
		{"another algorithm", nil, []byte(strings.Repeat("k", 32)), jose.HS256, fault.Unauthorized},
		{"expired", func(c map[string]any) { c["exp"] = clock.Add(-time.Second).Unix() }, i.key, jose.RS256, fault.Unauthorized},
		{"another issuer", func(c map[string]any) { c["iss"] = "https://evil.example" }, i.key, jose.RS256, fault.Unauthorized},
		{"another audience", func(c map[string]any) { c["aud"] = "https://other.example" }, i.key, jose.RS256, fault.Unauthorized},
		{"no audience", func(c map[string]any) { delete(c, "aud") }, i.key, jose.RS256, fault.Unauthorized},
		{"unverified", func(c map[string]any) { c["email_verified"] = false }, i.key, jose.RS256, fault.Unauthorized},
		{"no e-mail", func(c map[string]any) { delete(c, "email") }, i.key, jose.RS256, fault.Unauthorized},
		{"not an admin", func(c map[string]any) { c["email"] = "eve@example.com" }, i.key, jose.RS256, fault.Denied},
	} {
		t.Run(tc.name, func(t *testing.T) {
			claims := i.claims()
			if tc.edit != nil {
				tc.edit(claims)
			}
			who, err := p.Authenticate(withToken(t, sign(t, tc.key, tc.alg, claims)))
			if tc.kind == fault.Unknown {
				if err != nil || who != "ada@example.com" {
					t.Errorf("%q, %v", who, err)
				}
				return
			}
			if fault.KindOf(err) != tc.kind {
				t.Errorf("%v, want %v", err, tc.kind)
			}
		})
	}
	for _, token := range []string{"", "x", "a.b.c"} {
		if _, err := p.Authenticate(withToken(t, token)); fault.KindOf(err) != fault.Unauthorized {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestPlatformFetchesKeysLazilyAndAgain(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := i.platform(t)
	if n := i.fetches.Load(); n != 0 {
		t.Errorf("fetched %d times before the first token", n)
	}
	token := sign(t, i.key, jose.RS256, i.claims())
	i.down.Store(true)
	if _, err := p.Authenticate(withToken(t, token)); fault.KindOf(err) != fault.Transient {
		t.Errorf("with the provider down: %v, want transient", err)
	}
	i.down.Store(false)
	for range 3 {
		if _, err := p.Authenticate(withToken(t, token)); err != nil {
			t.Errorf("with the provider up again: %v", err)
		}
	}
	if n := i.fetches.Load(); n != 2 {
		t.Errorf("fetched %d times, want 2", n)
	}
}

func TestPlatformThroughTheHandler(t *testing.T) {
	t.Parallel()
	b, i := newBench(t), newIssuer(t)
	b.office.Auth = i.platform(t)
	h := b.office.Handler(b.edge())
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/enterprises", strings.NewReader(`{"id":"acme","name":"Acme","play":"LC01"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+sign(t, i.key, jose.RS256, i.claims()))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if d := cmp.Diff([]string{"admin:ada@example.com enterprise.create enterprise:acme ok"}, b.trail("acme")); d != "" {
		t.Errorf("%d: -want +got:\n%s", w.Code, d)
	}
	eve := i.claims()
	eve["email"] = "eve@example.com"
	w = httptest.NewRecorder()
	h.ServeHTTP(w, withToken(t, sign(t, i.key, jose.RS256, eve)))
	if w.Code != 403 || !strings.Contains(w.Body.String(), "eve@example.com is not an admin") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNewPlatformRefuses(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]PlatformConfig{
		"audiences": {Admins: []string{"a@example.com"}},
		"admins":    {Audiences: []string{"x"}},
		"admins[0]": {Audiences: []string{"x"}, Admins: []string{"local"}},
	} {
		_, err := NewPlatform(c)
		if e := fault.As(err); e == nil || e.Field != field {
			t.Errorf("%v, want a refusal of %s", err, field)
		}
	}
}
