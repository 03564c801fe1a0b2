package api_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func TestDecode_E4_RefusesNullByItsPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ body, field string }{
		{`{"accounts":[],"androidId":null}`, "androidId"},
		{`{"accounts":[],"outcomes":null}`, "outcomes"},
		{`{"accounts":[null]}`, "accounts[0].name"},
		{`{"accounts":[],"outcomes":[{"directiveId":"rm-1","result":"done"},{"directiveId":"rm-1","result":"done","detail":null}]}`, "outcomes[1].detail"},
	} {
		e := fault.As(api.Decode([]byte(tc.body), &protocol.CheckInRequest{}))
		if e == nil || e.Kind != fault.Invalid {
			t.Errorf("%s: accepted", tc.body)
			continue
		}
		// A null among accounts may be named by what it lacks, or itself.
		if e.Field != tc.field && e.Field != strings.TrimSuffix(tc.field, ".name") {
			t.Errorf("%s: field %q, want %q", tc.body, e.Field, tc.field)
		}
	}
	if err := api.Decode([]byte(`{"accounts":[{"name":"null","state":"ready"}]}`), &protocol.CheckInRequest{}); err != nil {
		t.Errorf("the text null was refused: %v", err)
	}
}

func TestDecode_E4_NamesALongMemberShortly(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"` + strings.Repeat("x", 60_000) + `":1}`,
		`{"` + strings.Repeat("é", 30_000) + `":1}`,
		`{"accounts":[],"x":` + strings.Repeat(`{"a":`, 9_000),
	} {
		e := fault.As(api.Decode([]byte(body), &protocol.CheckInRequest{}))
		if e == nil || e.Kind != fault.Invalid {
			t.Fatalf("%.40s…: accepted", body)
		}
		if len(e.Field) > 300 || strings.Contains(e.Field, "\uFFFD") {
			t.Errorf("%.40s…: the field has %d bytes: %.300q", body, len(e.Field), e.Field)
		}
	}
}

func TestLazy_RefusesAsPrivatelyAsAHandler(t *testing.T) {
	t.Parallel()
	h := api.Lazy(slog.New(slog.DiscardHandler), func(context.Context) (http.Handler, error) {
		return nil, errors.New("no store")
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if got := w.Header(); got.Get("Cache-Control") != "no-store" || got.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", got)
	}
}
