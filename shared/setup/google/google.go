// Package google makes the clients of Google's APIs for a process.
package google

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

// Play returns the process's Play client, one for all functions in it, so that
// they share its limits, breakers and access token. The key is read and Google is
// dialled at the client's first call.
func Play(ctx context.Context, p *setup.Process) (*play.Client, error) {
	sources, err := tokens.Open(ctx, p)
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
			Tokens:   sources.Play(),
			Caller:   google.NewCaller(google.Options{Observe: observe, Rate: rate, Burst: p.Config.PlayRate}),
			Endpoint: p.Config.PlayEndpoint,
		}), nil
	})
}

// Clients is what the functions that call Google Play are made of.
type Clients struct {
	DB       *record.DB
	Play     *play.Client
	Accounts *account.Provisioner
	Verifier *enterprise.Verifier
}

// Open makes the clients of a process.
func Open(ctx context.Context, p *setup.Process) (Clients, error) {
	db, err := p.DB(ctx)
	if err != nil {
		return Clients{}, err
	}
	c, err := Play(ctx, p)
	if err != nil {
		return Clients{}, err
	}
	bound := func(ctx context.Context, playEnterprise string) error {
		_, err := c.Enterprise(ctx, playEnterprise)
		return err
	}
	return Clients{
		DB: db, Play: c,
		Accounts: &account.Provisioner{Update: record.In[account.Rows](db), Google: c, Now: p.Now},
		Verifier: &enterprise.Verifier{Update: record.In[enterprise.Rows](db), Google: bound, Now: p.Now},
	}, nil
}
