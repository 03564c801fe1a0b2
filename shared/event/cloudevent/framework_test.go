package cloudevent_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/event/cloudevent"
)

// TestThroughFramework sends what Pub/Sub sends to Google's framework: a push
// body, from a path without a topic, and a CloudEvent as Eventarc makes it.
func TestThroughFramework(t *testing.T) {
	got := make(chan event.Event, 1)
	f := cloudevent.Function(event.Provision, func(_ context.Context, e event.Event) error {
		got <- e
		if string(e.Data) == `{"fail":true}` {
			return errors.New("100%s")
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	// The framework keeps what was registered for as long as the process lives.
	path := "/" + rand.Text()
	if err := funcframework.RegisterCloudEventFunctionContext(t.Context(), path, f); err != nil {
		t.Fatal(err)
	}
	addr := serve(t)
	const message = `{"messageId":"7","publishTime":"2026-01-02T03:04:05.6Z","data":"%DATA%","attributes":{"rollcall-topic":"provision","rollcall-id":"id-1"}}`
	tests := []struct {
		name   string
		header http.Header
		data   string
		status int
	}{
		{"push body", http.Header{"Content-Type": {"application/json"}}, "e30=", http.StatusOK},
		{"push body that fails", http.Header{"Content-Type": {"application/json"}}, "eyJmYWlsIjp0cnVlfQ==", http.StatusInternalServerError},
		{"CloudEvent", http.Header{
			"Content-Type": {"application/json"}, "Ce-Id": {"7"}, "Ce-Specversion": {"1.0"},
			"Ce-Type": {cloudevent.Type}, "Ce-Source": {source + "provision"},
		}, "e30=", http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"subscription":"projects/p/subscriptions/s","message":` + strings.ReplaceAll(message, "%DATA%", tt.data) + `}`
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = tt.header
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", answer.StatusCode, tt.status)
			}
			select {
			case e := <-got:
				e.Data = nil
				want := event.Event{ID: "id-1", Topic: event.Provision, Published: time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)}
				if diff := cmp.Diff(want, e); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
			default:
				t.Fatal("the handler was not called")
			}
		})
	}
}

// serve starts the framework on a free port; it ends with the process, for the
// framework cannot be stopped.
func serve(t *testing.T) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- funcframework.StartHostPort("127.0.0.1", port) }()
	for {
		select {
		case err := <-failed:
			t.Fatal(err)
		default:
		}
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = c.Close()
			return addr
		}
	}
}
