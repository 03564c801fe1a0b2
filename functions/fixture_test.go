package functions_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// Worlds share their simulators' keys: making one takes longer than most tests.
var playKeys, directoryKeys = googletest.KeyRing(1), googletest.KeyRing(1)

// world is a running Rollcall with one enterprise.
type world struct {
	t     testing.TB
	stack *stack.Stack
	store *brokenStore
	db    *record.DB
	play  string // Google's id of the enterprise
	log   *lockedBuffer
	wire  wire // see serve
}

func newWorld(t testing.TB, change func(*setup.Config)) *world {
	t.Helper()
	w := &world{t: t, store: &brokenStore{}, log: &lockedBuffer{}}
	dir := t.TempDir()
	cfg := setup.Config{
		Store: "embedded", Bus: "embedded", Secrets: "file", Data: dir,
		TokenBurst: 3, TokenBurstWindow: time.Hour, TokenDaily: 100, TokenLife: time.Minute,
	}
	if change != nil {
		change(&cfg)
	}
	simulatedPlay := playtest.New(playtest.Options{NewKey: playKeys})
	t.Cleanup(simulatedPlay.Close)
	directory := workspacetest.New(workspacetest.Options{NewKey: directoryKeys})
	t.Cleanup(directory.Close)
	ctx := t.Context()
	s, err := stack.Start(ctx, stack.Options{
		Config: cfg, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Play: simulatedPlay, Workspace: directory,
		Process: func(p *setup.Process) {
			// Opened under the name that the process looks for, with a door in front.
			if _, err := setup.Shared(p, "store", func() (store.Driver, error) {
				d, err := embedded.Open(ctx, dir)
				w.store.Driver = store.Count(d)
				return w.store, err
			}); err != nil {
				t.Fatal(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w.stack = s
	if w.db, err = s.Process.DB(ctx); err != nil {
		t.Fatal(err)
	}
	w.play = s.NewPlayEnterprise("Acme")
	w.put(func(tx *record.Tx) error {
		return tx.PutEnterprise(enterprise.Enterprise{
			ID: "acme", Name: "Acme", Play: w.play, State: enterprise.Bound, CreatedAt: time.Now(),
		})
	})
	return w
}

func (w *world) put(fn func(*record.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// admit makes an enrollment token for any number of devices of a person, or of
// dedicated devices if person is empty, and returns its secret.
func (w *world) admit(person string) string {
	w.t.Helper()
	s, err := enrollment.NewSecret(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(func(tx *record.Tx) error {
		return tx.PutToken(enrollment.Token{
			ID: enrollment.ID(s), Enterprise: "acme", Person: person,
			CreatedAt: time.Now(), CreatedBy: "admin:test", ExpiresAt: time.Now().Add(time.Hour),
		})
	})
	return s.Reveal()
}

// enrolled returns a device that enrolled with the token of the given secret.
func (w *world) enrolled(secret string) *phone {
	w.t.Helper()
	p := newPhone(w.t)
	r := w.send(w.request(p, "enroll", p.enrollment(secret)))
	if r.status != http.StatusOK {
		w.t.Fatalf("enroll: %d %s", r.status, r.body)
	}
	return p
}

func (p *phone) enrollment(secret string) map[string]any {
	return map[string]any{"enrollmentToken": secret, "encryptionKey": p.encryption}
}

// directive checks in and returns the id of what the device is told first.
func (w *world) directive(p *phone) string {
	w.t.Helper()
	r := w.send(w.request(p, "checkin", map[string]any{"accounts": []any{}}))
	var reply protocol.CheckInReply
	if err := json.Unmarshal(r.body, &reply); err != nil || len(reply.Directives) == 0 {
		w.t.Fatalf("checkin: %d %s", r.status, r.body)
	}
	return reply.Directives[0].ID
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
