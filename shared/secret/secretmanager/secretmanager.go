// Package secretmanager keeps secrets in Google Secret Manager.
package secretmanager

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"sync"
	"time"

	gsecret "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"golang.org/x/sync/singleflight"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Options configure a Store. A nil *Options, and the zero value of each field,
// give what the field's comment says.
type Options struct {
	// Cache is how long Access may answer from memory; 0 is 5 min, less than 0
	// is no cache. A value that another process puts is seen after that time.
	Cache time.Duration
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// Client goes to Google's client, for tests.
	Client []option.ClientOption
}

// Store is a secret.Store over one Google Cloud project. It dials at first use,
// and again after a failed one. It may be used concurrently; many callers that
// want one secret at once cost one call.
type Store struct {
	project string
	opt     Options
	flights singleflight.Group

	mu     sync.Mutex
	client *gsecret.Client
	cache  map[string]entry
	// changes counts this process's writes of a name, so that a read which began
	// before a write cannot put the old value into the cache after it.
	changes map[string]int
}

type entry struct {
	value secret.Value
	until time.Time
}

var _ secret.Store = (*Store)(nil)

// New returns a store of the project, given by id or number. It does no I/O. opt
// may be nil.
func New(project string, opt *Options) *Store {
	var o Options
	if opt != nil {
		o = *opt
	}
	if o.Cache == 0 {
		o.Cache = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{project: project, opt: o, cache: map[string]entry{}, changes: map[string]int{}}
}

// Access implements secret.Store, from memory where Options.Cache allows.
func (s *Store) Access(ctx context.Context, name string) (secret.Value, error) {
	if err := begin(ctx, name); err != nil {
		return secret.Value{}, err
	}
	v, change, ok := s.remembered(name)
	if ok {
		return v, nil
	}
	// The flight has its own context, for it serves callers who stay when the
	// first one leaves; Google's client bounds the call at a minute. A write
	// makes a new key, so that no reader joins a flight from before it.
	flight := s.flights.DoChan(fmt.Sprint(name, "/", change), func() (any, error) {
		return s.fetch(context.WithoutCancel(ctx), name, change)
	})
	select {
	case <-ctx.Done():
		return secret.Value{}, classify(ctx.Err(), "read a secret", "")
	case r := <-flight:
		if r.Err != nil {
			return secret.Value{}, r.Err
		}
		return r.Val.(secret.Value), nil
	}
}

// remembered looks into the cache.
func (s *Store) remembered(name string) (v secret.Value, change int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.cache[name]
	return e.value, s.changes[name], ok && s.opt.Now().Before(e.until)
}

// fetch reads the newest version and remembers it.
func (s *Store) fetch(ctx context.Context, name string, change int) (any, error) {
	// Another flight may have landed since the caller looked.
	if v, now, ok := s.remembered(name); ok && now == change {
		return v, nil
	}
	client, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	v, _, err := s.read(ctx, client, name, "latest")
	if err != nil {
		return nil, err
	}
	s.remember(name, v, change)
	return v, nil
}

// read reads one version, or the latest, and returns its number.
func (s *Store) read(ctx context.Context, client *gsecret.Client, name, version string) (secret.Value, uint64, error) {
	answer, err := client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{
		Name: s.name(name) + "/versions/" + version,
	})
	if status.Code(err) == codes.NotFound {
		return secret.Value{}, 0, fault.Wrap(err, fault.NotFound, "secret-missing", "there is no secret of the name %s", name)
	}
	if err != nil {
		return secret.Value{}, 0, classify(err, "read the secret "+name, "roles/secretmanager.secretAccessor")
	}
	payload := answer.GetPayload()
	if sum := payload.DataCrc32C; sum == nil || *sum != checksum(payload.GetData()) {
		return secret.Value{}, 0, fault.New(fault.Transient, "secret-damaged", "the secret %s was damaged on its way here", name)
	}
	n, err := numberOf(answer.GetName())
	return secret.NewBytes(payload.GetData()), n, err
}

// remember caches v unless the name was written since change.
func (s *Store) remember(name string, v secret.Value, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opt.Cache > 0 && s.changes[name] == change {
		s.cache[name] = entry{v, s.opt.Now().Add(s.opt.Cache)}
	}
}

// changed forgets the name after a write, also after one that failed, for it may
// have been done all the same.
func (s *Store) changed(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes[name]++
	delete(s.cache, name)
}

// Close releases the connection. The store dials again if it is used afterwards.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	err := s.client.Close()
	s.client = nil
	return classify(err, "close the Secret Manager client", "")
}

func (s *Store) dial(ctx context.Context) (*gsecret.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		// The client outlives the call that made it, so it must not end with it.
		// By default it writes payloads, which are the secrets, to standard error
		// where GOOGLE_SDK_GO_LOGGING_LEVEL says debug.
		quiet := option.WithLogger(slog.New(slog.DiscardHandler))
		c, err := gsecret.NewClient(context.WithoutCancel(ctx), append([]option.ClientOption{quiet}, s.opt.Client...)...)
		if err != nil {
			return nil, fault.Wrap(err, fault.Permanent, "secretmanager-client",
				"cannot make the Secret Manager client; check the credentials")
		}
		s.client = c
	}
	return s.client, nil
}

func (s *Store) name(name string) string { return "projects/" + s.project + "/secrets/" + name }

func begin(ctx context.Context, name string) error {
	if err := secret.CheckName(name); err != nil {
		return err
	}
	return classify(ctx.Err(), "use a secret", "")
}

func checksum(b []byte) int64 {
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
