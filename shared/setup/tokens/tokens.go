// Package tokens makes the sources of Google's access tokens for a process: one for
// each service account, which all clients of that account share.
package tokens

import (
	"context"
	"net/http"
	"sync"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
)

// PlayKey is the secret that holds the credential with which the Play EMM API is
// called.
const PlayKey = "play-key"

// Parallel is how many tokens of one service account are fetched at once at most.
const Parallel = 32

// Sources makes the sources. It may be used concurrently.
type Sources struct {
	process *setup.Process
	secrets secret.Store
	cache   *google.TokenCache
	ambient func(context.Context) (secret.Value, error)
	base    http.RoundTripper

	mu   sync.Mutex
	made map[string]*google.Tokens // by secret
}

// Open returns the process's Sources, one for all functions in it.
func Open(ctx context.Context, p *setup.Process) (*Sources, error) {
	store, err := secrets.Store(ctx, p)
	if err != nil {
		return nil, err
	}
	return setup.Shared(p, "tokens", func() (*Sources, error) {
		return &Sources{
			process: p, secrets: store, cache: google.NewTokenCache(0), ambient: google.AmbientToken(),
			base: transport(), made: map[string]*google.Tokens{},
		}, nil
	})
}

// Enterprise returns the source of an enterprise's own credential
// (directory.KeySecret), always the same one. It has no Caller: for clients whose
// calls pass one with the fetch inside.
func (s *Sources) Enterprise(id string) *google.Tokens {
	return s.source(directory.KeySecret(id), s.EnterpriseOptions(id))
}

// EnterpriseOptions returns what Enterprise is made of, for a source with limits of
// its own. It keeps its tokens within the bound of all.
func (s *Sources) EnterpriseOptions(id string) google.TokenOptions {
	opt := s.options(directory.KeySecret(id), s.process.Config.DirectoryEndpoint)
	opt.Enterprise = id
	return opt
}

// Play returns the source of the PlayKey, always the same one. It has no Caller.
func (s *Sources) Play() *google.Tokens {
	return s.source(PlayKey, s.options(PlayKey, s.process.Config.PlayEndpoint))
}

// options leave the clock to be the machine's, by which Google ends tokens.
func (s *Sources) options(name, endpoint string) google.TokenOptions {
	return google.TokenOptions{
		Credential:  func(ctx context.Context) (secret.Value, error) { return s.secrets.Access(ctx, name) },
		AnyTokenURI: endpoint != "", IAMEndpoint: s.process.Config.IAMEndpoint, Ambient: s.ambient,
		Log: s.process.Log, Cache: s.cache, Parallel: Parallel, Base: s.base,
	}
}

func (s *Sources) source(name string, opt google.TokenOptions) *google.Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.made[name]
	if t == nil {
		t = google.NewTokens(opt)
		s.made[name] = t
	}
	return t
}

// transport keeps connections for all fetches that may run at once, where the default
// would close all but two; with HTTP/2, as at Google, one is enough.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := t.Clone()
	own.MaxIdleConnsPerHost = Parallel
	return own
}
