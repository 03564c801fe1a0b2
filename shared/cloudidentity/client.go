// Package cloudidentity is the client of Google's Cloud Identity API for policies:
// it reads what a Google administrator has set in the Admin console, such as what
// passwords must be like and whether mail may be fetched by IMAP, and changes
// nothing. Every call passes the google package's Caller (invariant E1).
//
// Google calls this the Policy API (cloud.google.com/identity/docs/concepts/
// overview-policies): only a super administrator may use it, so it is a super
// administrator whom the service account must act as here.
//
// Package cloudidentitytest simulates the API.
package cloudidentity

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"google.golang.org/api/cloudidentity/v1"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// Scope is all that a Client asks for.
const Scope = cloudidentity.CloudIdentityPoliciesReadonlyScope

// Options says how a Client reaches Google, and for whom.
type Options struct {
	// Enterprise is the key of limits and breaker. Required.
	Enterprise string
	// Token is the source of tokens with Scope that act for a super administrator
	// (google.Tokens.For). Required.
	Token *google.TokenSource
	// Caller limits, breaks and retries; nil is one with the defaults.
	Caller *google.Caller
	// Endpoint is the root URL of a simulator.
	Endpoint string
}

// Client calls the Policy API for one enterprise. It may be used concurrently.
type Client struct {
	opt Options

	mu  sync.Mutex
	api *cloudidentity.Service
}

// New returns a Client. It dials nothing before first use.
func New(opt Options) *Client {
	if opt.Caller == nil {
		opt.Caller = google.NewCaller(google.Options{})
	}
	return &Client{opt: opt}
}

// service returns Google's generated client, made at first use.
func (c *Client) service(ctx context.Context) (*cloudidentity.Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	opts := []option.ClientOption{
		option.WithHTTPClient(&http.Client{
			Transport: c.opt.Token.Transport(),
			// The bearer token must go to no other place.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		// By default the generated client writes whole requests to standard error
		// where GOOGLE_SDK_GO_LOGGING_LEVEL says debug.
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if c.opt.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.opt.Endpoint))
	}
	api, err := cloudidentity.NewService(context.WithoutCancel(ctx), opts...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, google.ReasonRefused, "The Cloud Identity client cannot be made.")
	}
	c.api = api
	return api, nil
}
