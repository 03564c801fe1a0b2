package mailtoken_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// server is a mail server with a key.
type server struct {
	*bench
	id     string
	key    *ecdsa.PrivateKey
	signer *proof.Signer
}

// stranger returns a server that is not registered.
func (b *bench) stranger() *server {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	signer, err := proof.NewSigner(key, rand.Reader, b.clock)
	if err != nil {
		b.t.Fatal(err)
	}
	return &server{b, mailclient.KeyID(thumbprint(b.t, key)), key, signer}
}

func thumbprint(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return thumb
}

// server returns one that is registered.
func (b *bench) server(allow mailclient.Allow) *server {
	b.t.Helper()
	s := b.stranger()
	s.register(func(c *mailclient.Client) { c.Allow = allow })
	return s
}

// register stores the server's row, with changes to a good one.
func (s *server) register(change func(*mailclient.Client)) {
	s.t.Helper()
	c := mailclient.Client{
		ID: s.id, Enterprise: "acme", Name: "Voicemail", Thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint(s.t, s.key)),
		Scope: mailclient.Full, State: mailclient.Active, CreatedAt: noon, UpdatedAt: noon, UpdatedBy: "admin:test",
		Allow: mailclient.Allow{Domains: []string{"example.com"}},
	}
	change(&c)
	if err := c.Validate(); err != nil {
		s.t.Fatal(err)
	}
	s.put(func(tx *record.Tx) error { return tx.PutMailClient(c) })
}

// request returns a request with a proof that is made now.
func (s *server) request(mailboxes ...string) *http.Request {
	s.t.Helper()
	return s.signed(body(s.t, mailboxes))
}

func body(t testing.TB, mailboxes []string) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"mailboxes": mailboxes})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (s *server) signed(raw []byte) *http.Request {
	s.t.Helper()
	jwt, err := s.signer.Sign(http.MethodPost, url, raw)
	if err != nil {
		s.t.Fatal(err)
	}
	r := post(raw)
	r.Header.Set(proof.Header, jwt)
	return r
}

func post(raw []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (b *bench) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// item is what a mail server reads of one mailbox.
type item struct {
	Mailbox           string    `json:"mailbox"`
	AccessToken       string    `json:"accessToken"`
	ExpiresAt         time.Time `json:"expiresAt"`
	XOAUTH2           string    `json:"xoauth2"`
	Reason            string    `json:"reason"`
	Detail            string    `json:"detail"`
	RetryAfterSeconds int       `json:"retryAfterSeconds"`
}

func itemsOf(t testing.TB, w *httptest.ResponseRecorder) []item {
	t.Helper()
	var reply struct{ Items []item }
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %.500s: %v", w.Code, w.Body, err)
	}
	return reply.Items
}

// ask asks for mailboxes and returns the items.
func (s *server) ask(mailboxes ...string) []item {
	s.t.Helper()
	return itemsOf(s.t, s.send(s.request(mailboxes...)))
}

// reasons asks for mailboxes and returns why there are no tokens, "" where there are.
func (s *server) reasons(mailboxes ...string) []string {
	s.t.Helper()
	var out []string
	for _, it := range s.ask(mailboxes...) {
		if (it.Reason == "") != (it.AccessToken != "") {
			s.t.Errorf("neither or both: %+v", it)
		}
		out = append(out, it.Reason)
	}
	return out
}
