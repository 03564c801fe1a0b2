package checkin_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestCheckIn_C1_RefusalsLookAlike: whatever is wrong with who asks, the answer is
// one, and the store stays as it was.
func TestCheckIn_C1_RefusalsLookAlike(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone()
	p.asked()
	spentBody, spent := p.proved(p.done(), deskURL)
	if w := p.send(spentBody, spent); w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var uniform string
	for _, tc := range []struct {
		name, reason string
		send         func() (body []byte, jwt string)
	}{
		{"unknown key", "device-unknown", func() ([]byte, string) { return b.stranger().proved(protocol.CheckInRequest{}, deskURL) }},
		{"replay of a call that changed the state", "proof-reused", func() ([]byte, string) { return spentBody, spent }},
		{"for another function", "proof-request", func() ([]byte, string) {
			return p.proved(protocol.CheckInRequest{}, "https://emm.example.com/token")
		}},
		{"altered body", "proof-body", func() ([]byte, string) {
			body, jwt := p.proved(protocol.CheckInRequest{AndroidID: "aa"}, deskURL)
			return bytes.Replace(body, []byte("aa"), []byte("ab"), 1), jwt
		}},
		{"no proof", "proof-missing", func() ([]byte, string) {
			body, _ := p.proved(protocol.CheckInRequest{}, deskURL)
			return body, ""
		}},
		{"a proof of the day before", "proof-time", func() ([]byte, string) {
			defer func(now time.Time) { b.now = now }(b.now)
			b.now = b.now.Add(-24 * time.Hour)
			return p.proved(protocol.CheckInRequest{}, deskURL)
		}},
	} {
		// Not parallel: they share the bench and are compared.
		t.Run(tc.name, func(t *testing.T) {
			before := b.documents()
			w := b.send(tc.send())
			if w.Code != http.StatusUnauthorized || b.served.Reason != tc.reason {
				t.Errorf("status %d for %q, want 401 for %q", w.Code, b.served.Reason, tc.reason)
			}
			if uniform == "" {
				uniform = w.Body.String()
			}
			if diff := cmp.Diff(uniform, w.Body.String()); diff != "" {
				t.Errorf("this refusal tells itself apart:\n%s", diff)
			}
			if diff := cmp.Diff(before, b.documents()); diff != "" {
				t.Errorf("a refused call changed the store:\n%s", diff)
			}
		})
	}
}

// TestCheckIn_C1_ReplayOfASteadyReport changes nothing, so it may be answered:
// remembering its proof would cost the write that C4 forbids.
func TestCheckIn_C1_ReplayOfASteadyReport(t *testing.T) {
	t.Parallel()
	p := newBench(t).phone()
	body, jwt := p.proved(protocol.CheckInRequest{}, deskURL)
	before := p.documents()
	for range 2 {
		if w := p.send(body, jwt); w.Code != http.StatusOK {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
	if diff := cmp.Diff(before, p.documents()); diff != "" {
		t.Errorf("a steady report changed the store:\n%s", diff)
	}
}
