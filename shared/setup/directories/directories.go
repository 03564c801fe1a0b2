// Package directories makes the clients of organisations' directories at Google for a
// process. Package setup/ldap makes those of their own.
package directories

import (
	"context"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// Clients makes clients after configurations. It may be used concurrently.
type Clients struct {
	process   *setup.Process
	tokens    *tokens.Sources
	caller    *google.Caller
	creations *workspace.CreationLimit

	mu     sync.Mutex
	google map[way]made
}

// way is for whom a client is, and whether it only reads.
type way struct {
	enterprise string
	readOnly   bool
}

// made is a client with whom it acts as.
type made struct {
	subject string
	client  *workspace.Client
}

// Open returns the process's Clients, one for all functions in it, so that they
// share limits, breakers and access tokens.
func Open(ctx context.Context, p *setup.Process) (*Clients, error) {
	sources, err := tokens.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, "directories", func() (*Clients, error) {
		opt := workspace.CallerOptions()
		opt.Rate, opt.Burst = float64(p.Config.DirectoryRate), workspace.Burst(p.Config.DirectoryRate)
		opt.Observe = func(_ context.Context, e google.Event) {
			if p.Google != nil {
				p.Google(e.Op, e.Outcome, e.Attempt)
			}
		}
		return &Clients{
			process: p, tokens: sources, caller: google.NewCaller(opt),
			creations: workspace.NewCreationLimit(workspace.CreationOptions{}), google: map[way]made{},
		}, nil
	})
}

// Google returns the client of Google's directory for a configuration, the same one
// as long as it acts as the same administrator in the same way. It only reads
// unless the mode is ReadWrite. A configuration without Google is fault.Permanent.
func (c *Clients) Google(_ context.Context, cfg directory.Config) (*workspace.Client, error) {
	return c.client(cfg, cfg.Mode != directory.ReadWrite)
}

// Passwords returns the client that sets passwords at Google, whatever the mode: the
// enterprise's password policy is the permission to do so. It asks for no scope but
// admin.directory.user. A configuration without Google is fault.Permanent.
func (c *Clients) Passwords(_ context.Context, cfg directory.Config) (*workspace.Client, error) {
	return c.client(cfg, false)
}

func (c *Clients) client(cfg directory.Config, readOnly bool) (*workspace.Client, error) {
	if cfg.Google == nil {
		return nil, fault.New(fault.Permanent, password.ReasonNoDirectory, "the directory's configuration says nothing about Google")
	}
	key, m := way{cfg.Enterprise, readOnly}, made{subject: cfg.Google.Subject}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.google[key]; old.client != nil && old.subject == m.subject {
		return old.client, nil
	}
	m.client = workspace.New(workspace.Options{
		Enterprise: cfg.Enterprise, Subject: m.subject, ReadOnly: readOnly, Now: c.process.Now,
		Tokens: c.tokens.Enterprise(cfg.Enterprise), Caller: c.caller, Creations: c.creations,
		Endpoint: c.process.Config.DirectoryEndpoint,
	})
	c.google[key] = m
	return m.client, nil
}
