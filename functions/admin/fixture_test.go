package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const testToken = "test-token-of-the-loopback-admin"

var clock = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is an Office over an embedded store whose closures all run more than once, with a bus that keeps what it gets.
type bench struct {
	t       *testing.T
	office  *Office
	handler http.Handler
	bus     *keptBus
	log     *bytes.Buffer
	store   *storetest.Faulty // fails what a test asks it to
}

func newBench(t *testing.T) *bench {
	t.Helper()
	driver, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = driver.Close() })
	var n atomic.Int64
	faulty := storetest.NewFaulty(storetest.Rerun(driver))
	db := record.New(store.Count(faulty), func() string { return fmt.Sprintf("a%06d", n.Add(1)) })
	b := &bench{t: t, bus: &keptBus{}, log: &bytes.Buffer{}, store: faulty}
	secrets, err := file.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	b.office = &Office{
		DB: db, Events: b.bus, DeadLetters: b.bus, Auth: Loopback{Token: secret.New(testToken)}, Secrets: secrets,
		EnrollURL: "https://emm.example.com/enroll", Now: func() time.Time { return clock }, Random: rand.Reader,
	}
	b.handler = b.office.Handler(b.edge())
	return b
}

func (b *bench) edge() api.Edge {
	return api.Edge{
		Function: "admin", Now: b.office.Now,
		Log: slog.New(slog.NewJSONHandler(&lockedWriter{w: b.log}, nil)),
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// do sends a request from the loopback admin; body is JSON, or "" for none.
func (b *bench) do(method, path, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Authorization", "Bearer "+testToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// want sends a request, checks its status and decodes the reply into out.
func (b *bench) want(status int, method, path, body string, out any) {
	b.t.Helper()
	w := b.do(method, path, body)
	if w.Code != status {
		b.t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		b.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
}

// refuse sends a request and checks the problem: its status, field and a part of
// its text.
func (b *bench) refuse(status int, method, path, body, field, text string) {
	b.t.Helper()
	w := b.do(method, path, body)
	var p protocol.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		b.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
	if w.Code != status || p.Status != status || p.Field != field || !strings.Contains(p.Detail, text) {
		b.t.Errorf("%s %s: %d, want %d, field %q and %q: %s", method, path, w.Code, status, field, text, w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		b.t.Errorf("%s %s: the problem has the type %q", method, path, ct)
	}
}

// acme makes an enterprise.
func (b *bench) acme() {
	b.t.Helper()
	b.want(201, "POST", "/v1/enterprises", `{"id":"acme","name":"Acme","play":"LC01"}`, nil)
	b.bus.take()
}

func (b *bench) put(fn func(*record.Tx) error) {
	b.t.Helper()
	if err := b.office.DB.Update(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) putDevice(d device.Device) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
}

func (b *bench) putAccount(a account.Account) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
}

func (b *bench) putLedger(l password.Ledger) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error { return tx.PutPassword(l) })
}

func (b *bench) putEnterprise(e enterprise.Enterprise) {
	b.t.Helper()
	b.put(func(tx *record.Tx) error { return tx.PutEnterprise(e) })
}

// trail returns an enterprise's records as "actor action target result".
func (b *bench) trail(ent string) []string {
	b.t.Helper()
	records, _, err := b.office.DB.Audit(b.t.Context(), ent, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	return lines(records)
}

func lines(records []audit.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, fmt.Sprintf("%s %s %s %s", r.Actor, r.Action, r.Target, r.Result))
	}
	return out
}
