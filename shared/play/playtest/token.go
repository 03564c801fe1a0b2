package playtest

import (
	"crypto/rand"
	"time"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// TokenState is what became of an authentication token.
type TokenState string

// The states of an authentication token.
const (
	TokenIssued     TokenState = "issued"
	TokenConsumed   TokenState = "consumed"
	TokenExpired    TokenState = "expired"
	TokenSuperseded TokenState = "superseded"
)

type token struct {
	enterprise *enterprise
	user       *user
	expires    time.Time
	state      TokenState
}

// at returns the state at the given time; a token ends without being touched.
func (t *token) at(now time.Time) TokenState {
	if t.state == TokenIssued && !now.Before(t.expires) {
		return TokenExpired
	}
	return t.state
}

// mintToken issues a single-use token. For a device account it deactivates the
// one before.
func (s *Server) mintToken(c googletest.Call) (any, *googletest.Error) {
	e, u, refused := s.emmUserLocked(c)
	if refused != nil {
		return nil, refused
	}
	now := s.opt.Now()
	if u.info.AccountType == deviceAccount {
		for _, old := range u.tokens {
			if old.at(now) == TokenIssued {
				old.state = TokenSuperseded
			}
		}
	}
	value := "sim-auth-" + rand.Text()
	t := &token{enterprise: e, user: u, expires: now.Add(s.opt.TokenTTL), state: TokenIssued}
	s.tokens[value] = t
	s.minted = append(s.minted, value)
	u.tokens = append(u.tokens, t)
	return withKind("authenticationToken", androidenterprise.AuthenticationToken{Token: value})
}
