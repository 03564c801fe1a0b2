package push_test

import (
	"context"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

func (b *bench) newClient(opt google.Options) *workspace.Client {
	opt.Now = b.clock
	opt.Sleep = func(ctx context.Context, d time.Duration) error { b.advance(d); return ctx.Err() }
	return workspace.New(workspace.Options{
		Enterprise: ent, Subject: boss, Endpoint: b.sim.URL, Now: b.clock, Caller: google.NewCaller(opt),
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(b.account.JSON), nil },
	})
}

// seen notes what is sent.
type seen struct{ b *bench }

func (s seen) SetPassword(ctx context.Context, k workspace.Key, v secret.Value) (workspace.User, error) {
	s.b.mu.Lock()
	s.b.sent[k.ID] = append(s.b.sent[k.ID], v.Reveal())
	s.b.calls++
	between, client := s.b.google, s.b.client
	s.b.mu.Unlock()
	if between != nil {
		return between(ctx, client, k, v)
	}
	return client.SetPassword(ctx, k, v)
}

func directoryConfig() directory.Config {
	return directory.Config{Enterprise: ent, Mode: directory.ReadOnly, Google: &directory.Google{Subject: boss}}
}

// refusingWithoutGoogle is as the clients of a process are.
func refusingWithoutGoogle(next func(context.Context, directory.Config) (push.Google, error)) func(context.Context, directory.Config) (push.Google, error) {
	return func(ctx context.Context, c directory.Config) (push.Google, error) {
		if c.Google == nil {
			return nil, fault.New(fault.Permanent, password.ReasonNoDirectory, "no")
		}
		return next(ctx, c)
	}
}

// unlimited are the options of a client that neither retries, waits nor breaks.
var unlimited = google.Options{Attempts: 1, Rate: 1e6, Burst: 1e6, BreakerFailures: 1e6}

var anyPassword = secret.New("Any-Passw0rd")

// grant gives the service account the one scope that passwords need.
func (b *bench) grant() { b.sim.Tokens.Delegate(b.account.Email, admin.AdminDirectoryUserScope) }
