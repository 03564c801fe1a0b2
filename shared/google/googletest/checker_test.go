package googletest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const doc = `{
 "id": "x:v1", "revision": "1", "servicePath": "", "description": "gone",
 "parameters": {"alt": {"location": "query", "type": "string", "enum": ["json"]}, "prettyPrint": {"location": "query", "type": "boolean"}},
 "schemas": {"Thing": {"type": "object", "properties": {
   "description": {"type": "string", "description": "gone"},
   "kind": {"type": "string", "enum": ["a", "b"]},
   "count": {"type": "integer"}, "big": {"type": "string", "format": "int64"}, "on": {"type": "boolean"}, "share": {"type": "number"},
   "name": {"type": "string", "annotations": {"required": ["x.things.insert"]}},
   "parts": {"type": "array", "items": {"$ref": "Thing"}},
   "tags": {"type": "object", "additionalProperties": {"type": "string"}}, "any": {"type": "any"}}}},
 "resources": {"things": {
   "methods": {
     "insert": {"id": "x.things.insert", "httpMethod": "POST", "path": "v1/{parent}/things", "request": {"$ref": "Thing"}, "scopes": ["s"],
       "parameters": {"parent": {"location": "path", "required": true, "type": "string"}}},
     "get": {"id": "x.things.get", "httpMethod": "GET", "path": "v1/{parent}/things/{id}", "scopes": ["s", "r"],
       "parameters": {"n": {"location": "query", "type": "integer"}, "tag": {"location": "query", "type": "string", "repeated": true}}},
     "special": {"id": "x.things.special", "httpMethod": "GET", "path": "v1/{parent}/things/special", "scopes": ["s"],
       "parameters": {"q": {"location": "query", "type": "string", "required": true}}}},
   "resources": {"parts": {"methods": {
     "act": {"id": "x.things.parts.act", "httpMethod": "POST", "path": "v1/{+parent}:act", "scopes": ["s"]}}}}}}
}`

