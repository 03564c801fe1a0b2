package google

import (
	"net/http"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Transport returns a RoundTripper that adds the source's access token to every
// request, for option.WithHTTPClient. Unlike oauth2.Transport it gives up
// waiting for a token when the request's context ends, and forgets a token that
// Google answers with 401, so that the next attempt fetches another.
func (s *TokenSource) Transport() http.RoundTripper { return bearer{s} }

type bearer struct{ source *TokenSource }

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := b.source.Token(req.Context())
	if err != nil {
		if req.Body != nil {
			// The contract of http.RoundTripper: the body is closed on error too.
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := b.source.tokens.opt.Base.RoundTrip(withToken(req, token))
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		b.source.Forget(token)
	}
	return resp, err
}

func withToken(req *http.Request, token secret.Value) *http.Request {
	r := req.Clone(req.Context())
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	return r
}
