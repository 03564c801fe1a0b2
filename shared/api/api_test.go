package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func edge(log io.Writer) api.Edge {
	return api.Edge{Function: "test", Log: slog.New(slog.NewJSONHandler(log, nil)), Now: func() time.Time { return noon }}
}

func TestDecode_E4_NamesTheField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, field string }{
		{"empty", ``, ""},
		{"null", `null`, ""},
		{"array", `[]`, ""},
		{"unknown member", `{"accounts":[],"extra":1}`, "extra"},
		{"another case", `{"Accounts":[]}`, "Accounts"},
		{"twice", `{"accounts":[],"accounts":[]}`, "accounts"},
		{"unknown within", `{"accounts":[{"name":"a","state":"ready","x":1}]}`, "accounts[0].x"},
		{"wrong type", `{"accounts":{}}`, "accounts"},
		{"wrong type within", `{"accounts":[{"name":1,"state":"ready"}]}`, "accounts[0].name"},
		{"missing", `{}`, "accounts"},
		{"null member", `{"accounts":null}`, "accounts"},
		{"trailing data", `{"accounts":[]} {}`, ""},
		{"cut short", `{"accounts":[`, "accounts"},
		{"bad UTF-8", "{\"accounts\":[{\"name\":\"\xff\",\"state\":\"ready\"}]}", "accounts[0].name"},
		{"bad state", `{"accounts":[{"name":"a","state":"gone"}]}`, "accounts[0].state"},
		{"account twice", `{"accounts":[{"name":"a","state":"ready"},{"name":"a","state":"ready"}]}`, "accounts[1].name"},
		{"control character", `{"accounts":[{"name":"a\u0007","state":"ready"}]}`, "accounts[0].name"},
		{"failed without reason", `{"accounts":[],"outcomes":[{"directiveId":"add-1","result":"failed"}]}`, "outcomes[0].reason"},
		{"done with reason", `{"accounts":[],"outcomes":[{"directiveId":"rm-1","result":"done","reason":"X"}]}`, "outcomes[0].reason"},
		{"added without name", `{"accounts":[],"outcomes":[{"directiveId":"add-1","result":"done"}]}`, "outcomes[0].accountName"},
		{"android id", `{"androidId":"XYZ","accounts":[]}`, "androidId"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := api.Decode([]byte(tc.body), &protocol.CheckInRequest{})
			e := fault.As(err)
			if e == nil || e.Kind != fault.Invalid {
				t.Fatalf("accepted, or refused without a kind: %v", err)
			}
			if e.Field != tc.field || e.Public == "" {
				t.Errorf("field %q with %q, want %q", e.Field, e.Public, tc.field)
			}
		})
	}
	if err := api.Decode([]byte(` {"accounts":[{"name":"a","state":"ready"}]} `), &protocol.CheckInRequest{}); err != nil {
		t.Errorf("a good body was refused: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"accounts":[]}`, `{"accounts":[{"name":"a","state":"ready"}],"outcomes":[]}`, `{`, `null`, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r protocol.CheckInRequest
		err := api.Decode(body, &r)
		if err == nil {
			if again, _ := json.Marshal(r); api.Decode(again, &protocol.CheckInRequest{}) != nil {
				t.Errorf("accepted %q, but not its own form %s", body, again)
			}
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v is not Invalid", body, err)
		}
	})
}

