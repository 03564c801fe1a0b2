package setup

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/firestore"
)

// Process is what the functions of one process share. It may be used
// concurrently.
type Process struct {
	Config Config
	Log    *slog.Logger
	// Now is the clock of everything that is made of the process.
	Now func() time.Time
	// Observe, if set, receives the figures of every request.
	Observe func(api.Served)
	// Google, if set, is told of every attempt of a call to Google: the method,
	// "ok" or the reason of the failure, and the attempt's number from 1 on.
	Google func(op, outcome string, attempt int)

	mu     sync.Mutex
	shared map[string]any
}

// NewProcess returns a Process with the given settings and the machine's clock.
func NewProcess(c Config, log *slog.Logger) *Process {
	return &Process{Config: c, Log: log, Now: time.Now}
}

// The process of functions that the Functions Framework started: one, so that
// several functions in it share one embedded store.
var (
	fromEnvironment sync.Mutex
	current         *Process
)

// Current returns the process as the environment describes it. A failed attempt,
// such as a wrong setting, is tried again at the next call.
func Current(ctx context.Context) (*Process, error) {
	fromEnvironment.Lock()
	defer fromEnvironment.Unlock()
	if current != nil {
		return current, nil
	}
	c, err := Load(ctx)
	if err != nil {
		return nil, err
	}
	current = NewProcess(c, c.Logger(nil))
	return current, nil
}

// HTTP returns a function for functions.HTTP that makes its handler at the first
// request and tries again after a failure.
func HTTP(open func(context.Context, *Process) (http.Handler, error)) func(http.ResponseWriter, *http.Request) {
	h := api.Lazy(Config{}.Logger(nil), func(ctx context.Context) (http.Handler, error) {
		p, err := Current(ctx)
		if err != nil {
			return nil, err
		}
		return open(ctx, p)
	})
	return h.ServeHTTP
}

// Edge returns the HTTP edge of a function.
func (p *Process) Edge(function string) api.Edge {
	return api.Edge{Function: function, Log: p.Log, Now: p.Now, Observe: p.Observe}
}

// Shared returns what open made for the process under the given name, calling
// open at the first use and again after a failure. One open runs at a time.
func Shared[T any](p *Process, name string, open func() (T, error)) (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.shared[name]; ok {
		return v.(T), nil
	}
	v, err := open()
	if err != nil {
		return v, err
	}
	if p.shared == nil {
		p.shared = map[string]any{}
	}
	p.shared[name] = v
	return v, nil
}

// Use makes v what Shared returns under the given name, such as a driver that
// fails on demand. It is for the local runner and for tests, before first use.
func Use[T any](p *Process, name string, v T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared == nil {
		p.shared = map[string]any{}
	}
	p.shared[name] = v
}

// The names of what is shared.
const (
	SharedStore = "store" // a store.Driver
	SharedPlay  = "play"  // a *play.Client
)

// Driver returns the store's driver, which counts operations.
func (p *Process) Driver(ctx context.Context) (store.Driver, error) {
	return Shared(p, SharedStore, func() (store.Driver, error) {
		d, err := p.openDriver(ctx)
		if err != nil {
			return nil, err
		}
		return store.Count(d), nil
	})
}

// Close closes the store if it was opened.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.shared[SharedStore].(store.Driver); ok {
		return d.Close()
	}
	return nil
}

// DB returns the store.
func (p *Process) DB(ctx context.Context) (*record.DB, error) {
	d, err := p.Driver(ctx)
	if err != nil {
		return nil, err
	}
	return record.New(d, NewID).KeepAudit(time.Duration(p.Config.AuditDays) * 24 * time.Hour), nil
}

func (p *Process) openDriver(ctx context.Context) (store.Driver, error) {
	if p.Config.Store == "firestore" {
		return firestore.New(p.Config.Project, p.Config.Database), nil
	}
	return embedded.Open(ctx, p.Config.Data)
}

// NewID returns a new random id of 26 characters of [a-z2-7], 130 bits.
func NewID() string {
	var b [17]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:26]
}
