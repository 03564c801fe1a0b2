package workspace_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

var proof = secret.New("channel-proof")

func TestWatch(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []workspace.Notification
	callback := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := workspace.ReadNotification(r)
		if err != nil || !n.Proves(proof) || n.Proves(secret.New("other")) || n.Proves(secret.Value{}) {
			t.Errorf("notification %+v: %v", n, err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, n)
	}))
	t.Cleanup(callback.Close)
	b := newBench(t, setup{sim: workspacetest.Options{Callback: callback.Client(), Sleep: func(context.Context, time.Duration) {}}})
	ctx := t.Context()
	req := workspace.WatchRequest{ID: "one", Address: callback.URL, Token: proof, TTL: 24 * time.Hour}
	one, err := b.Watch(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	// Google gives less than asked; the reply counts.
	exp := workspace.Channel{ID: "one", ResourceID: one.ResourceID, ExpiresAt: b.clock.Now().Add(6 * time.Hour).Truncate(time.Millisecond)}
	if diff := cmp.Diff(exp, one); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
	_, err = b.Watch(ctx, req)
	want(t, err, fault.Conflict, workspace.ReasonChannel)
	u := b.insert(t, "anna@example.com")
	if _, _, err := b.sim.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	req.ID = "two"
	if _, err = b.Watch(ctx, req); err != nil { // overlaps
		t.Fatal(err)
	}
	for range 2 {
		if err := b.StopWatch(ctx, "one", one.ResourceID); err != nil {
			t.Error(err)
		}
	}
	if err := b.Delete(ctx, u.Key()); err != nil {
		t.Fatal(err)
	}
	if _, lost, err := b.sim.Drain(ctx); err != nil || lost > 0 {
		t.Fatal(lost, err)
	}
	wantNotes := []workspace.Notification{
		{ChannelID: "one", ResourceID: one.ResourceID},
		{ChannelID: "one", ResourceID: one.ResourceID, Event: workspace.EventAdd, UserID: u.ID},
		{ChannelID: "two", ResourceID: one.ResourceID},
		{ChannelID: "two", ResourceID: one.ResourceID, Event: workspace.EventDelete, UserID: u.ID},
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(wantNotes, got, cmpopts.IgnoreFields(workspace.Notification{}, "Number"), cmpopts.IgnoreUnexported(workspace.Notification{})); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
}

func TestReadNotificationRefuses(t *testing.T) {
	t.Parallel()
	good := map[string]string{"X-Goog-Channel-ID": "one", "X-Goog-Resource-ID": "r", "X-Goog-Resource-State": "add", "X-Goog-Message-Number": "2"}
	read := func(change func(http.Header), body string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		for k, v := range good {
			r.Header.Set(k, v)
		}
		change(r.Header)
		_, err := workspace.ReadNotification(r)
		return err
	}
	same := func(http.Header) {}
	if err := read(same, `{"id":"1","primaryEmail":"a@example.com"}`); err != nil {
		t.Error(err)
	}
	if err := read(func(h http.Header) { h.Set("X-Goog-Resource-State", "sync") }, ""); err != nil {
		t.Error(err)
	}
	for name := range good {
		want(t, read(func(h http.Header) { h.Del(name) }, `{"id":"1"}`), fault.Invalid, "invalid-field")
	}
	for _, body := range []string{"", "{", `{"id":""}`, `{"id":` + strings.Repeat(" ", 20<<10) + `"1"}`} {
		want(t, read(same, body), fault.Invalid, "invalid-field")
	}
}

func TestWatchChecks(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	for _, change := range []func(*workspace.WatchRequest){
		func(r *workspace.WatchRequest) { r.ID = strings.Repeat("x", 65) },
		func(r *workspace.WatchRequest) { r.Token = secret.New(strings.Repeat("x", 257)) },
		func(r *workspace.WatchRequest) { r.TTL = -1 },
		func(r *workspace.WatchRequest) { r.Address = "" },
	} {
		r := workspace.WatchRequest{ID: "one", Address: "https://example.com", Token: proof}
		change(&r)
		_, err := b.Watch(t.Context(), r)
		want(t, err, fault.Invalid, "invalid-field")
	}
	if n := b.sim.Faults.Calls("*") - b.sim.Faults.Calls(googletest.TokenMethod); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func FuzzReadNotification(f *testing.F) {
	f.Add("one", "r", "add", "2", `{"id":"1"}`)
	f.Add("one", "r", "sync", "1", "")
	f.Add("", "", "", "x", "{")
	f.Fuzz(func(t *testing.T, channel, resource, state, number, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		for name, v := range map[string]string{"Id": channel, "Token": "proof"} {
			r.Header.Set("X-Goog-Channel-"+name, v)
		}
		r.Header.Set("X-Goog-Resource-Id", resource)
		r.Header.Set("X-Goog-Resource-State", state)
		r.Header.Set("X-Goog-Message-Number", number)
		n, err := workspace.ReadNotification(r)
		if err == nil && (n.ChannelID != channel || (n.UserID == "") != (n.Event == "")) {
			t.Errorf("%+v", n)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v is not invalid", err)
		}
	})
}
