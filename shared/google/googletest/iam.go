package googletest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// SignJWTMethod is the method id of IAM in fault scripts and counts.
const SignJWTMethod = "iamcredentials.projects.serviceAccounts.signJwt"

// maxSigned is how far in the future the exp of a signed JWT may be
// (SignJwtRequest.payload).
const maxSigned = 12 * time.Hour

// IAM simulates projects.serviceAccounts.signJwt of the IAM Credentials API: it
// signs for the service accounts of a TokenEndpoint, with keys that never leave
// it, what those who have the role Service Account Token Creator ask for. It
// follows the TokenEndpoint's scripts and may be used concurrently.
type IAM struct {
	tokens *TokenEndpoint

	mu         sync.Mutex
	off        bool
	identities map[string]string          // principal by access token
	creators   map[string]map[string]bool // accounts by principal
	signers    map[string]jose.Signer     // by account
	keyIDs     map[string]string          // by account
}

// NewIAM returns an IAM for the service accounts of t.
func NewIAM(t *TokenEndpoint) *IAM {
	return &IAM{
		tokens: t, identities: map[string]string{}, creators: map[string]map[string]bool{},
		signers: map[string]jose.Signer{}, keyIDs: map[string]string{},
	}
}

// Identity returns a new access token of principal, as a function finds it in its
// surroundings.
func (i *IAM) Identity(principal string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	token := "ya29.ambient-" + rand.Text()
	i.identities[token] = principal
	return token
}

// Allow gives principal the role Service Account Token Creator on the account with
// this address, which must be registered; allowed false takes it away.
func (i *IAM) Allow(principal, email string, allowed bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.creators[principal] == nil {
		i.creators[principal] = map[string]bool{}
	}
	i.creators[principal][email] = allowed
	if i.signers[email] != nil {
		return nil
	}
	key, err := i.tokens.opt.NewKey()
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails
	id := hex.EncodeToString(b)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		return fmt.Errorf("make signer: %w", err)
	}
	i.tokens.mu.Lock()
	defer i.tokens.mu.Unlock()
	account := i.tokens.accounts[email]
	if account == nil {
		return fmt.Errorf("no service account %s", email)
	}
	account.keys[id] = &key.PublicKey
	i.signers[email], i.keyIDs[email] = signer, id
	return nil
}

// Enable turns the API on or off, as in the API library of Google's console.
func (i *IAM) Enable(on bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.off = !on
}

// ServeHTTP answers requests below the API's root URL.
func (i *IAM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.tokens.opt.Faults.Serve(w, r, SignJWTMethod, http.HandlerFunc(i.serve))
}

func (i *IAM) serve(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/v1/projects/-/serviceAccounts/")
	email, verb := strings.CutSuffix(name, ":signJwt")
	if !ok || !verb || r.Method != http.MethodPost {
		WriteError(w, Error{http.StatusNotFound, "notFound", "No such method: " + r.Method + " " + r.URL.Path})
		return
	}
	signed, id, refused := i.sign(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), email, r.Body)
	if refused != nil {
		WriteError(w, *refused)
		return
	}
	WriteJSON(w, map[string]string{"keyId": id, "signedJwt": signed})
}

// sign checks in Google's order: who asks, whether the API is on, whether they may,
// and what.
func (i *IAM) sign(bearer, email string, body io.Reader) (signed, keyID string, refused *Error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	principal, ok := i.identities[bearer]
	switch {
	case !ok:
		return "", "", &Error{http.StatusUnauthorized, "authError", "Request had invalid authentication credentials."}
	case i.off:
		return "", "", &Error{http.StatusForbidden, "accessNotConfigured", "IAM Service Account Credentials API has not been used in project before or it is disabled."}
	case !i.creators[principal][email]:
		return "", "", &Error{http.StatusForbidden, "forbidden", "Permission 'iam.serviceAccounts.signJwt' denied on resource (or it may not exist)."}
	}
	var req struct {
		Payload   string   `json:"payload"`
		Delegates []string `json:"delegates"`
	}
	d := json.NewDecoder(io.LimitReader(body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return "", "", &Error{http.StatusBadRequest, "badRequest", "Invalid JSON payload received."}
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal([]byte(req.Payload), &claims); err != nil || claims == nil {
		return "", "", &Error{http.StatusBadRequest, "badRequest", "The payload is not a JWT claims set."}
	}
	if raw, ok := claims["exp"]; ok {
		var exp int64
		now := i.tokens.opt.Now()
		if err := json.Unmarshal(raw, &exp); err != nil || exp < now.Unix() || exp > now.Add(maxSigned).Unix() {
			return "", "", &Error{http.StatusBadRequest, "badRequest", "The exp claim is not within 12 hours."}
		}
	}
	jws, err := i.signers[email].Sign([]byte(req.Payload))
	if err == nil {
		signed, err = jws.CompactSerialize()
	}
	if err != nil {
		return "", "", &Error{http.StatusInternalServerError, "", "Signing failed."}
	}
	return signed, i.keyIDs[email], nil
}
