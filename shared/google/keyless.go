package google

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"golang.org/x/oauth2"
	oauthgoogle "golang.org/x/oauth2/google"
	"google.golang.org/api/iamcredentials/v1"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// signJWT has Google sign an assertion with a key of its own (IAM Credentials,
// projects.serviceAccounts.signJwt; invariant K4). A refusal is one of the whole
// credential: whom the assertion is for does not matter here.
func (t *Tokens) signJWT(ctx context.Context, email string, payload []byte) (string, error) {
	ambient, err := t.opt.Ambient(ctx)
	if err != nil {
		if fault.As(err) != nil || ctx.Err() != nil {
			return "", err
		}
		return "", fault.Wrap(errors.New("no ambient credentials"), fault.Transient, ReasonIdentity,
			"This process has no identity of its own at Google, which a keyless credential needs; run it as a service account.")
	}
	api, err := t.iamClient(ctx)
	if err != nil {
		return "", err
	}
	call := api.Projects.ServiceAccounts.SignJwt("projects/-/serviceAccounts/"+email, &iamcredentials.SignJwtRequest{Payload: string(payload)})
	call.Header().Set("Authorization", "Bearer "+ambient.Reveal())
	reply, err := call.Context(ctx).Do()
	if err != nil {
		return "", t.refusedToSign(err)
	}
	if !isToken(reply.SignedJwt) {
		return "", fault.New(fault.Transient, ReasonBackend, "Google signed nothing.")
	}
	return reply.SignedJwt, nil
}

// refusedToSign tells what to change and where.
func (t *Tokens) refusedToSign(err error) error {
	f := fault.As(classify(err, t.opt.Now))
	switch f.Reason {
	case ReasonConfig:
		return fault.Wrap(f.Err, fault.Permanent, ReasonKey,
			"Google does not sign for the service account: enable the IAM Service Account Credentials API (iamcredentials.googleapis.com) in its project.")
	case ReasonForbidden, ReasonNotFound:
		return fault.Wrap(f.Err, fault.Permanent, ReasonKey, "Google does not let this process sign for the service account: check that it exists, "+
			"and grant this process's own service account the role Service Account Token Creator (roles/iam.serviceAccountTokenCreator) on it.")
	case ReasonInvalid, ReasonRefused:
		return fault.Wrap(f.Err, fault.Permanent, ReasonKey, "Google does not sign for the service account; it may be disabled or deleted.")
	default:
		return f
	}
}

// iamClient returns Google's generated client, made at first use.
func (t *Tokens) iamClient(ctx context.Context) (*iamcredentials.Service, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.iam != nil {
		return t.iam, nil
	}
	opts := []option.ClientOption{
		option.WithHTTPClient(&http.Client{
			Transport: t.opt.Base,
			// The bearer token must go to no other place.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		// By default the generated client writes whole requests, assertions included,
		// to standard error where GOOGLE_SDK_GO_LOGGING_LEVEL says debug.
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if t.opt.IAMEndpoint != "" {
		opts = append(opts, option.WithEndpoint(t.opt.IAMEndpoint))
	}
	api, err := iamcredentials.NewService(context.WithoutCancel(ctx), opts...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, ReasonRefused, "The IAM Credentials client cannot be made.")
	}
	t.iam = api
	return api, nil
}

// AmbientToken returns a source of access tokens of this process's own identity
// (Application Default Credentials: on Google Cloud the function's service
// account). It looks for the identity at first use and again after a failure.
func AmbientToken() func(context.Context) (secret.Value, error) {
	source := make(chan oauth2.TokenSource, 1)
	source <- nil
	return func(ctx context.Context) (secret.Value, error) {
		type result struct {
			token *oauth2.Token
			err   error
		}
		done := make(chan result, 1)
		// The library's sources know no context.
		go func() {
			s := <-source
			defer func() { source <- s }()
			var r result
			if s == nil {
				if s, r.err = oauthgoogle.DefaultTokenSource(context.WithoutCancel(ctx), iamcredentials.CloudPlatformScope); r.err != nil {
					s = nil
				}
			}
			if s != nil {
				r.token, r.err = s.Token()
			}
			done <- r
		}()
		select {
		case <-ctx.Done():
			return secret.Value{}, ctx.Err()
		case r := <-done:
			if r.err != nil {
				return secret.Value{}, r.err
			}
			return secret.New(r.token.AccessToken), nil
		}
	}
}
