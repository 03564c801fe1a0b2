package mailtoken

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	// window is how far a proof's time may lie from ours, either way. It is shorter than
	// a device's: a server's clock is right, and this process alone remembers proofs.
	window = 60 * time.Second
	// maxProofs bounds how many proofs of one client are remembered, for two to four
	// minutes each.
	maxProofs = 20_000
	// maxIDToken bounds an ID token; real ones have about 1,000 characters.
	maxIDToken = 16 << 10
)

// authenticate returns who asks, by a proof of the client's key or by an ID token of its
// service account, and reads the request. Whatever is wrong with either is
// fault.Unauthorized, and so is giving both.
func (s *Issuer) authenticate(w http.ResponseWriter, r *http.Request, req *mailclient.TokenRequest) (*caller, error) {
	bearer := r.Header.Values("Authorization")
	switch {
	case len(bearer) == 0:
		return s.byProof(w, r, req)
	case len(bearer) > 1 || len(r.Header.Values(proof.Header)) > 0:
		return nil, refusal("credentials-several")
	}
	return s.byIDToken(w, r, bearer[0], req)
}

func (s *Issuer) byProof(w http.ResponseWriter, r *http.Request, req *mailclient.TokenRequest) (*caller, error) {
	now := s.now()
	v, err := api.Proven(w, r, s.opt.URL, now, req)
	if err != nil {
		return nil, err
	}
	if off := now.Sub(v.IssuedAt); off > window || off < -window {
		return nil, refusal("proof-time")
	}
	c, err := s.client(r.Context(), mailclient.KeyID(v.Thumbprint))
	if err != nil {
		return nil, err
	}
	return c, s.proofs.admit(c.ID, v.ID, now)
}

func (s *Issuer) byIDToken(w http.ResponseWriter, r *http.Request, header string, req *mailclient.TokenRequest) (*caller, error) {
	body, err := api.ReadBody(w, r, protocol.MaxBody)
	if err != nil {
		return nil, err
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(token) > maxIDToken {
		return nil, refusal("id-token-missing")
	}
	account, err := s.opt.IDTokens.ServiceAccount(r.Context(), s.opt.IDIssuer, s.opt.URL, secret.New(token))
	if err != nil {
		return nil, err
	}
	c, err := s.client(r.Context(), mailclient.AccountID(account.Subject))
	if err != nil {
		return nil, err
	}
	return c, api.Decode(body, req)
}

// IDTokens verifies ID tokens of service accounts; *oidc.Verifier does.
type IDTokens interface {
	ServiceAccount(ctx context.Context, issuer, audience string, token secret.Value) (oidc.ServiceAccount, error)
}

// proofs remembers which proofs were used. Only those of registered clients are
// remembered, and each client has room of its own, so that nobody uses up another's.
type proofs struct {
	mu       sync.Mutex
	byClient map[string]*recent[[16]byte, struct{}]
}

// admit refuses a proof that was used with this process.
func (p *proofs) admit(client, id string, now time.Time) error {
	sum := sha256.Sum256([]byte(id))
	was, full := p.of(client).add([16]byte(sum[:16]), struct{}{}, now)
	switch {
	case was:
		return refusal("proof-reused")
	case full:
		return fault.New(fault.Exhausted, "too-many-requests",
			"this mail client makes too many requests; ask for up to %d mailboxes with each", mailclient.MaxBatch).After(window)
	}
	return nil
}

func (p *proofs) of(client string) *recent[[16]byte, struct{}] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byClient == nil {
		p.byClient = map[string]*recent[[16]byte, struct{}]{}
	}
	r := p.byClient[client]
	if r == nil {
		// A proof from the end of the window ahead is good for twice the window.
		r = newRecent[[16]byte, struct{}](2*window+time.Second, maxProofs)
		p.byClient[client] = r
	}
	return r
}
