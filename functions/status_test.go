package functions_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
)

// TestContract_EveryStatusInTheDocumentIsReal provokes each reply of each
// function and holds it against the document; in the end none may be left over.
func TestContract_EveryStatusInTheDocumentIsReal(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	p := w.enrolled(w.admit(""))
	bodies := map[string]any{
		"enroll":  p.enrollment(strings.Repeat("x", 43)),
		"checkin": map[string]any{"accounts": []any{}},
		"token":   map[string]any{"directiveId": w.directive(p)},
	}
	want := func(t *testing.T, status int, reason string, r request) {
		t.Helper()
		got := w.send(r)
		l.check(t, r.function, got)
		if got.status != status {
			t.Fatalf("%d %s, want %d", got.status, got.body, status)
		}
		if status >= 400 && reason != "" && got.problem(t).Type != "urn:rollcall:problem:"+reason {
			t.Errorf("%s, want the reason %s", got.body, reason)
		}
	}
	for _, function := range functionNames {
		good := func() request { return w.request(p, function, bodies[function]) }
		t.Run(function, func(t *testing.T) {
			want(t, http.StatusBadRequest, "invalid-field", w.request(p, function, []byte(`{"extra":1}`)))
			for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "PATCH"} {
				r := good()
				r.method = method
				want(t, http.StatusMethodNotAllowed, "method-not-allowed", r)
			}
			want(t, http.StatusRequestEntityTooLarge, "body-too-large", w.request(p, function, bytes.Repeat([]byte("x"), 64<<10+1)))
			other := good()
			other.mediaType = "text/json"
			want(t, http.StatusUnsupportedMediaType, "unsupported-media-type", other)
			unsigned := good()
			unsigned.proofs = nil
			want(t, http.StatusUnauthorized, "", unsigned)
			for _, broken := range []struct {
				status int
				reason string
				err    error
			}{
				{http.StatusInternalServerError, "", errors.New("a defect")},
				{http.StatusBadGateway, "store-permission", fault.New(fault.Permanent, "store-permission", "grant it")},
				{http.StatusServiceUnavailable, "contention", fault.New(fault.Transient, "contention", "busy").After(time.Second)},
				{http.StatusServiceUnavailable, "", fault.New(fault.Transient, "", "")},
				{http.StatusInsufficientStorage, "store-full", fault.New(fault.Exhausted, "store-full", "make room")},
			} {
				w.store.fail(broken.err)
				want(t, broken.status, broken.reason, good())
				w.store.fail(nil)
			}
		})
	}
	t.Run("enroll", func(t *testing.T) {
		want(t, http.StatusOK, "", w.request(newPhone(t), "enroll", map[string]any{
			"enrollmentToken": w.admit(""), "encryptionKey": newPhone(t).encryption,
		}))
		want(t, http.StatusBadRequest, "invalid-field", w.request(p, "enroll", map[string]any{
			"enrollmentToken": w.admit(""), "encryptionKey": publicJWK(t, p.signing.Public()),
		}))
	})
	t.Run("checkin", func(t *testing.T) {
		busy := w.enrolled(w.admit(""))
		for i := range 70 {
			accounts := []any{map[string]any{"name": strings.Repeat("a", i+1), "state": "invalidated"}}
			r := w.send(w.request(busy, "checkin", map[string]any{"accounts": accounts}))
			l.check(t, "checkin", r)
		}
	})
	tokenStatuses(t, l)
	signInStatuses(t, l)
	l.complete(t, functionNames...)
}

// tokenStatuses provokes what only the function token answers.
func tokenStatuses(t *testing.T, l *ledger) {
	const mint = "androidenterprise.users.generateAuthenticationToken"
	w := newWorld(t, func(c *setup.Config) { c.TokenBurst, c.TokenDaily = 1, 2 })
	ask := func(t *testing.T, p *phone, directive string, status int, reason string) {
		t.Helper()
		r := w.send(w.request(p, "token", map[string]any{"directiveId": directive}))
		l.check(t, "token", r)
		if r.status != status {
			t.Fatalf("%d %s, want %d", r.status, r.body, status)
		}
		if status >= 400 && !strings.HasSuffix(r.problem(t).Type, ":"+reason) {
			t.Errorf("%s, want the reason %s", r.body, reason)
		}
	}
	t.Run("token limits", func(t *testing.T) {
		p := w.enrolled(w.admit(""))
		id := w.directive(p)
		ask(t, p, "add-another", http.StatusConflict, "directive-stale")
		ask(t, p, id, http.StatusOK, "")
		ask(t, p, id, http.StatusTooManyRequests, "token-limit")
	})
	t.Run("token needs an operator", func(t *testing.T) {
		w := newWorld(t, func(c *setup.Config) { c.TokenBurst, c.TokenDaily = 2, 1 })
		p := w.enrolled(w.admit(""))
		id := w.directive(p)
		body := map[string]any{"directiveId": id}
		l.check(t, "token", w.send(w.request(p, "token", body)))
		r := w.send(w.request(p, "token", body))
		l.check(t, "token", r)
		if r.status != http.StatusForbidden {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("token for one device too many", func(t *testing.T) {
		secret := w.admit("person-1")
		first := w.enrolled(secret)
		id := w.directive(first)
		ask(t, first, id, http.StatusOK, "")
		crowd(w)
		p := w.enrolled(secret)
		ask(t, p, w.directive(p), http.StatusConflict, "device-limit")
	})
	t.Run("token while Google is down or full", func(t *testing.T) {
		for _, f := range []struct {
			script googletest.Script
			status int
			reason string
		}{
			{googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 503, RetryAfter: "3000"}, http.StatusServiceUnavailable, "google-backend"},
			{googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 403, Reason: "dailyLimitExceeded"}, http.StatusTooManyRequests, "google-daily-quota"},
			{googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 400, Reason: "invalid"}, http.StatusBadGateway, "google-invalid"},
			{googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 404, Reason: "notFound"}, http.StatusServiceUnavailable, "play-user-missing"},
		} {
			p := w.enrolled(w.admit(""))
			id := w.directive(p)
			w.stack.Play.Faults.Add(f.script)
			ask(t, p, id, f.status, f.reason)
			w.stack.Play.Faults.Clear()
		}
	})
	t.Run("token without the enterprise", func(t *testing.T) {
		p := w.enrolled(w.admit(""))
		id := w.directive(p)
		w.stack.Play.DeleteEnterprise(w.play)
		ask(t, p, id, http.StatusForbidden, "play-enterprise-missing")
	})
}

// crowd gives each account of a person as many devices as it may have.
func crowd(w *world) {
	w.t.Helper()
	accounts, _, err := w.db.Accounts(w.t.Context(), "acme", record.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range accounts {
		for i := len(a.Bindings); a.Subject.Kind == account.Person && i < account.MaxDevices; i++ {
			a.Bindings = append(a.Bindings, account.Binding{DeviceID: strings.Repeat("d", i), Since: time.Now()})
		}
		w.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
	}
}
