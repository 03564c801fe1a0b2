package play

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"google.golang.org/api/androidenterprise/v1"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options says how a Client reaches Google.
type Options struct {
	// Credential returns the enterprise service account's JSON key file. It is
	// called at first use and again after a failure. Required unless Tokens is given.
	Credential func(context.Context) (secret.Value, error)
	// Tokens is where access tokens come from; nil is a source of the Client's own,
	// made of Credential.
	Tokens *google.Tokens
	// Log gets the alerts of the Client's own source (google.TokenOptions.Log); one
	// that is given as Tokens has its own.
	Log *slog.Logger
	// Caller limits, breaks and retries; nil is one with the defaults. It is
	// keyed by Google's enterprise id.
	Caller *google.Caller
	// Endpoint is the root URL of a simulator. Setting it also lets the key
	// file name any token_uri, so it has no place in production.
	Endpoint string
	// Base makes the requests, default http.DefaultTransport.
	Base http.RoundTripper
}

// Client calls the Play EMM API. It may be used concurrently.
type Client struct {
	opt    Options
	caller *google.Caller
	source *google.TokenSource

	mu  sync.Mutex
	api *androidenterprise.Service
}

var (
	_ account.Provider  = (*Client)(nil)
	_ account.Remover   = (*Client)(nil)
	_ account.Renamer   = (*Client)(nil)
	_ account.Inspector = (*Client)(nil)
)

// New returns a Client. It neither dials nor reads the credential; that happens
// at first use.
func New(opt Options) *Client {
	if opt.Caller == nil {
		opt.Caller = google.NewCaller(google.Options{})
	}
	if opt.Tokens == nil {
		opt.Tokens = google.NewTokens(google.TokenOptions{
			Credential: opt.Credential, AnyTokenURI: opt.Endpoint != "", Log: opt.Log, Base: opt.Base,
		})
	}
	return &Client{
		opt:    opt,
		caller: opt.Caller,
		source: opt.Tokens.For("", androidenterprise.AndroidenterpriseScope),
	}
}

// service returns Google's generated client, made at first use.
func (c *Client) service(ctx context.Context) (*androidenterprise.Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	opts := []option.ClientOption{
		option.WithHTTPClient(&http.Client{Transport: c.source.Transport()}),
		// By default the generated client writes whole replies, tokens included, to
		// standard error where GOOGLE_SDK_GO_LOGGING_LEVEL says debug.
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if c.opt.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.opt.Endpoint))
	}
	api, err := androidenterprise.NewService(ctx, opts...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, google.ReasonRefused, "The Play client cannot be made.")
	}
	c.api = api
	return api, nil
}

// do makes one call through the wrapper and brings its error into the kinds that
// account.Provider names.
func (c *Client) do(ctx context.Context, key, op string, idempotent bool, fn func(context.Context, *androidenterprise.Service) error) error {
	err := c.caller.Do(ctx, key, op, idempotent, func(ctx context.Context) error {
		api, err := c.service(ctx)
		if err != nil {
			return err
		}
		return fn(ctx, api)
	})
	f := fault.As(err)
	if f == nil {
		return err
	}
	switch f.Kind {
	case fault.Transient, fault.Exhausted, fault.NotFound, fault.Permanent:
		return f
	default:
		permanent := *f
		permanent.Kind = fault.Permanent
		return &permanent
	}
}

// required refuses empty path variables, which would make another method's URL.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fault.Field(pairs[i], "is required")
		}
	}
	return nil
}
