package workspacetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// receiver is a callback address that keeps what came.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string
	header http.Header
	status []int // answers, then 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body struct{ ID, PrimaryEmail string }
		_ = json.NewDecoder(req.Body).Decode(&body)
		r.mu.Lock()
		defer r.mu.Unlock()
		h := req.Header
		r.got = append(r.got, strings.TrimSpace(fmt.Sprintln(h.Get("X-Goog-Channel-ID"), h.Get("X-Goog-Message-Number"), h.Get("X-Goog-Resource-State"), body.PrimaryEmail)))
		r.header = h
		if len(r.status) > 0 {
			w.WriteHeader(r.status[0])
			r.status = r.status[1:]
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	slices.Sort(got)
	return got
}

func watchBench(t *testing.T) (*bench, *receiver) {
	t.Helper()
	r := newReceiver(t)
	b := newBench(t, workspacetest.Options{
		Callback: r.Client(),
		Sleep:    func(context.Context, time.Duration) {},
	})
	return b, r
}

func (b *bench) watch(t *testing.T, r *receiver, id, ttl string) *admin.Channel {
	t.Helper()
	ch, err := b.api.Users.Watch(&admin.Channel{Id: id, Type: "web_hook", Address: r.URL, Token: "proof", Params: map[string]string{"ttl": ttl}}).
		Customer("my_customer").Do()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func (b *bench) drain(t *testing.T) (delivered, lost int) {
	t.Helper()
	delivered, lost, err := b.Drain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return delivered, lost
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b, r := watchBench(t)
	one := b.watch(t, r, "one", "172800")
	if got := time.UnixMilli(one.Expiration).Sub(b.clock.Now()).Round(time.Second); got != 6*time.Hour {
		t.Errorf("lives %v, want the cap of 6 h", got)
	}
	b.drain(t)
	if diff := cmp.Diff([]string{"one 1 sync"}, r.take()); diff != "" {
		t.Errorf("sync (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"X-Goog-Channel-Token": "proof", "X-Goog-Resource-Id": one.ResourceId, "X-Goog-Resource-Uri": one.ResourceUri,
		"X-Goog-Channel-Expiration": "Wed, 02 Jan 2030 09:04:05 GMT",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	u := b.insert(t, "anna@example.com")
	b.clock.Advance(5 * time.Hour)
	two := b.watch(t, r, "two", "3600") // the renewal overlaps
	if two.ResourceId != one.ResourceId {
		t.Error("the same resource has two ids")
	}
	if _, err := b.api.Users.Update(u.Id, &admin.User{Suspended: true}).Do(); err != nil {
		t.Fatal(err)
	}
	b.drain(t)
	want := []string{"one 4 add anna@example.com", "one 7 update anna@example.com", "two 1 sync", "two 4 update anna@example.com"}
	got := r.take()
	for i := range got {
		// Only the growth of numbers is promised.
		f, w := strings.Fields(got[i]), strings.Fields(want[i])
		f[1], w[1] = "", ""
		if diff := cmp.Diff(w, f); diff != "" {
			t.Errorf("message %d (-want +got):\n%s", i, diff)
		}
	}
	b.clock.Advance(time.Hour) // both are over
	b.Remove(u.Id)
	b.drain(t)
	if got := r.take(); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
	if ch := b.Snapshot(b.customer).Channels; len(ch) != 0 {
		t.Errorf("open: %v", ch)
	}
}

func TestStopAndFilter(t *testing.T) {
	t.Parallel()
	b, r := watchBench(t)
	one := b.watch(t, r, "one", "")
	if _, err := b.api.Users.Watch(&admin.Channel{Id: "net", Type: "web_hook", Address: r.URL}).Domain("example.net").Event("delete").Do(); err != nil {
		t.Fatal(err)
	}
	refused(t, b.api.Channels.Stop(&admin.Channel{Id: "one", ResourceId: "other"}).Do(), 404, "notFound")
	if err := b.api.Channels.Stop(&admin.Channel{Id: "one", ResourceId: one.ResourceId}).Do(); err != nil {
		t.Error(err)
	}
	refused(t, b.api.Channels.Stop(&admin.Channel{Id: "one", ResourceId: one.ResourceId}).Do(), 404, "notFound")
	b.drain(t)
	r.take()
	b.insert(t, "a@example.com")
	u := b.insert(t, "a@example.net")
	b.Remove("a@example.com")
	b.Remove(u.Id)
	b.drain(t)
	if got := r.take(); len(got) != 1 || !strings.HasSuffix(got[0], "delete a@example.net") {
		t.Errorf("got %v", got)
	}
	for name, ch := range map[string]*admin.Channel{
		"plain http": {Id: "x", Type: "web_hook", Address: "http://example.com"},
		"no id":      {Type: "web_hook", Address: r.URL},
		"long id":    {Id: strings.Repeat("x", 65), Type: "web_hook", Address: r.URL},
		"type":       {Id: "x", Type: "carrier_pigeon", Address: r.URL},
		"token":      {Id: "x", Type: "web_hook", Address: r.URL, Token: strings.Repeat("x", 257)},
		"ttl":        {Id: "x", Type: "web_hook", Address: r.URL, Params: map[string]string{"ttl": "soon"}},
		"twice":      {Id: "net", Type: "web_hook", Address: r.URL},
	} {
		if _, err := b.api.Users.Watch(ch).Customer("my_customer").Do(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDeliveryIsRepeated(t *testing.T) {
	t.Parallel()
	b, r := watchBench(t)
	r.status = []int{503, 500, 200} // the third try of the first message
	b.watch(t, r, "one", "")
	if delivered, lost := b.drain(t); delivered != 1 || lost != 0 || len(r.take()) != 3 {
		t.Errorf("delivered %d, lost %d", delivered, lost)
	}
	r.mu.Lock()
	r.status = []int{404, 503, 503, 503}
	r.mu.Unlock()
	b.insert(t, "a@example.com")
	b.insert(t, "b@example.com")
	if delivered, lost := b.drain(t); delivered != 1 || lost != 2 || len(r.take()) != 4 {
		t.Errorf("delivered %d, lost %d", delivered, lost)
	}
}
