package functions_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// request is what is sent to a function.
type request struct {
	function, method, mediaType string
	proofs                      []string
	body                        []byte
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// request returns a call of a function with a good proof; body is marshalled
// unless it is bytes.
func (w *world) request(p *phone, function string, body any) request {
	w.t.Helper()
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	return request{
		function: function, method: http.MethodPost, mediaType: "application/json", body: raw,
		proofs: []string{w.prove(p, http.MethodPost, w.url(function), raw, 0)},
	}
}

func (w *world) url(function string) string { return w.stack.URL + "/" + function }

// prove signs a proof whose time is off by the given duration.
func (w *world) prove(p *phone, method, url string, body []byte, off time.Duration) string {
	w.t.Helper()
	s := p.signer
	if off != 0 {
		var err error
		if s, err = proof.NewSigner(p.signing, rand.Reader, func() time.Time { return time.Now().Add(off) }); err != nil {
			w.t.Fatal(err)
		}
	}
	compact, err := s.Sign(method, url, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return compact
}

func (w *world) build(r request) *http.Request {
	w.t.Helper()
	h, err := http.NewRequestWithContext(w.t.Context(), r.method, w.url(r.function), bytes.NewReader(r.body))
	if err != nil {
		w.t.Fatal(err)
	}
	if r.mediaType != "" {
		h.Header.Set("Content-Type", r.mediaType)
	}
	for _, p := range r.proofs {
		h.Header.Add(proof.Header, p)
	}
	return h
}

// send sends the request over a socket.
func (w *world) send(r request) reply {
	w.t.Helper()
	return w.do(w.build(r))
}

func (w *world) do(r *http.Request) reply {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, body}
}

func (r reply) problem(t testing.TB) (p protocol.Problem) {
	t.Helper()
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatalf("%d %.300q: %v", r.status, r.body, err)
	}
	return p
}
