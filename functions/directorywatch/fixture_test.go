package directorywatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/directorywatch"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	key  = secret.New(strings.Repeat("k", 32))
)

const (
	channel  = "abcdefghijklmnopqrstuvwxyz"
	resource = "res-1"
	anna     = "107655590182"
)

// bench is the function with one open channel of acme's.
type bench struct {
	t        *testing.T
	db       *record.DB
	faulty   *storetest.Faulty
	bus      *keptBus
	listener *directorywatch.Listener
	handler  http.Handler

	mu     sync.Mutex
	now    time.Time
	served []api.Served
}

func newBench(t *testing.T) *bench {
	t.Helper()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	b := &bench{t: t, now: noon, bus: &keptBus{}, faulty: storetest.NewFaulty(storetest.Rerun(file))}
	b.db = record.New(store.Count(b.faulty), func() string { return "a" })
	b.listener = &directorywatch.Listener{Channel: b.db.Channel, Bus: b.bus, Key: key, Now: b.clock}
	b.handler = b.listener.Handler(api.Edge{
		Function: "directorywatch", Now: b.clock, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Observe: b.observe,
	})
	b.channel(directory.Channel{ID: channel, ResourceID: resource, Enterprise: "acme", OpenedAt: noon, ExpiresAt: noon.Add(6 * time.Hour)})
	return b
}

func (b *bench) channel(c directory.Channel) {
	b.t.Helper()
	if err := b.db.Update(b.t.Context(), func(tx *record.Tx) error { return tx.PutChannel(c) }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) observe(s api.Served) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = append(b.served, s)
}

// last returns the figures of the last request.
func (b *bench) last() api.Served {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served[len(b.served)-1]
}

// hint is a genuine notification that change has adjusted.
func hint(change ...func(*http.Request)) *http.Request {
	body := fmt.Sprintf(`{"kind":"admin#directory#user","id":%q,"etag":"e","primaryEmail":"anna@example.com"}`, anna)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	r.Header.Set("X-Goog-Channel-Id", channel)
	r.Header.Set("X-Goog-Channel-Token", directory.ChannelToken(key, channel).Reveal())
	r.Header.Set("X-Goog-Message-Number", "7")
	r.Header.Set("X-Goog-Resource-Id", resource)
	r.Header.Set("X-Goog-Resource-State", "update")
	for _, c := range change {
		c(r)
	}
	return r
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(text)) }
}

func (b *bench) post(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// keptBus keeps what is published.
type keptBus struct {
	mu   sync.Mutex
	sent []directory.Command
	fail error
}

func (b *keptBus) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return "", b.fail
	}
	c, err := directory.ParseCommand(data)
	if err != nil || topic != event.Directory {
		return "", errors.Join(err, fmt.Errorf("published on %s: %s", topic, data))
	}
	b.sent = append(b.sent, c)
	return fmt.Sprint(len(b.sent)), nil
}

func (b *keptBus) failing(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// take returns what was published and forgets it.
func (b *keptBus) take() []directory.Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := b.sent
	b.sent = nil
	return sent
}
