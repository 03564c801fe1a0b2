package functions_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestMailToken_EveryStatusInTheDocumentIsReal provokes each reply and holds it against
// the document.
func TestMailToken_EveryStatusInTheDocumentIsReal(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	w.delegated()
	p := w.mailServer(newPhone(t), "example.com")
	want := func(status int, reason string, r request) reply {
		t.Helper()
		got := w.send(r)
		l.check(t, mailToken, got)
		if got.status != status || status >= 400 && reason != "" && got.problem(t).Type != "urn:rollcall:problem:"+reason {
			t.Fatalf("%d %s, want %d %s", got.status, got.body, status, reason)
		}
		return got
	}
	good := func() request {
		return w.request(p, mailToken, mailboxes("Anna@example.com", "bert@example.com", "ceo@example.org"))
	}
	items := tokensOf(t, want(http.StatusOK, "", good()))
	var reasons []any
	for _, it := range items {
		reasons = append(reasons, it["reason"])
	}
	if diff := cmp.Diff([]any{nil, "google-subject", "mailbox-not-allowed"}, reasons); diff != "" || items[0]["mailbox"] != "Anna@example.com" {
		t.Errorf("%v (-want +got):\n%s", items[0]["mailbox"], diff)
	}
	token, _ := items[0]["accessToken"].(string)
	if g, ok := w.stack.Workspace.Tokens.Grant(token); !ok || g.Subject != "anna@example.com" {
		t.Errorf("the token is for %+v", g)
	}
	want(http.StatusBadRequest, "invalid-field", w.request(p, mailToken, manyMailboxes(501)))
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		r := good()
		r.method = method
		want(http.StatusMethodNotAllowed, "method-not-allowed", r)
	}
	want(http.StatusRequestEntityTooLarge, "body-too-large", w.request(p, mailToken, bytes.Repeat([]byte("x"), 64<<10+1)))
	other := good()
	other.mediaType = "text/json"
	want(http.StatusUnsupportedMediaType, "unsupported-media-type", other)
	unsigned := good()
	unsigned.proofs = nil
	want(http.StatusUnauthorized, "", unsigned)
	for _, broken := range []struct {
		status int
		reason string
		err    error
	}{
		{http.StatusInternalServerError, "", errors.New("a defect")},
		{http.StatusBadGateway, "store-permission", fault.New(fault.Permanent, "store-permission", "grant it")},
		{http.StatusServiceUnavailable, "contention", fault.New(fault.Transient, "contention", "busy").After(time.Second)},
		{http.StatusInsufficientStorage, "store-full", fault.New(fault.Exhausted, "store-full", "make room")},
		// In the place of 20,001 requests, which the function's own tests count.
		{http.StatusTooManyRequests, "too-many-requests", fault.New(fault.Exhausted, "too-many-requests", "ask for more").After(time.Minute)},
	} {
		stranger := w.mailServer(newPhone(t), "example.com")
		w.store.fail(broken.err)
		want(broken.status, broken.reason, w.request(stranger, mailToken, mailboxes("anna@example.com")))
		w.store.fail(nil)
	}
	want(http.StatusOK, "", good())
	l.complete(t, mailToken)
	for _, secret := range append(w.stack.Workspace.Tokens.Secrets(), "ya29.", "dXNlcj") {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%.40q is in the log", secret)
		}
	}
}

// TestMailToken_TakesWhatTheDocumentAllows and answers as it says, for each mailbox in
// order; only a body over its bound is refused.
func TestMailToken_TakesWhatTheDocumentAllows(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	g := newGenerator(t, l.doc)
	w := newWorld(t, nil)
	w.delegated()
	p := w.mailServer(newPhone(t), "example.com")
	schema := l.doc.at(t, requestSchema(mailToken)).(map[string]any)
	rapid.Check(t, func(rt *rapid.T) {
		body := g.draw(rt, schema)
		r := w.request(p, mailToken, body)
		got := w.serve(r)
		l.check(t, mailToken, got)
		if large := len(r.body) > protocol.MaxBody; large != (got.status == http.StatusRequestEntityTooLarge) || !large && got.status != http.StatusOK {
			rt.Fatalf("%d %.300s to %d bytes", got.status, got.body, len(r.body))
		}
		if got.status != http.StatusOK {
			return
		}
		asked := body.(map[string]any)["mailboxes"].([]any)
		for i, it := range tokensOf(t, got) {
			if it["mailbox"] != asked[i] {
				rt.Fatalf("item %d is %v, want %v", i, it["mailbox"], asked[i])
			}
		}
	})
}

