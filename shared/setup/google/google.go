// Package google makes the clients of Google's APIs for a process.
package google

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// PlayKey is the secret that holds the service account's JSON key with which the
// Play EMM API is called.
const PlayKey = "play-key"

// Play returns the process's Play client, one for all functions in it, so that
// they share its limits, breakers and access token. The key is read and Google is
// dialled at the client's first call.
func Play(ctx context.Context, p *setup.Process) (*play.Client, error) {
	store, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, setup.SharedPlay, func() (*play.Client, error) {
		observe := func(_ context.Context, e google.Event) {
			if p.Google != nil {
				p.Google(e.Op, e.Outcome, e.Attempt)
			}
		}
		rate := float64(p.Config.PlayRate)
		return play.New(play.Options{
			Credential: func(ctx context.Context) (secret.Value, error) { return store.Access(ctx, PlayKey) },
			Caller:     google.NewCaller(google.Options{Observe: observe, Rate: rate, Burst: p.Config.PlayRate}),
			Endpoint:   p.Config.PlayEndpoint,
		}), nil
	})
}

// Bound returns the question that enterprise.Verifier asks.
func Bound(c *play.Client) func(context.Context, string) error {
	return func(ctx context.Context, playEnterprise string) error {
		_, err := c.Enterprise(ctx, playEnterprise)
		return err
	}
}
