package google

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TokenOptions says whose access tokens are fetched, and how; the zero value of
// each field but Credential means its default.
type TokenOptions struct {
	// Credential returns a service account's credential as package credential
	// stores it. It is called at first use, again once Recheck has passed, and
	// after a failure that a new key could mend. Required.
	Credential func(context.Context) (secret.Value, error)
	// AnyTokenURI accepts a token endpoint that is not Google's: for development
	// against a simulator, never in production.
	AnyTokenURI bool
	// Ambient returns an access token of this process's own identity, with which a
	// keyless credential has its assertions signed; default AmbientToken.
	Ambient func(context.Context) (secret.Value, error)
	// IAMEndpoint is the root URL of the IAM Credentials API, default Google's.
	IAMEndpoint string
	// Enterprise is whose credential it is: the Caller's key, and what the log says.
	Enterprise string
	// Caller limits, breaks and retries the fetches, as "oauth2.token"; a token that
	// is kept passes by it. Nil is none: for a client whose own calls pass a Caller
	// with the fetch inside.
	Caller *Caller
	// Log gets a line at Error when the credential stops working for everybody, one
	// when it works again, and a warning when a grant is missing; default
	// slog.Default.
	Log *slog.Logger
	// Cache keeps the tokens; several Tokens may share one and its bound. The default
	// is a cache of its own.
	Cache *TokenCache
	// Parallel is how many fetches run at once at most, default 32.
	Parallel int
	// EarlyExpiry is how long before its end a token is given up, default 1 min.
	EarlyExpiry time.Duration
	// Recheck is how old the credential may be when a token is fetched with it,
	// default 10 min.
	Recheck time.Duration
	// Timeout bounds one fetch, default 20 s. A fetch belongs to all who wait
	// for it, so it has its own time instead of the first waiter's.
	Timeout time.Duration
	// SubjectPause is how long a refusal is believed for the person who met it,
	// default 1 min.
	SubjectPause time.Duration
	// ConfigPause is how often a missing grant is asked for, once several people of
	// a domain have met it, default 1 s.
	ConfigPause time.Duration
	// KeyPause is how long a broken credential is not tried again, default 30 s.
	KeyPause time.Duration
	// Base makes the requests, default http.DefaultTransport.
	Base http.RoundTripper
	// Now is the clock of the cache and of assertions, default time.Now. KeyPause
	// runs by the machine's clock, which the breaker library reads.
	Now func() time.Time
	// Jitter returns a random duration in [0, d), d > 0. It is called concurrently.
	// The default uses math/rand/v2.
	Jitter func(d time.Duration) time.Duration
}

// AccessToken is a token with its end by the clock of TokenOptions.
type AccessToken struct {
	Value  secret.Value
	Expiry time.Time
}

// Scopes is a set of OAuth scopes, comparable with ==.
type Scopes struct{ joined unique.Handle[string] }

// NewScopes returns the set of the given scopes; order and doubles do not matter.
func NewScopes(scopes ...string) Scopes {
	sorted := slices.Compact(slices.Sorted(slices.Values(scopes)))
	return Scopes{unique.Make(strings.Join(sorted, " "))}
}

// String returns the scopes in order, separated by spaces, as RFC 6749 has them.
func (s Scopes) String() string {
	if s == (Scopes{}) {
		return ""
	}
	return s.joined.Value()
}

func (o *TokenOptions) setDefaults() {
	setDefault(&o.Parallel, 32)
	setDefault(&o.EarlyExpiry, time.Minute)
	setDefault(&o.Recheck, 10*time.Minute)
	setDefault(&o.Timeout, 20*time.Second)
	setDefault(&o.SubjectPause, time.Minute)
	setDefault(&o.ConfigPause, time.Second)
	setDefault(&o.KeyPause, 30*time.Second)
	if o.Ambient == nil {
		o.Ambient = AmbientToken()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Cache == nil {
		o.Cache = NewTokenCache(0)
	}
	if o.Base == nil {
		o.Base = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.N[time.Duration]
	}
}