// TestMailToken_E4_RefusesWhatTheDocumentRefuses with 400, which names the field, and
// stores nothing.
func TestMailToken_E4_RefusesWhatTheDocumentRefuses(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	g := newGenerator(t, l.doc)
	w := newWorld(t, nil)
	p := w.mailServer(newPhone(t), "example.com")
	before := w.dump(nil)
	schema := l.doc.at(t, requestSchema(mailToken)).(map[string]any)
	compiled := l.doc.schema(t, requestSchema(mailToken))
	whats := map[string]int{}
	for _, m := range g.mutations(schema, mailboxes("anna@example.com", "bert@example.com"), "") {
		whats[m.sort()]++
		if compiled.Validate(m.value) == nil {
			t.Fatalf("%s at %s: the schema allows %v", m.what, m.field, m.value)
		}
		r := w.serve(w.request(p, mailToken, m.value))
		l.check(t, mailToken, r)
		if got := r.problem(t).Field; r.status != http.StatusBadRequest || !m.named(got) {
			t.Errorf("%s: %d naming %q, want 400 naming %q: %s", m.what, r.status, got, m.field, r.body)
		}
	}
	if keys := changed(before, w.dump(nil)); len(keys) > 0 {
		t.Errorf("refused requests changed %v", keys)
	}
	for _, sort := range []string{"too many items mailboxes", "no items mailboxes", "an item twice mailboxes[]", "null mailboxes[]",
		"too long mailboxes[]", "control character mailboxes[]", "empty mailboxes[]", "another word mailboxes[]", "extra member extraMember"} {
		if whats[sort] == 0 {
			t.Errorf("no request was broken by %s; there are %v", sort, whats)
		}
	}
}

// TestMailToken_DocumentAndHandlerAgree about what an address is.
func TestMailToken_DocumentAndHandlerAgree(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	p := w.mailServer(newPhone(t), "example.com")
	compiled := l.doc.schema(t, requestSchema(mailToken))
	rapid.Check(t, func(rt *rapid.T) {
		body := jsonValue(t, mailboxes(rapid.SliceOfN(addresses(), 1, 4).Draw(rt, "mailboxes")...))
		allowed := compiled.Validate(body)
		if allowed == nil && twice(body) {
			return
		}
		r := w.serve(w.request(p, mailToken, body))
		l.check(t, mailToken, r)
		if refused := r.status == http.StatusBadRequest; refused != (allowed != nil) {
			rt.Fatalf("%d %s, but the schema says: %v\n%v", r.status, r.body, allowed, body)
		}
	})
}

