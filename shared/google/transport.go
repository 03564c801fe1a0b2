package google

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/rollcall-emm/rollcall/shared/fault"
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
	resp, err := b.source.opt.Base.RoundTrip(withToken(req, token))
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

// recorder makes the token request cancellable and keeps its error. The oauth2
// library does neither: it sends without a context, and renders the error into
// text, from which nobody can tell a refused connection from a lost answer.
type recorder struct {
	ctx  context.Context //nolint:containedctx // lives for one fetch
	base http.RoundTripper
	sent bool
	err  error
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.base.RoundTrip(req.WithContext(r.ctx))
	r.sent, r.err = true, err
	return resp, err
}

// cause returns the error to classify for the library's err.
func (r *recorder) cause(err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		return refused
	case r.err != nil:
		return r.err
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case !r.sent:
		// The only step before sending is to sign.
		return fault.New(fault.Permanent, ReasonKey, "The service account's private key cannot be read.")
	default:
		return fault.Wrap(errors.New("answer is not the expected JSON"),
			fault.Transient, ReasonBackend, "Google's token endpoint answered nonsense.")
	}
}
