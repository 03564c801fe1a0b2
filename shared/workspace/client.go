package workspace

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/option"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options says how a Client reaches Google, and for whom.
type Options struct {
	// Enterprise is the key of limits and breaker. Required.
	Enterprise string
	// Subject is the address of the administrator to impersonate. Required: a
	// service account has no rights of its own in a directory.
	Subject string
	// Credential returns the service account's JSON key file. It is called at
	// first use and again after a failure. Required unless Tokens is given.
	Credential func(context.Context) (secret.Value, error)
	// Tokens is where access tokens come from, to share them with other clients of
	// the same credential; nil is a source of the Client's own, made of Credential.
	Tokens *google.Tokens
	// Log gets the alerts of the Client's own source (google.TokenOptions.Log); one
	// that is given as Tokens has its own.
	Log *slog.Logger
	// ReadOnly asks for the scope that only reads (invariant D1). Whatever would
	// change a user is then ReasonReadOnly, without a call.
	ReadOnly bool
	// Caller limits, breaks and retries; nil is one with CallerOptions.
	Caller *google.Caller
	// Creations limits Insert; nil is one with the defaults. Clients of the same
	// domains should share one.
	Creations *CreationLimit
	// Propagation is how long after a user's creation Google may still deny that
	// the user is there, default 15 min.
	Propagation time.Duration
	// PageSize is how many users a page of a listing has at most, 1 to the constant
	// of that name, which is the default: fewer make a listing dearer, and a test's
	// walk longer.
	PageSize int
	// Now is the clock that ages are told by, default time.Now.
	Now func() time.Time
	// Endpoint is the root URL of a simulator. Setting it also lets the key
	// file name any token_uri, so it has no place in production.
	Endpoint string
	// Base makes the requests, default http.DefaultTransport.
	Base http.RoundTripper
}

// Quota is how many calls a minute Google lets one person make in a project
// ("Directory API: Limits and Quotas").
const Quota = 2400

// CallerOptions returns the limits of a Caller for the Directory API: rate and burst
// together stay below the Quota in every minute.
func CallerOptions() google.Options {
	const rate = 38
	return google.Options{Rate: rate, Burst: Burst(rate)}
}

// Burst is how many calls at once a Caller of the given rate, in calls a second, has
// after a time without calls: those of two seconds, so that many processes with a
// small share of the Quota keep to it, but 100 at most.
func Burst(rate int) int { return min(2*rate, 100) }

// Client calls the Directory API for one enterprise. It may be used concurrently.
type Client struct {
	opt      Options
	users    *access
	security *access
}

// access is Google's generated client under one set of scopes.
type access struct {
	opt    Options
	source *google.TokenSource

	mu  sync.Mutex
	api *admin.Service
}

// New returns a Client. It neither dials nor reads the credential; that happens
// at first use.
func New(opt Options) *Client {
	if opt.Caller == nil {
		opt.Caller = google.NewCaller(CallerOptions())
	}
	if opt.Creations == nil {
		opt.Creations = NewCreationLimit(CreationOptions{})
	}
	if opt.Propagation <= 0 {
		opt.Propagation = 15 * time.Minute
	}
	if opt.PageSize <= 0 || opt.PageSize > PageSize {
		opt.PageSize = PageSize
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	scope := admin.AdminDirectoryUserScope
	if opt.ReadOnly {
		scope = admin.AdminDirectoryUserReadonlyScope
	}
	tokens := opt.Tokens
	if tokens == nil {
		tokens = google.NewTokens(google.TokenOptions{
			Credential: opt.Credential, AnyTokenURI: opt.Endpoint != "", Enterprise: opt.Enterprise, Log: opt.Log, Base: opt.Base,
		})
	}
	return &Client{
		opt:   opt,
		users: newAccess(opt, tokens, scope),
		// A scope of its own, for a missing grant fails a whole token.
		security: newAccess(opt, tokens, admin.AdminDirectoryUserSecurityScope),
	}
}

func newAccess(opt Options, tokens *google.Tokens, scope string) *access {
	return &access{opt: opt, source: tokens.For(opt.Subject, scope)}
}

// service returns Google's generated client, made at first use.
func (a *access) service(ctx context.Context) (*admin.Service, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.api != nil {
		return a.api, nil
	}
	opts := []option.ClientOption{
		option.WithHTTPClient(&http.Client{Transport: replies{a.source.Transport()}}),
		// By default the generated client writes whole requests, passwords
		// included, to standard error where GOOGLE_SDK_GO_LOGGING_LEVEL says debug.
		option.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if a.opt.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(a.opt.Endpoint))
	}
	api, err := admin.NewService(ctx, opts...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, google.ReasonRefused, "The Directory client cannot be made.")
	}
	a.api = api
	return api, nil
}

// operation is one kind of call.
type operation struct {
	name       string
	idempotent bool
	// key is the user that the call is about, if it is about one.
	key Key
	// paged says that the call carries a page token.
	paged bool
}

// harmless are the operations that change no user.
var harmless = map[string]bool{opList: true, opGet: true, opWatch: true, opStop: true}

// do makes one call through the wrapper. reply, where it is not nil, is a
// pointer that takes the answer.
func (c *Client) do(ctx context.Context, a *access, op operation, reply any, fn func(context.Context, *admin.Service) error) error {
	if err := required("Options.Enterprise", c.opt.Enterprise, "Options.Subject", c.opt.Subject); err != nil {
		return err
	}
	if c.opt.ReadOnly && !harmless[op.name] {
		return fault.New(fault.Permanent, ReasonReadOnly, "This enterprise's Google directory is only read, never changed.")
	}
	return c.opt.Caller.Do(ctx, c.opt.Enterprise, op.name, op.idempotent, func(ctx context.Context) error {
		api, err := a.service(ctx)
		if err != nil {
			return err
		}
		if reply != nil {
			ctx = withReply(ctx, reply)
		}
		return c.settle(op.key, refusal(op, fn(ctx, api)))
	})
}

// required refuses empty values; an empty path variable would make another
// method's URL.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fault.Field(pairs[i], "is required")
		}
	}
	return nil
}

func nonsense(what string) error {
	return fault.New(fault.Transient, google.ReasonBackend, "Google answered with %s.", what)
}
