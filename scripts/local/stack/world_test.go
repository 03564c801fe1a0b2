package stack_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/setup/secrets"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// Worlds share their simulators' keys: making one takes longer than most tests.
var keys, directoryKeys = googletest.KeyRing(1), googletest.KeyRing(1)

// world is a Rollcall that can die and be started again over the same folder,
// beside a Google that lives on.
type world struct {
	t      *testing.T
	dir    string
	listen string
	config setup.Config
	play   *playtest.Server
	google *workspacetest.Server
	ent    string // Google's id
	// later is how far the simulator's clock has been moved on.
	mu     sync.Mutex
	later  time.Duration
	served []api.Served

	*stack.Stack
	faulty *storetest.Faulty
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.play = playtest.New(playtest.Options{NewKey: keys, Now: w.now})
	t.Cleanup(w.play.Close)
	w.google = workspacetest.New(workspacetest.Options{NewKey: directoryKeys})
	t.Cleanup(w.google.Close)
	w.config = setup.Config{
		Store: "embedded", Bus: "embedded", Secrets: "file", Data: w.dir,
		PlayRate: 100, TokenBurst: 100, TokenDaily: 200, TokenLife: 5 * time.Minute, TokenBurstWindow: 15 * time.Minute,
	}
	w.start()
	w.ent = w.NewPlayEnterprise("Acme")
	// Stored directly, so that no event is under way when a test begins.
	err := w.db().Update(t.Context(), func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{
			ID: "acme", Name: "Acme", Play: w.ent, State: enterprise.Bound, CreatedAt: time.Now(), CheckedAt: time.Now(),
			Policy: enterprise.Policy{DeviceLimit: enterprise.UseDeviceAcct},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.later)
}

// pass moves the simulator's clock on, so that its tokens expire.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later += d
}

// start starts a Rollcall over the world's folder, whose calls to Google are not
// tried again by themselves, so that every failure shows.
func (w *world) start() {
	w.t.Helper()
	driver, err := embedded.Open(w.t.Context(), w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	w.faulty = storetest.NewFaulty(driver)
	w.Stack, err = stack.Start(w.t.Context(), stack.Options{
		Config: w.config, Log: slog.New(slog.DiscardHandler), Play: w.play, Workspace: w.google, Listen: w.listen,
		Process: func(p *setup.Process) {
			p.Observe = w.observe
			setup.Use(p, setup.SharedStore, store.Count(w.faulty))
			setup.Use(p, setup.SharedPlay, play.New(play.Options{
				Endpoint:   w.play.URL,
				Caller:     google.NewCaller(google.Options{Attempts: 1, BreakerFailures: 1000, Rate: 1e6, Burst: 1e6}),
				Credential: w.serviceAccount,
			}))
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.Stack
	// Devices know the URL, so it stays when the server is started again.
	w.listen = strings.TrimPrefix(s.URL, "http://")
	w.t.Cleanup(func() { _ = s.Close() })
}

// serviceAccount returns the key file that the stack stored.
func (w *world) serviceAccount(ctx context.Context) (secret.Value, error) {
	s, err := secrets.Store(ctx, w.Process)
	if err != nil {
		return secret.Value{}, err
	}
	return s.Access(ctx, tokens.PlayKey)
}

// restart is what an operator does after a crash.
func (w *world) restart() {
	w.t.Helper()
	if err := w.Stack.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

func (w *world) observe(s api.Served) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served = append(w.served, s)
}

// take returns the figures of the requests since the last take.
func (w *world) take() []api.Served {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.served
	w.served = nil
	return s
}

func (w *world) db() *record.DB {
	w.t.Helper()
	db, err := w.Process.DB(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}

// post asks the function admin for something.
func (w *world) post(path string, in, out any) {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.URL+"/admin"+path, strings.NewReader(string(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.Token.Reveal())
	resp, err := fresh.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		w.t.Fatalf("POST %s: %s", path, resp.Status)
	}
	if out != nil {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			w.t.Fatal(err)
		}
	}
}

// enrollmentToken makes a token for a person's devices.
func (w *world) enrollmentToken(person string, uses int) secret.Value {
	w.t.Helper()
	var made struct{ Secret string }
	w.post("/v1/enterprises/acme/enrollment-tokens", map[string]any{"person": person, "uses": uses}, &made)
	return secret.New(made.Secret)
}

// phone is a device whose state outlives its agent's process.
type phone struct {
	w     *world
	keys  agent.Keys
	play  *playtest.Device
	token secret.Value
	state agent.State
}

func (w *world) phone(token secret.Value) *phone {
	w.t.Helper()
	k, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return &phone{w: w, keys: k, play: w.play.NewDevice(hexID()), token: token}
}

// fresh takes a new connection for each request, for the server may have been
// started again in between.
var fresh = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// hexID returns an Android ID.
func hexID() string {
	const digits = "0123456789abcdef"
	var b [16]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = digits[b[i]%16]
	}
	return string(b[:])
}

// enroll starts the agent and enrols.
func (p *phone) enroll(ctx context.Context) error {
	a, err := p.agent()
	if err != nil {
		return err
	}
	return a.Enroll(ctx, p.token)
}

func (p *phone) agent() (*agent.Agent, error) {
	return agent.New(agent.Config{
		Keys: p.keys, Play: p.play, State: p.state, EnrollURL: p.w.URL + "/enroll",
		Save:      func(s agent.State) error { p.state = s; return nil },
		AndroidID: p.play.AndroidID,
		Options:   &agent.Options{HTTP: fresh, Tries: 1, Wait: func(context.Context, time.Duration) error { return nil }},
	})
}

// once starts the agent from what it saved, enrols and checks in once, without
// trying again by itself.
func (p *phone) once(ctx context.Context) (bool, error) {
	a, err := p.agent()
	if err != nil {
		return false, err
	}
	if err := a.Enroll(ctx, p.token); err != nil {
		return false, err
	}
	r, err := a.CheckIn(ctx)
	return r.Converged, err
}

// settle has the device check in until it has nothing left to do.
func (p *phone) settle() {
	p.w.t.Helper()
	for range 10 {
		done, err := p.once(p.w.t.Context())
		if err != nil {
			p.w.t.Fatalf("the device meets an error: %v", err)
		}
		if done {
			return
		}
	}
	p.w.t.Fatal("the device does not settle")
}
