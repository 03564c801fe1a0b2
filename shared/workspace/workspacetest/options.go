package workspacetest

import (
	"context"
	"crypto/rsa"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// Options adjusts a Server; the zero value of each field means its default.
type Options struct {
	// Now is the clock of everything but the OAuth endpoint, default time.Now.
	Now func() time.Time
	// Settling is how long after users.insert other calls for that user meet one
	// of Unsettled in turn; default 0, which is never. Google says minutes.
	Settling time.Duration
	// Unsettled are the refusals of a user who is half there; default is all of
	// the observed ones: 404, 412 "User creation is not complete", 403.
	Unsettled []googletest.Error
	// StatusDelay is how long after users.insert replies lack suspended and
	// archived; default 0.
	StatusDelay time.Duration
	// TokenLife is how long a page token is good for, default 3 days.
	TokenLife time.Duration
	// Retention is how long a deleted user can be restored, default 20 days.
	Retention time.Duration
	// QuotaPerMinute is how many calls one person may make in a minute, default
	// 2,400.
	QuotaPerMinute int
	// CreationsPerSecond is how many users one domain may get in a second,
	// default 10.
	CreationsPerSecond int
	// ChannelDefault and ChannelMax are how long a notification channel lives
	// unasked and at most, default 2 h and 6 h. Google documents 2 days; 6 h is
	// what users of the API see.
	ChannelDefault, ChannelMax time.Duration
	// Callback sends the notifications; nil is one with the system's roots. It
	// must trust the certificate of the address.
	Callback *http.Client
	// CallbackTries is how often a notification is sent at most, default 3.
	CallbackTries int
	// Sleep waits between those tries or until ctx ends; the default uses a
	// timer, 1 s and then double.
	Sleep func(ctx context.Context, d time.Duration)
	// Faults is the script to follow; nil is an empty one, see Server.Faults.
	Faults *googletest.Faults
	// Tokens is the OAuth endpoint, to share one with another simulator; nil is
	// one of the server's own, on the machine's clock. Either is under /token.
	Tokens *googletest.TokenEndpoint
	// NewKey makes keys for the server's own OAuth endpoint; nil makes a new one
	// each time (googletest.KeyRing saves that time in tests).
	NewKey func() (*rsa.PrivateKey, error)
}

// settling are the refusals that users of the API have seen right after
// users.insert.
var settling = []googletest.Error{
	{Status: http.StatusNotFound, Message: "Resource Not Found: userKey"},
	{Status: http.StatusPreconditionFailed, Message: "User creation is not complete"},
	{Status: http.StatusForbidden, Message: notAuthorized},
}

func (o *Options) fill(baseURL string) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Unsettled == nil {
		o.Unsettled = settling
	}
	orDefault(&o.TokenLife, 3*24*time.Hour)
	orDefault(&o.Retention, 20*24*time.Hour)
	orDefault(&o.QuotaPerMinute, 2400)
	orDefault(&o.CreationsPerSecond, 10)
	orDefault(&o.ChannelDefault, 2*time.Hour)
	orDefault(&o.ChannelMax, 6*time.Hour)
	orDefault(&o.CallbackTries, 3)
	if o.Callback == nil {
		o.Callback = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Sleep == nil {
		o.Sleep = func(ctx context.Context, d time.Duration) {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-ctx.Done():
			case <-t.C:
			}
		}
	}
	if o.Faults == nil {
		o.Faults = googletest.NewFaults(googletest.FaultOptions{})
	}
	if o.Tokens == nil {
		tokens := googletest.TokenOptions{Faults: o.Faults, NewKey: o.NewKey}
		if baseURL != "" {
			// Behind a proxy the request's own host is not what key files name.
			tokens.URL = baseURL + "/token"
		}
		o.Tokens = googletest.NewTokenEndpoint(tokens)
	}
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
