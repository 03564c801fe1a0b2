package agent

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzReplies: no reply makes an agent panic, and what it accepts is within the
// bounds that the rest of the agent relies on.
func FuzzReplies(f *testing.F) {
	for _, s := range []string{
		`{"deviceId":"d1","endpoints":{"checkin":"https://a.example/c","token":"https://a.example/t"},"nextCheckInSeconds":1}`,
		`{"directives":[{"id":"add-1","kind":"addAccount","accountType":"userAccount"}],"nextCheckInSeconds":60}`,
		`{"directives":[{"id":"rm-1","kind":"removeAccount","accountName":"a@b"}],"nextCheckInSeconds":60,"later":{}}`,
		`{"token":"a.b.c.d.e","notAfter":"2026-05-04T08:00:00Z"}`,
		`{"type":"urn:rollcall:problem:directive-stale","title":"Conflict","status":409,"detail":"x"}`,
		`{"type":"about:blank","title":"Unauthorized","status":401,"serverTime":9223372036854775807}`,
		`{"deviceId":"d1","deviceId":"d2"}`, `[]`, `null`, ``, "\xff", `{"nextCheckInSeconds":1e400}`,
	} {
		f.Add([]byte(s), "120")
	}
	f.Fuzz(func(t *testing.T, body []byte, after string) {
		if r, err := readEnroll(body); err == nil && (r.DeviceID == "" || checkURL(r.Endpoints.CheckIn) != nil || r.NextCheckInSeconds < 1) {
			t.Errorf("accepted %+v", r)
		}
		if r, err := readCheckIn(body); err == nil {
			if r.Directives == nil || r.NextCheckInSeconds < 1 || r.NextCheckInSeconds > 604800 {
				t.Errorf("accepted %+v", r)
			}
		}
		if r, err := readToken(body); err == nil && (r.Token == "" || r.NotAfter.IsZero()) {
			t.Errorf("accepted %+v", r)
		}
		for _, status := range []int{401, 409} {
			resp := &http.Response{StatusCode: status, Header: http.Header{
				"Content-Type": {"application/problem+json"}, "Retry-After": {after}}}
			now := time.Unix(1777881600, 0)
			p := newProblem(&call{endpoint: CheckInEndpoint, hide: []string{"hidden"}}, resp, body, now, now)
			if p.RetryAfter < 0 || p.RetryAfter > maxRetryAfter {
				t.Errorf("RetryAfter = %v", p.RetryAfter)
			}
			if s := p.Error() + p.Detail + p.Field; strings.Contains(s, "hidden") {
				t.Errorf("the problem shows what is hidden: %s", s)
			}
			if p.Reason != "" && !problemReason.MatchString(p.Reason) {
				t.Errorf("Reason = %q", p.Reason)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "1.5": 0, "soon": 0, "999999999": maxRetryAfter, "99999999999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	}
	for h, want := range tests {
		if got := retryAfter(h, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", h, got, want)
		}
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{400: false, 401: false, 403: false, 408: true, 409: false, 413: false,
		429: true, 500: true, 502: true, 503: true, 504: true, 507: false, 302: false} {
		if _, got := retryable(&Problem{Status: status}); got != want {
			t.Errorf("retryable(%d) = %v, want %v", status, got, want)
		}
	}
	if _, got := retryable(&Problem{Status: 502, Reason: "play-refused"}); got {
		t.Error("a refusal of Google's for good must not be tried again")
	}
}

// TestTrusted: a server's time is believed over TLS and loopback only.
func TestTrusted(t *testing.T) {
	t.Parallel()
	c := &Client{opts: (&Options{Now: func() time.Time { return time.Unix(0, 0) }}).withDefaults()}
	p := &Problem{Status: 401, ServerTime: time.Unix(1e6, 0), Skew: 1e6 * time.Second}
	if c.correctClock(p) || c.offset.Load() != 0 {
		t.Error("a time from a reply that anybody could have written was believed")
	}
	p.trusted = true
	if !c.correctClock(p) || c.clock() != time.Unix(1e6, 0) {
		t.Errorf("clock = %v, want the server's", c.clock())
	}
}
