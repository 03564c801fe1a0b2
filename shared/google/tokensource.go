package google

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TokenSource is Tokens for one subject and one set of scopes, as the client of
// one API needs it. It may be used concurrently.
type TokenSource struct {
	tokens  *Tokens
	subject string
	scopes  Scopes
}

// For returns the source of the tokens with which to act for subject, or for the
// service account itself where it is empty.
func (t *Tokens) For(subject string, scopes ...string) *TokenSource {
	return &TokenSource{t, subject, NewScopes(scopes...)}
}

// Token returns a valid access token. Its errors are those of Tokens.Token.
func (s *TokenSource) Token(ctx context.Context) (secret.Value, error) {
	tok, err := s.tokens.Token(ctx, s.subject, s.scopes)
	return tok.Value, err
}

// Forget drops the token that Google rejected; a newer one stays.
func (s *TokenSource) Forget(rejected secret.Value) {
	if in := s.tokens.inUse.Load(); in != nil {
		s.tokens.opt.Cache.forget(tokenKey{in.owner, s.scopes, s.subject}, rejected)
	}
}