func TestReadBody_E4_Bounds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, mediaType string
		body                    io.Reader
		status                  int
	}{
		{"good", "POST", "application/json; charset=utf-8", strings.NewReader("{}"), 200},
		{"exactly the bound", "POST", "application/json", strings.NewReader(strings.Repeat("x", 64)), 200},
		{"one more", "POST", "application/json", strings.NewReader(strings.Repeat("x", 65)), 413},
		{"one more of unknown length", "POST", "application/json", io.MultiReader(strings.NewReader(strings.Repeat("x", 65))), 413},
		{"cut short", "POST", "application/json", io.MultiReader(strings.NewReader("{"), brokenReader{}), 400},
		{"GET", "GET", "application/json", nil, 405},
		{"no type", "POST", "", strings.NewReader("{}"), 415},
		{"form", "POST", "application/x-www-form-urlencoded", strings.NewReader("{}"), 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := edge(io.Discard).Handle(func(w http.ResponseWriter, r *http.Request) error {
				_, err := api.ReadBody(w, r, 64)
				return err
			})
			r := httptest.NewRequest(tc.method, "/", tc.body)
			r.Header.Set("Content-Type", tc.mediaType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
			if w.Code == 405 && (w.Header().Get("Allow") != "POST" || strings.Contains(w.Body.String(), "field")) {
				t.Errorf("Allow: %q, body %s", w.Header().Get("Allow"), w.Body)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHandle_ProblemsShowOnlyWhatIsPublic(t *testing.T) {
	t.Parallel()
	private := errors.New("private cause")
	for _, tc := range []struct {
		name   string
		err    error
		status int
		retry  string
		detail string // a part of it
	}{
		{"invalid", fault.Field("a.b", "give a number"), 400, "", "give a number"},
		{"denied", fault.Wrap(private, fault.Denied, "needs-operator", "an operator must release it"), 403, "", "release"},
		{"conflict", fault.New(fault.Conflict, "device-limit", "too many"), 409, "", "too many"},
		{"exhausted", fault.New(fault.Exhausted, "token-limit", "wait").After(1500 * time.Millisecond), 429, "2", "wait"},
		{"transient", fault.Wrap(private, fault.Transient, "", ""), 503, "", "try again"},
		{"full", fault.New(fault.Exhausted, "store-full", "make room"), 507, "", "make room"},
		{"unknown", private, 500, "", "tell the operator"},
		{"unauthorized", fault.Wrap(private, fault.Unauthorized, "proof-time", "clock").After(time.Second), 401, "", "serverTime"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := httptest.NewRecorder()
			edge(&log).Handle(func(http.ResponseWriter, *http.Request) error { return tc.err }).
				ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
			if w.Code != tc.status || w.Header().Get("Retry-After") != tc.retry {
				t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if strings.Contains(w.Body.String(), "private") || !strings.Contains(w.Body.String(), tc.detail) {
				t.Errorf("body %s", w.Body)
			}
			if strings.Contains(w.Body.String(), "serverTime\":") != (tc.status == 401) {
				t.Errorf("serverTime goes with 401 only: %s", w.Body)
			}
			if errors.Is(tc.err, private) && !strings.Contains(log.String(), "private cause") {
				t.Errorf("the log lacks the cause: %s", log.String())
			}
		})
	}
}

func TestHandle_C1_EveryUnauthorizedIsTheSame(t *testing.T) {
	t.Parallel()
	answer := func(err error) string {
		w := httptest.NewRecorder()
		edge(io.Discard).Handle(func(http.ResponseWriter, *http.Request) error { return err }).
			ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		return w.Body.String()
	}
	first := answer(fault.New(fault.Unauthorized, "proof-time", ""))
	for _, err := range []error{
		fault.New(fault.Unauthorized, "proof-reused", ""),
		fault.New(fault.Unauthorized, "device-unknown", "there is no such device"),
		fault.Wrap(errors.New("x"), fault.Unauthorized, "token-expired", "expired"),
	} {
		if diff := cmp.Diff(first, answer(err)); diff != "" {
			t.Errorf("%v differs (-first +this):\n%s", err, diff)
		}
	}
}

func TestHandle_APanicIsOneRequestsTrouble(t *testing.T) {
	t.Parallel()
	var none []int
	for _, tc := range []struct {
		name, logged string
		do           func()
	}{
		{"a value that may hold anything", "panic: string", func() { panic("boom") }},
		{"the runtime's own", "index out of range [3]", func() { _ = none[3] }},
	} {
		var log bytes.Buffer
		w := httptest.NewRecorder()
		edge(&log).Handle(func(http.ResponseWriter, *http.Request) error { tc.do(); return nil }).
			ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		if w.Code != 500 || strings.Contains(w.Body.String()+log.String(), "boom") || !strings.Contains(log.String(), tc.logged) {
			t.Errorf("%s: status %d, body %s, log %s", tc.name, w.Code, w.Body, log.String())
		}
	}
}

func TestLazy_TriesAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	tries := 0
	h := api.Lazy(slog.New(slog.DiscardHandler), func(context.Context) (http.Handler, error) {
		switch tries++; tries {
		case 1:
			return nil, fault.New(fault.Permanent, "store-locked", "another process uses the folder")
		case 2:
			panic("a defect in set-up")
		}
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil
	})
	var codes []int
	for range 4 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		codes = append(codes, w.Code)
	}
	if diff := cmp.Diff([]int{503, 503, 200, 200}, codes); diff != "" || tries != 3 {
		t.Errorf("%d tries, statuses (-want +got):\n%s", tries, diff)
	}
}
