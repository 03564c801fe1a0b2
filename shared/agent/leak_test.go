package agent_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestInvariantE3ErrorsNeverEcho: whatever a server repeats of a request, no error
// and no exchange shows what the device enrols with or the proof (E3).
func TestInvariantE3ErrorsNeverEcho(t *testing.T) {
	t.Parallel()
	var proofs []string
	all := func(r *http.Request) string {
		body := make([]byte, r.ContentLength)
		_, _ = bufio.NewReader(r.Body).Read(body)
		proofs = append(proofs, r.Header.Get(proof.Header))
		return r.Header.Get(proof.Header) + string(body)
	}
	raw := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := all(r)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, format, strings.ReplaceAll(text, "\n", ""))
		}
	}
	typed := func(status int, mediaType, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			quoted := strings.Trim(fmt.Sprintf("%q", all(r)), `"`)
			w.Header().Set("Content-Type", mediaType)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, format, quoted)
		}
	}
	tests := map[string]http.HandlerFunc{
		"problem": func(w http.ResponseWriter, r *http.Request) {
			s := newServer(t)
			body := make([]byte, r.ContentLength)
			_, _ = r.Body.Read(body)
			proofs = append(proofs, r.Header.Get(proof.Header))
			s.refuse(w, r, body, trouble{status: 400, echo: true})
		},
		"reason":             typed(403, "application/problem+json", `{"type":"urn:rollcall:problem:%s"}`),
		"reply":              typed(200, "application/json", `{"deviceId":"%s"}`),
		"member name":        typed(200, "application/json", `{"%s":1,"deviceId":1}`),
		"page":               typed(502, "text/html", `<p>%s`),
		"media type":         func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", all(r)) },
		"malformed response": raw("%s\r\n\r\n"),
		"malformed header":   raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n"),
		"malformed status":   raw("HTTP/1.1 %s\r\n\r\n"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+all(r), http.StatusTemporaryRedirect)
		},
	}
	type attempt struct {
		by     agent.Credentials
		hidden []string
	}
	attempts := []attempt{
		{agent.ByToken(secret.New(enrollmentToken)), []string{enrollmentToken}},
		{agent.ByPassword("acme", "ada", secret.New(somePassword)), []string{somePassword, "correct", "battery"}},
		{agent.ByPassword("acme", "ada", secret.New("Pa1!")), []string{"Pa1!"}},
		{agent.ByIDToken("acme", secret.New(anIDToken)), []string{anIDToken, anIDToken[:20]}},
	}
	for i := range len(tests) * len(attempts) {
		names := slices.Sorted(maps.Keys(tests))
		name, attempt := names[i/len(attempts)], attempts[i%len(attempts)]
		h := tests[name]
		proofs = nil
		ts := httptest.NewServer(h)
		var out strings.Builder
		p := newPhone(t, newServer(t))
		c, err := agent.NewClient(p.keys, &agent.Options{
			Tries: 1, HTTP: ts.Client(), Observe: func(e agent.Exchange) { fmt.Fprintf(&out, "%+v %#v ", e, e) }})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.EnrollBy(t.Context(), ts.URL, attempt.by, p.device())
		ts.Close()
		if err == nil {
			t.Errorf("%s: Enroll succeeded", name)
		}
		fmt.Fprintf(&out, "%v %+v %#v %v %+v %#v %s", err, err, err, attempt.by, attempt.by, attempt.by, attempt.by)
		if len(proofs) != 1 {
			t.Fatalf("%s: %d requests arrived, want 1", name, len(proofs))
		}
		for _, hidden := range append(proofs, attempt.hidden...) {
			if strings.Contains(out.String(), hidden) {
				t.Errorf("%s, %v: an error shows %.12s...:\n%s", name, attempt.by, hidden, &out)
			}
		}
		coded := base64.StdEncoding.EncodeToString([]byte(`{"enrollmentToken":"` + enrollmentToken))[:40]
		if strings.Contains(err.Error(), coded) {
			t.Errorf("%s: the error's text repeats what the server sent", name)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String()
	_ = l.Close()
	p := newPhone(t, newServer(t))
	c, err := agent.NewClient(p.keys, &agent.Options{Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Enroll(t.Context(), at, secret.New(enrollmentToken), p.device())
	if l, ok := err.(*agent.Lost); !ok || l.Endpoint != agent.EnrollEndpoint {
		t.Errorf("Enroll = %#v, want *Lost", err)
	}
}

func TestEndpointRefused(t *testing.T) {
	t.Parallel()
	p := newPhone(t, newServer(t))
	c, err := agent.NewClient(p.keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"", "/enroll", "http://emm.example/enroll", "ftp://localhost/", "https://emm.example/enroll?x=1",
		"https://emm.example/enroll?", "https://emm.example/#x", "https://user@emm.example/", "https://", "%"} {
		if _, err := c.Token(t.Context(), u, protocol.TokenRequest{DirectiveID: "add-1"}); err == nil || !strings.Contains(err.Error(), "endpoint") {
			t.Errorf("Token at %q = %v, want the endpoint refused", u, err)
		}
	}
}
