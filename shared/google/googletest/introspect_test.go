package googletest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIntrospection_TellsResourceServersWhatATokenStandsFor(t *testing.T) {
	t.Parallel()
	now := epoch
	e := NewTokenEndpoint(TokenOptions{Now: func() time.Time { return now }})
	e.grants["persons"] = Grant{Account: "sa@x", Subject: "ann@example.com", Scopes: []string{"a", "b"}, Expires: epoch.Add(time.Hour)}
	e.grants["own"] = Grant{Account: "sa@x", Scopes: []string{"a"}, Expires: epoch.Add(time.Hour)}
	e.grants["over"] = Grant{Account: "sa@x", Expires: epoch}
	inactive := map[string]any{"active": false}
	good := func(who, scope string) map[string]any {
		return map[string]any{
			"active": true, "token_type": "Bearer", "client_id": "sa@x", "username": who, "scope": scope,
			"exp": float64(epoch.Add(time.Hour).Unix()),
		}
	}
	h := e.Introspection("mx", "password")
	ask := func(method, name, password, token string) (int, map[string]any) {
		r := httptest.NewRequest(method, "/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if name != "" {
			r.SetBasicAuth(name, password)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		var reply map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil || rec.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%v in %s, %v", err, rec.Body, rec.Header())
		}
		return rec.Code, reply
	}
	for _, tc := range []struct {
		method, name, password, token string
		status                        int
		reply                         map[string]any
	}{
		{"POST", "mx", "password", "persons", 200, good("ann@example.com", "a b")},
		{"POST", "mx", "password", "own", 200, good("sa@x", "a")},
		{"POST", "mx", "password", "over", 200, inactive},
		{"POST", "mx", "password", "never issued", 200, inactive},
		{"POST", "mx", "password", "", 400, map[string]any{"error": "invalid_request"}},
		{"GET", "mx", "password", "persons", 405, map[string]any{"error": "invalid_request"}},
		{"POST", "mx", "other", "persons", 401, map[string]any{"error": "invalid_client"}},
		{"POST", "", "", "persons", 401, map[string]any{"error": "invalid_client"}},
	} {
		status, reply := ask(tc.method, tc.name, tc.password, tc.token)
		if diff := cmp.Diff(tc.reply, reply); diff != "" || status != tc.status {
			t.Errorf("%+v: %d (-want +got):\n%s", tc, status, diff)
		}
	}
	e.RevokeAll()
	if _, reply := ask(http.MethodPost, "mx", "password", "persons"); reply["active"] != false {
		t.Errorf("revoked: %v", reply)
	}
}
