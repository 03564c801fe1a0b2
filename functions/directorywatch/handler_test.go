package directorywatch_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

func refresh(users ...string) directory.Command {
	return directory.Command{Enterprise: "acme", Op: directory.Refresh, Users: users, RequestedBy: "system:directorywatch", RequestedAt: noon}
}

func TestNotification_HasTheUserReadAgain(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{"add": "add", "update": "update", "delete": "delete", "one that is new": "frobnicate"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if w := b.post(hint(header("X-Goog-Resource-State", event))); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff([]directory.Command{refresh(anna)}, b.bus.take()); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
			s := b.last()
			if s.Reads != 1 || s.Writes != 0 || s.Who != "channel:"+channel {
				t.Errorf("%d reads, %d writes, from %q; want 1 and 0", s.Reads, s.Writes, s.Who)
			}
		})
	}
}

// TestNotification_TheFirstTellsOfNobody, and can come before Google's answer to
// the opening, when the row does not know the resource yet.
func TestNotification_TheFirstTellsOfNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.channel(directory.Channel{ID: channel, Enterprise: "acme", OpenedAt: noon})
	if w := b.post(hint(header("X-Goog-Resource-State", "sync"), body(""))); w.Code != http.StatusOK {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if got := b.bus.take(); len(got) != 0 {
		t.Errorf("published %+v", got)
	}
	if w := b.post(hint()); w.Code != http.StatusNoContent || len(b.bus.take()) != 1 {
		t.Errorf("a change before the answer: %d %s", w.Code, w.Body)
	}
}

// TestNotification_ForgeriesAreAllRefusedAlike: one answer, nothing published or
// stored, and without the token not even a look into the store, so that neither
// words nor time tell which channels there are.
func TestNotification_ForgeriesAreAllRefusedAlike(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("b", 26)
	tokenOf := func(key secret.Value, id string) func(*http.Request) {
		return header("X-Goog-Channel-Token", directory.ChannelToken(key, id).Reveal())
	}
	genuine := directory.ChannelToken(key, channel).Reveal()
	tests := []struct {
		name   string
		change []func(*http.Request)
		reads  int64
	}{
		{"no token", []func(*http.Request){func(r *http.Request) { r.Header.Del("X-Goog-Channel-Token") }}, 0},
		{"empty token", []func(*http.Request){header("X-Goog-Channel-Token", "")}, 0},
		{"wrong token", []func(*http.Request){header("X-Goog-Channel-Token", "guess")}, 0},
		{"one character less", []func(*http.Request){header("X-Goog-Channel-Token", genuine[1:])}, 0},
		{"one character more", []func(*http.Request){header("X-Goog-Channel-Token", genuine+"A")}, 0},
		{"another case", []func(*http.Request){header("X-Goog-Channel-Token", strings.ToUpper(genuine))}, 0},
		{"of another key", []func(*http.Request){tokenOf(secret.New(strings.Repeat("x", 32)), channel)}, 0},
		{"of another channel", []func(*http.Request){tokenOf(key, other)}, 0},
		{"token on another channel", []func(*http.Request){header("X-Goog-Channel-Id", other)}, 0},
		{"wrong token on an unknown channel", []func(*http.Request){header("X-Goog-Channel-Id", other), header("X-Goog-Channel-Token", "guess")}, 0},
		{"a channel that is none", []func(*http.Request){header("X-Goog-Channel-Id", "../people/x"), tokenOf(key, other)}, 0},
		{"wrong token, first message", []func(*http.Request){header("X-Goog-Resource-State", "sync"), header("X-Goog-Channel-Token", "guess")}, 0},
		{"a channel that is gone", []func(*http.Request){header("X-Goog-Channel-Id", other), tokenOf(key, other)}, 1},
		{"a foreign resource", []func(*http.Request){header("X-Goog-Resource-Id", "res-2")}, 1},
		{"a foreign resource, first message", []func(*http.Request){header("X-Goog-Resource-Id", "res-2"), header("X-Goog-Resource-State", "sync")}, 1},
	}
	var first string
	for _, tt := range tests {
		b := newBench(t)
		w := b.post(hint(tt.change...))
		answer := w.Body.String()
		if first == "" {
			first = answer
		}
		if w.Code != http.StatusNotFound || answer != first {
			t.Errorf("%s: answered %d %s, want 404 %s", tt.name, w.Code, answer, first)
		}
		if got := b.bus.take(); len(got) != 0 {
			t.Errorf("%s: published %+v", tt.name, got)
		}
		if s := b.last(); s.Reads != tt.reads || s.Writes != 0 || s.Who != "" {
			t.Errorf("%s: %d reads and %d writes for %q, want %d and 0", tt.name, s.Reads, s.Writes, s.Who, tt.reads)
		}
	}
}

func TestNotification_Malformed(t *testing.T) {
	t.Parallel()
	long := `{"id":"` + strings.Repeat("1", 1<<20) + `"}`
	for name, tt := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"GET":             {func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
		"no channel":      {func(r *http.Request) { r.Header.Del("X-Goog-Channel-Id") }, http.StatusBadRequest},
		"no number":       {header("X-Goog-Message-Number", "many"), http.StatusBadRequest},
		"no body":         {body(""), http.StatusBadRequest},
		"no JSON":         {body("id=1"), http.StatusBadRequest},
		"no id":           {body(`{"id":""}`), http.StatusBadRequest},
		"endless body":    {body(long), http.StatusBadRequest},
		"an id with path": {body(`{"id":"../x"}`), http.StatusBadRequest},
		"an address":      {body(`{"id":"anna@example.com"}`), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if w := b.post(hint(tt.change)); w.Code != tt.status {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if got := b.bus.take(); len(got) != 0 {
				t.Errorf("published %+v", got)
			}
		})
	}
}

// TestNotification_IsRepeatedAfterAnOutage: Google repeats what is answered with
// 500, 502, 503 or 504 alone.
func TestNotification_IsRepeatedAfterAnOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failure error
		status  int
	}{
		"bus down":     {fault.New(fault.Transient, "bus", "down"), http.StatusServiceUnavailable},
		"bus full":     {fault.New(fault.Exhausted, "bus-full", "full"), http.StatusServiceUnavailable},
		"disk full":    {fault.New(fault.Exhausted, "store-full", "full"), http.StatusServiceUnavailable},
		"unclassified": {errors.New("?"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.bus.failing(tt.failure)
			if w := b.post(hint()); w.Code != tt.status {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, tt.status)
			}
			b.bus.failing(nil)
			if w := b.post(hint()); w.Code != http.StatusNoContent || len(b.bus.take()) != 1 {
				t.Errorf("the repetition: %d %s", w.Code, w.Body)
			}
		})
	}
	t.Run("store down", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			b.faulty.Fail(1, when)
			if w := b.post(hint()); w.Code != http.StatusServiceUnavailable || len(b.bus.take()) != 0 {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		}
	})
	t.Run("damaged row", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		err := b.faulty.Update(t.Context(), func(tx store.Txn) error {
			return tx.Put(store.Document{Key: store.Key{Kind: "directoryChannels", ID: channel}, Body: []byte(`{"id":1}`)})
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := b.post(hint()); w.Code != http.StatusBadGateway {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

// TestNotification_AfterTheEndIsTakenAllTheSame: it is a true hint, however late.
func TestNotification_AfterTheEndIsTakenAllTheSame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.advance(7 * time.Hour)
	if w := b.post(hint()); w.Code != http.StatusNoContent || len(b.bus.take()) != 1 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
