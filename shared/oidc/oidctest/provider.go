// Package oidctest is an identity provider for tests: discovery, keys that rotate, and
// ID tokens that are really signed, as OpenID Connect Core 1.0 and Discovery 1.0 say.
// Every request for anything else fails the test.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is an identity provider. It may be used concurrently.
type Provider struct {
	// URL is the issuer.
	URL string

	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	keys     []key // the last one signs
	made     int
	fault    Fault
	document map[string]any
	requests map[string]int
}

// key is a signing key; published says whether the key set has it.
type key struct {
	id        string
	alg       jose.SignatureAlgorithm
	private   crypto.Signer
	published bool
}

// Fault answers a request in the provider's place and reports whether it did.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// The provider's paths.
const (
	Discovery = "/.well-known/openid-configuration"
	Keys      = "/keys"
)

// New returns a provider with one ES256 key, which ends with the test.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{t: t, requests: map[string]int{}, document: map[string]any{}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	p.Rotate(jose.ES256)
	return p
}

// ServeHTTP serves the provider's documents.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests[r.URL.Path]++
	fault := p.fault
	p.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodGet && r.URL.Path == Discovery:
		_ = json.NewEncoder(w).Encode(p.metadata())
	case r.Method == http.MethodGet && r.URL.Path == Keys:
		_ = json.NewEncoder(w).Encode(p.keySet())
	default:
		p.t.Errorf("the identity provider was asked for %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *Provider) metadata() map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := map[string]any{
		"issuer": p.URL, "jwks_uri": p.URL + Keys, "authorization_endpoint": p.URL + "/authorize",
		"token_endpoint": p.URL + "/token", "response_types_supported": []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"},
	}
	for k, v := range p.document {
		m[k] = v
	}
	return m
}

func (p *Provider) keySet() jose.JSONWebKeySet {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range p.keys {
		if k.published {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
		}
	}
	return set
}

// Metadata changes a member of the discovery document.
func (p *Provider) Metadata(name string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.document[name] = value
}

// Fail has fault answer from now on; nil ends it.
func (p *Provider) Fail(fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// Down is the Fault of a provider that is away.
func Down(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprint(w, "the provider's own words")
	return true
}

// Requests returns how often a path was asked for.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// Rotate makes a new key, publishes it and signs with it from now on. Earlier keys
// stay published.
func (p *Provider) Rotate(alg jose.SignatureAlgorithm) {
	p.t.Helper()
	var private crypto.Signer
	var err error
	if alg == jose.ES256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	p.keys = append(p.keys, key{fmt.Sprintf("key-%d", p.made), alg, private, true})
}

// Withdraw unpublishes every key but the one that signs.
func (p *Provider) Withdraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = p.keys[len(p.keys)-1:]
}

// Claims returns those of a good token for a person: change what is to be wrong.
func (p *Provider) Claims(audience, nonce, subject string, now time.Time) map[string]any {
	return map[string]any{
		"iss": p.URL, "aud": audience, "sub": subject, "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// Sign returns the token of the claims, by the key that signs.
func (p *Provider) Sign(claims map[string]any) string {
	p.t.Helper()
	p.mu.Lock()
	k := p.keys[len(p.keys)-1]
	p.mu.Unlock()
	return SignWith(p.t, k.alg, k.private, k.id, claims)
}

// SignWith returns the token of the claims by any key, which a provider may not know.
func SignWith(t testing.TB, alg jose.SignatureAlgorithm, private any, kid string, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: private},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
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

// Unsigned returns a token with the algorithm "none" and the given third part.
func Unsigned(t testing.TB, claims map[string]any, signature string) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + b64(payload) + "." + signature
}
