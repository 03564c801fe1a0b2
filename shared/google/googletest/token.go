package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// TokenMethod is the method id of the token endpoint in fault scripts and counts.
const TokenMethod = "oauth2.token"

// TokenOptions adjusts a TokenEndpoint; the zero value of each field means its
// default.
type TokenOptions struct {
	// URL is the audience that assertions must name; the default is the URL that
	// the request was sent to.
	URL string
	// Now is the clock, default time.Now. Assertions carry the times of the
	// signing library, which reads the machine's clock.
	Now func() time.Time
	// Skew is how far the signer's clock may be ahead, default 5 min.
	Skew time.Duration
	// Lifetime is how long access tokens live, default 1 h.
	Lifetime time.Duration
	// AccessDeniedStatus is the HTTP status of access_denied, default 403. Google
	// does not document it.
	AccessDeniedStatus int
	// NewKey makes the RSA keys of service accounts, default a new one of 2048
	// bits each time; see KeyRing.
	NewKey func() (*rsa.PrivateKey, error)
	// Faults is the script to follow; nil is none.
	Faults *Faults
}

// Grant is what an access token stands for.
type Grant struct {
	// Account is the service account's e-mail address.
	Account string
	// Subject is the impersonated person; empty for the account itself.
	Subject string
	Scopes  []string
	Expires time.Time
}

// SubjectState says whether a person may be impersonated.
type SubjectState int

// The states of a subject; an address never set is SubjectUnknown.
const (
	SubjectUnknown SubjectState = iota
	SubjectActive
	SubjectSuspended
)

// TokenEndpoint simulates https://oauth2.googleapis.com/token for the jwt-bearer
// grant: it verifies signature, audience, times, scopes and subject, refuses in
// Google's words, and issues opaque tokens. It may be used concurrently.
type TokenEndpoint struct {
	opt TokenOptions

	mu       sync.Mutex
	accounts map[string]*registered // by e-mail
	subjects map[string]SubjectState
	grants   map[string]Grant // by access token
	seen     []string         // every assertion, for leak searches
}

// NewTokenEndpoint returns a TokenEndpoint without accounts.
func NewTokenEndpoint(opt TokenOptions) *TokenEndpoint {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Skew == 0 {
		opt.Skew = 5 * time.Minute
	}
	if opt.Lifetime == 0 {
		opt.Lifetime = time.Hour
	}
	if opt.AccessDeniedStatus == 0 {
		opt.AccessDeniedStatus = http.StatusForbidden
	}
	if opt.NewKey == nil {
		opt.NewKey = newKey
	}
	if opt.Faults == nil {
		opt.Faults = NewFaults(FaultOptions{})
	}
	return &TokenEndpoint{
		opt:      opt,
		accounts: map[string]*registered{},
		subjects: map[string]SubjectState{},
		grants:   map[string]Grant{},
	}
}

// ServeHTTP answers a token request at whatever path it is mounted.
func (t *TokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.opt.Faults.Serve(w, r, TokenMethod, http.HandlerFunc(t.serve))
}

func (t *TokenEndpoint) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Bad Request"})
		return
	}
	grant, refusal := t.exchange(r.PostForm.Get("grant_type"), r.PostForm.Get("assertion"), t.audience(r))
	if refusal != nil {
		writeJSON(w, refusal.status, map[string]string{"error": refusal.code, "error_description": refusal.description})
		return
	}
	token := "ya29.sim-" + rand.Text()
	t.mu.Lock()
	t.grants[token] = grant
	t.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token,
		"token_type":   "Bearer",
		"expires_in":   int(t.opt.Lifetime.Seconds()) - 1,
	})
}

func (t *TokenEndpoint) audience(r *http.Request) string {
	if t.opt.URL != "" {
		return t.opt.URL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.URL.Path
}

// Grant returns what an access token stands for; ok is false for a token that
// was never issued, has ended, or was revoked.
func (t *TokenEndpoint) Grant(accessToken string) (g Grant, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok = t.grants[accessToken]
	return g, ok && t.opt.Now().Before(g.Expires)
}

// RevokeAll ends every access token, as a change of password would.
func (t *TokenEndpoint) RevokeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, g := range t.grants {
		g.Expires = time.Time{}
		t.grants[token] = g
	}
}

// SetSubject says whether the person may be impersonated; email is compared
// without case.
func (t *TokenEndpoint) SetSubject(email string, s SubjectState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subjects[strings.ToLower(email)] = s
}

// Secrets returns every access token and assertion seen so far, for tests that
// search logs and errors for them.
func (t *TokenEndpoint) Secrets() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(slices.Sorted(maps.Keys(t.grants)), t.seen...)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	// The client may have gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
