package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sethvargo/go-retry"
)

// against runs a command against a server of the test's own.
func (p *place) against(serve http.HandlerFunc, args ...string) (code int, errs string, requests int64) {
	p.t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		serve(w, r)
	}))
	defer s.Close()
	p.env["ROLLCALL_URL"] = s.URL
	code, _, errs = p.run(p.t.Context(), args...)
	return code, errs, n.Load()
}

func problem(status int, detail string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"about:blank","title":"x","status":%d,"detail":%q}`, status, detail)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	get, post := "device list", "account delete a1"
	for _, tc := range []struct {
		name     string
		serve    http.HandlerFunc
		args     string
		code     int
		requests int64
		text     string
	}{
		{"busy", problem(503, "busy"), get, 5, 3, "busy"},
		{"busy at a change", problem(503, "busy"), post, 5, 1, "busy"},
		{"conflict", problem(409, "taken"), post, 4, 1, "taken"},
		{"denied", problem(403, "not an admin"), get, 4, 1, "not an admin"},
		{"not proven", problem(401, "clock"), get, 4, 1, "did not accept the admin token"},
		{"defect", problem(500, "logged as x"), get, 1, 1, "logged as x"},
		{"asks to wait", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "60")
			problem(429, "too much")(w, r)
		}, get, 5, 1, "wait 1m0s"},
		{"another server", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, get, 1, 1, "cannot be read"},
		{"another server's 404", http.NotFound, get, 3, 1, "not a reply of Rollcall"},
		{"the platform's 403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, get, 4, 1, "Cloud Run Invoker"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, get, 1, 1, "302"},
		{"cut off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, get, 5, 3, "try again"},
		{"cut off at a change", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, post, 5, 1, "look first"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			code, errs, requests := newPlace(t).against(tc.serve, strings.Fields(tc.args)...)
			if code != tc.code || requests != tc.requests || !strings.Contains(errs, tc.text) {
				t.Errorf("code %d after %d requests, want %d after %d and %q: %s", code, requests, tc.code, tc.requests, tc.text, errs)
			}
			if strings.Contains(errs, "token-of-the-test") {
				t.Error("the token is shown")
			}
		})
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, key, value string
		code             int
		text             string
	}{
		{"no server", "ROLLCALL_URL", "http://127.0.0.1:1", 5, "start the server"},
		{"no URL", "ROLLCALL_URL", "localhost", 2, "is not a URL"},
		{"in the clear", "ROLLCALL_URL", "http://emm.example.com/admin", 2, "use https"},
		{"no enterprise", "ROLLCALL_ENTERPRISE", "", 2, "ROLLCALL_ENTERPRISE"},
		{"no token", "ROLLCALL_TOKEN_FILE", "", 2, "ROLLCALL_TOKEN_FILE"},
		{"no token file", "ROLLCALL_TOKEN_FILE", empty + "x", 1, "start the server"},
		{"empty token file", "ROLLCALL_TOKEN_FILE", empty, 1, "holds no token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.env[tc.key] = tc.value
			if code, _, errs := p.run(t.Context(), "device", "list"); code != tc.code || !strings.Contains(errs, tc.text) {
				t.Errorf("%d, want %d and %q: %s", code, tc.code, tc.text, errs)
			}
		})
	}
}

func TestTimeoutAndInterrupt(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	if code, errs, _ := p.against(hang, "device", "list", "--timeout", "20ms"); code != 5 || !strings.Contains(errs, "within 20ms") {
		t.Errorf("%d %s", code, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.env["ROLLCALL_URL"] = p.server.URL
	if code, _, errs := p.run(ctx, "device", "list"); code != 1 || errs != "rollcall: interrupted\n" {
		t.Errorf("%d %s", code, errs)
	}
}

func TestIdentityToken(t *testing.T) {
	t.Parallel()
	var got http.Header
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	defer s.Close()
	run := func(args ...string) (int, string) {
		var out, errs strings.Builder
		code := realMain(t.Context(), &app{
			in: strings.NewReader(""), out: &out, errs: &errs, now: time.Now, transport: s.Client().Transport,
			backoff: func() retry.Backoff { return retry.WithMaxRetries(0, retry.NewConstant(1)) },
			getenv: func(k string) string {
				return map[string]string{"ROLLCALL_URL": s.URL, "ROLLCALL_TOKEN_FILE": "/of/the/local/server"}[k]
			},
		}, args)
		return code, errs.String()
	}
	if code, errs := run("enterprise", "list", "--identity-token-command", "echo my-id-token"); code != 0 {
		t.Fatal(code, errs)
	}
	for _, name := range []string{"Authorization", "X-Serverless-Authorization"} {
		if v := got.Get(name); v != "Bearer my-id-token" {
			t.Errorf("%s: %q", name, v)
		}
	}
	for command, text := range map[string]string{
		"/nowhere/to/be/found": "printed no identity token",
		"no-such-program-here": "there is no program",
		"false":                "printed no identity token",
		"true":                 "holds no token",
		"echo two words":       "holds no token",
	} {
		if code, errs := run("enterprise", "list", "--identity-token-command", command); code != 1 || !strings.Contains(errs, text) {
			t.Errorf("%s: %d %s", command, code, errs)
		}
	}
	if code, errs := run("enterprise", "list", "--identity-token-command", ""); code != 2 {
		t.Errorf("%d %s", code, errs)
	}
}