func parse(t *testing.T) *Discovery {
	t.Helper()
	trimmed, err := TrimDiscovery([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(trimmed), "gone") || !strings.Contains(string(trimmed), `"description": {`) {
		t.Errorf("trimmed: %s", trimmed)
	}
	d, err := ParseDiscovery(trimmed)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChecker(t *testing.T) {
	t.Parallel()
	grants := map[string]Grant{"full": {Scopes: []string{"s"}}, "read": {Scopes: []string{"r"}}}
	c := NewChecker(parse(t), func(token string) (Grant, bool) { g, ok := grants[token]; return g, ok })
	const insert = "POST /v1/p/things"
	for _, tc := range []struct {
		request, token, body string
		status               int
		reason               string
		method               string
	}{
		{"GET /v1/p/things/a%2Fb?alt=json&prettyPrint=false&n=3&tag=x&tag=y", "full", "", 0, "", "x.things.get"},
		{"GET /v1/p/things/a", "read", "", 0, "", "x.things.get"},
		{"GET /v1/p/things/special?q=1", "full", "", 0, "", "x.things.special"},
		{"POST /v1/p:act", "full", "", 0, "", "x.things.parts.act"},
		{insert, "full", `{"name":"n","description":"d","kind":"a","count":3,"big":"-9007199254740993","on":true,"share":0.5,
		  "parts":[{"count":1,"name":"m"}],"tags":{"x":"y"},"any":[1]}`, 0, "", "x.things.insert"},
		{insert, "full", `{"name":"n","kind":null}`, 0, "", "x.things.insert"},
		{"GET /v1/p/nothing", "full", "", 404, "notFound", ""},
		{"PATCH /v1/p/things/a", "full", "", 404, "notFound", ""},
		{"GET /v1//things/a", "full", "", 404, "notFound", ""},
		{"GET /v1/p/things/a", "", "", 401, "required", "x.things.get"},
		{"GET /v1/p/things/a", "other", "", 401, "authError", "x.things.get"},
		{insert, "read", `{"name":"n"}`, 403, "insufficientPermissions", "x.things.insert"},
		{"GET /v1/p/things/a?nope=1", "full", "", 400, "invalidParameter", "x.things.get"},
		{"GET /v1/p/things/a?n=x", "full", "", 400, "invalidParameter", "x.things.get"},
		{"GET /v1/p/things/a?n=1&n=2", "full", "", 400, "invalidParameter", "x.things.get"},
		{"GET /v1/p/things/a?alt=xml", "full", "", 400, "invalidParameter", "x.things.get"},
		{"GET /v1/p/things/a?prettyPrint=maybe", "full", "", 400, "invalidParameter", "x.things.get"},
		{"GET /v1/p/things/special", "full", "", 400, "required", "x.things.special"},
		{"GET /v1/p/things/a", "full", "{}", 400, "badRequest", "x.things.get"},
		{insert, "full", "", 400, "parseError", "x.things.insert"},
		{insert, "full", "[]", 400, "invalid", "x.things.insert"},
		{insert, "full", `{}`, 400, "required", "x.things.insert"},
		{insert, "full", `{"name":""}`, 400, "required", "x.things.insert"},
		{insert, "full", `{"name":"n","nope":1}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":1}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","kind":"c"}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","count":1.5}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","big":1}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","big":"x"}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","on":"true"}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","share":"1"}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","parts":{}}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","parts":[{"name":"m","nope":1}]}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `{"name":"n","tags":{"x":1}}`, 400, "invalid", "x.things.insert"},
		{insert, "full", `"` + strings.Repeat("x", maxBody) + `"`, 400, "badRequest", "x.things.insert"},
	} {
		t.Run(tc.request+" "+tc.token+" "+tc.body[:min(len(tc.body), 40)], func(t *testing.T) {
			t.Parallel()
			verb, target, _ := strings.Cut(tc.request, " ")
			r := httptest.NewRequest(verb, target, strings.NewReader(tc.body))
			if tc.token != "" {
				r.Header.Set("Authorization", "Bearer "+tc.token)
			}
			call, refused := c.Check(r)
			status, reason, method := 0, "", ""
			if refused != nil {
				status, reason = refused.Status, refused.Reason
			}
			if call.Method != nil {
				method = call.Method.ID
			}
			if status != tc.status || reason != tc.reason || method != tc.method {
				t.Errorf("got %d %s at %q (%v), want %d %s at %q", status, reason, method, refused, tc.status, tc.reason, tc.method)
			}
			if tc.request[:5] == "GET /" && strings.Contains(target, "%2F") && call.Path["id"] != "a/b" {
				t.Errorf("path variables %v", call.Path)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	rolls := []float64{0.9, 0.1, 0.9}
	f := NewFaults(FaultOptions{Float64: func() float64 { r := rolls[0]; rolls = rolls[1:]; return r }})
	done := 0
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { done++; WriteJSON(w, map[string]string{"a": "b"}) })
	call := func(method string) (status int, body, after string) {
		defer func() {
			if v := recover(); v != nil {
				status = -1
			}
		}()
		rec := httptest.NewRecorder()
		f.Serve(rec, httptest.NewRequest(http.MethodGet, "/", nil), method, next)
		return rec.Code, strings.TrimSpace(rec.Body.String()), rec.Header().Get("Retry-After")
	}
	f.Add(Script{Method: "m", Mode: Refuse, Status: 429, RetryAfter: "7", Times: 1})
	f.Add(Script{Method: "m", Mode: DropBefore, Times: 1})
	f.Add(Script{Method: "m", Mode: DropAfter, Times: 1})
	f.Add(Script{Method: "m", Mode: Malformed, Times: 1})
	f.Add(Script{Method: "m", Mode: HTML, Status: 502, Times: 1})
	var got []int
	for range 6 {
		status, _, _ := call("m")
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{429, -1, -1, 200, 502, 200}, got); diff != "" || done != 3 {
		t.Errorf("%d calls took effect, statuses (-want +got):\n%s", done, diff)
	}
	if status, body, _ := call("other"); status != 200 || body != `{"a":"b"}` {
		t.Errorf("another method: %d %s", status, body)
	}
	f.Add(Script{Method: "*", Mode: Refuse, Probability: 0.5})
	got = nil
	for range 3 {
		status, _, _ := call("m")
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{200, 503, 200}, got); diff != "" {
		t.Errorf("with probability (-want +got):\n%s", diff)
	}
	f.Clear()
	want := map[Count]int{{"m", 429}: 1, {"m", 0}: 2, {"m", 200}: 4, {"m", 502}: 1, {"m", 503}: 1, {"other", 200}: 1}
	if diff := cmp.Diff(want, f.Counts()); diff != "" || f.Calls("*") != 10 || f.Calls("m") != 9 {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	var waits []time.Duration
	f := NewFaults(FaultOptions{Sleep: func(_ context.Context, d time.Duration) { waits = append(waits, d) }})
	f.Add(Script{Method: "*", Latency: time.Second})
	rec := httptest.NewRecorder()
	f.Serve(rec, httptest.NewRequest(http.MethodGet, "/", nil), "m", http.NotFoundHandler())
	if diff := cmp.Diff([]time.Duration{time.Second}, waits); diff != "" || rec.Code != http.StatusNotFound {
		t.Errorf("%d, waits (-want +got):\n%s", rec.Code, diff)
	}
}
