package admin

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestRoutesRefuse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.refuse(404, "GET", "/", "", "", "no endpoint")
	b.refuse(404, "GET", "/v1/enterprises/acme/nothing", "", "", "no endpoint")
	b.refuse(405, "DELETE", "/v1/enterprises", "", "", "GET and POST only")
	if w := b.do("PATCH", "/v1/enterprises/acme", `{}`); w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	b.want(200, "HEAD", "/v1/enterprises", "", nil)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/enterprises", strings.NewReader(`{}`))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	if b.handler.ServeHTTP(w, r); w.Code != 415 {
		t.Errorf("a body without a type: %d", w.Code)
	}
	if w := b.do("GET", "/v1/enterprises", ""); w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a reply may be cached")
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var bodies []string
	for _, tc := range []struct {
		name, peer, auth string
		token            string
		header           string
		status           int
	}{
		{"right", "127.0.0.1:1", "Bearer " + testToken, testToken, "", 200},
		{"IPv6", "[::1]:1", "bearer " + testToken, testToken, "", 200},
		{"mapped", "[::ffff:127.0.0.1]:1", "Bearer " + testToken, testToken, "", 200},
		{"from elsewhere", "192.0.2.1:1", "Bearer " + testToken, testToken, "", 401},
		{"through a proxy", "127.0.0.1:1", "Bearer " + testToken, testToken, "X-Forwarded-For", 401},
		{"through a modern proxy", "127.0.0.1:1", "Bearer " + testToken, testToken, "Forwarded", 401},
		{"no peer", "", "Bearer " + testToken, testToken, "", 401},
		{"wrong", "127.0.0.1:1", "Bearer x" + testToken, testToken, "", 401},
		{"none", "127.0.0.1:1", "", testToken, "", 401},
		{"another scheme", "127.0.0.1:1", "Basic " + testToken, testToken, "", 401},
		{"empty", "127.0.0.1:1", "Bearer ", "", "", 401},
		{"empty by empty", "127.0.0.1:1", "Bearer", "", "", 401},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/enterprises", nil)
		r.RemoteAddr = tc.peer
		if tc.auth != "" {
			r.Header.Set("Authorization", tc.auth)
		}
		if tc.header != "" {
			r.Header.Set(tc.header, "for=192.0.2.1")
		}
		b.office.Auth = Loopback{Token: secret.New(tc.token)}
		w := httptest.NewRecorder()
		b.office.Handler(b.edge()).ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%s: %d, want %d", tc.name, w.Code, tc.status)
		}
		if w.Code == 401 {
			bodies = append(bodies, w.Body.String())
			if w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: no WWW-Authenticate", tc.name)
			}
		}
	}
	for _, body := range bodies {
		if body != bodies[0] {
			t.Errorf("refusals differ: %s and %s", bodies[0], body)
		}
	}
	if strings.Contains(b.log.String(), testToken) {
		t.Error("the log shows the token")
	}
}