// TestMailToken_C1_HostileProofsAreRefused: those of a registered mail server, wrong in
// every way in which a device's can be; and an enrolled device is no mail server, nor
// the other way round.
func TestMailToken_C1_HostileProofsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.delegated()
	h := newHostile(t, w)
	l := newLedger(t)
	body := mailboxes("anna@example.com")
	refusal := ""
	want := func(name string, r request) {
		t.Helper()
		got := w.serve(r)
		l.check(t, mailToken, got)
		h.discreet(name, r, got)
		if refusal == "" {
			refusal = uniform(got)
		}
		if diff := cmp.Diff(refusal, uniform(got)); got.status != http.StatusUnauthorized || diff != "" {
			t.Errorf("%s: %d (-first +this):\n%s", name, got.status, diff)
		}
	}
	want("an enrolled device", w.request(h.devices[0], mailToken, body))
	for _, p := range h.devices {
		w.mailServer(p, "example.com")
	}
	h.sample[mailToken] = [][]byte{marshal(t, body), marshal(t, manyMailboxes(3))}
	if got := w.serve(w.request(h.devices[0], mailToken, body)); got.status != http.StatusOK {
		t.Fatalf("a good one: %d %s", got.status, got.body)
	}
	start := w.dump(nil)
	for _, a := range proofAttacks {
		for range 20 {
			want(a.name, a.make(h, mailToken))
		}
	}
	for _, from := range functionNames {
		r := w.request(h.devices[0], mailToken, body)
		r.proofs = []string{w.prove(h.devices[0], http.MethodPost, w.url(from), r.body, 0)}
		want("a proof for "+from, r)
	}
	for _, off := range []time.Duration{62 * time.Second, -62 * time.Second} {
		r := w.request(h.devices[0], mailToken, body)
		r.proofs = []string{w.prove(h.devices[0], http.MethodPost, w.url(mailToken), r.body, off)}
		want("a minute off", r)
	}
	again := w.request(h.devices[0], mailToken, body)
	if got := w.serve(again); got.status != http.StatusOK {
		t.Fatalf("a good one: %d %s", got.status, got.body)
	}
	want("sent again", again)
	if keys := changed(start, w.dump(nil)); len(keys) > 0 {
		t.Errorf("stored %v", keys)
	}
	server := w.mailServer(newPhone(t), "example.com")
	if got := w.serve(w.request(server, "checkin", map[string]any{"accounts": []any{}})); got.status != http.StatusUnauthorized {
		t.Errorf("a mail server checks in: %d %s", got.status, got.body)
	}
}

// TestMailToken_C1_HostileIDTokensAreRefused, and without asking anybody: none of them
// says that it is Google's and for this function.
func TestMailToken_C1_HostileIDTokensAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l := newLedger(t)
	p := w.mailServer(newPhone(t), "example.com")
	raw := marshal(t, mailboxes("anna@example.com"))
	claims := `{"iss":"https://accounts.google.com","aud":"` + w.url(mailToken) + `","sub":"104512345678901234567","email":"a@b.iam.gserviceaccount.com","email_verified":true,"iat":1,"exp":99999999999}`
	jwt := func(header, payload, signature string) string {
		return b64([]byte(header)) + "." + b64([]byte(payload)) + "." + signature
	}
	mac := func(header, payload string) string {
		m := hmac.New(sha256.New, []byte("https://accounts.google.com"))
		m.Write([]byte(b64([]byte(header)) + "." + b64([]byte(payload))))
		return jwt(header, payload, b64(m.Sum(nil)))
	}
	for name, authorization := range map[string]string{
		"nothing": "", "a word": "Bearer", "no token": "Bearer x", "Basic": "Basic YTpi", "DPoP": "DPoP " + w.prove(p, "POST", w.url(mailToken), raw, 0),
		"alg none":         "Bearer " + jwt(`{"alg":"none"}`, claims, ""),
		"HS256":            "Bearer " + mac(`{"alg":"HS256"}`, claims),
		"another audience": "Bearer " + jwt(`{"alg":"RS256"}`, strings.Replace(claims, "/mailtoken", "/admin", 1), b64([]byte("signature"))),
		"another issuer":   "Bearer " + jwt(`{"alg":"RS256"}`, strings.Replace(claims, "accounts.google.com", "idp.example", 1), b64([]byte("signature"))),
		"very long":        "Bearer " + strings.Repeat("a", 20_000),
	} {
		r := w.build(request{function: mailToken, method: http.MethodPost, mediaType: "application/json", body: raw})
		r.Header["Authorization"] = []string{authorization}
		got := w.do(r)
		l.check(t, mailToken, got)
		if got.status != http.StatusUnauthorized || strings.Contains(string(got.body), "eyJ") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}
