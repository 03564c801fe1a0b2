package mailtoken_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	mailbox = "user00000@example.com"
	sub     = "104512345678901234567"
	email   = "gateway@acme-mail.iam.gserviceaccount.com"
)

// gateway registers a service account.
func (b *bench) gateway() (id string) {
	b.t.Helper()
	c := mailclient.Client{
		ID: mailclient.AccountID(sub), Enterprise: "acme", Name: "Gateway", Scope: mailclient.IMAPAdmin, State: mailclient.Active,
		ServiceAccount: &mailclient.ServiceAccount{Email: email, Sub: sub}, Allow: mailclient.Allow{Domains: []string{"example.com"}},
	}
	if err := c.Validate(); err != nil {
		b.t.Fatal(err)
	}
	b.put(func(tx *record.Tx) error { return tx.PutMailClient(c) })
	return c.ID
}

// idClaims are those of a good ID token of the service account.
func (b *bench) idClaims() map[string]any {
	return map[string]any{
		"iss": b.idp.URL, "aud": url, "sub": sub, "azp": sub, "email": email, "email_verified": true,
		"iat": b.clock().Unix(), "exp": b.clock().Add(time.Hour).Unix(),
	}
}

func bearer(raw []byte, token string) *http.Request {
	r := post(raw)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

var serverTime = regexp.MustCompile(`"serverTime":[0-9]+`)

// denials holds that every refusal is the same 401, and tells nobody why but the log.
type denials struct {
	b     *bench
	first string
}

func (d *denials) want(name, reason string, w *httptest.ResponseRecorder) {
	d.b.t.Helper()
	var p protocol.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusUnauthorized || p.ServerTime != d.b.clock().Unix() {
		d.b.t.Errorf("%s: %d %s", name, w.Code, w.Body)
		return
	}
	if got := w.Header().Get("WWW-Authenticate"); got != `DPoP algs="ES256", Bearer` {
		d.b.t.Errorf("%s: the challenge is %q", name, got)
	}
	text := serverTime.ReplaceAllString(w.Body.String(), "")
	if d.first == "" {
		d.first = text
	}
	if diff := cmp.Diff(d.first, text); diff != "" {
		d.b.t.Errorf("%s is refused in its own way (-first +this):\n%s", name, diff)
	}
	if d.b.served.Reason != reason || d.b.served.Writes != 0 {
		d.b.t.Errorf("%s: the log says %q, want %q; %d writes", name, d.b.served.Reason, reason, d.b.served.Writes)
	}
}

// TestProof_C1_WhoIsNotRegisteredIsRefused, or revoked, or no mail client, or late: all
// in the same words.
func TestProof_C1_WhoIsNotRegisteredIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mailboxes(1)
	d := &denials{b: b}
	s := b.server(mailclient.Allow{Domains: []string{"example.com"}})
	d.want("a stranger", "mail-client-unknown", b.send(b.stranger().request(mailbox)))

	revoked := b.stranger()
	revoked.register(func(c *mailclient.Client) { c.State = mailclient.Revoked })
	d.want("revoked", "mail-client-revoked", b.send(revoked.request(mailbox)))

	phone := b.stranger()
	b.put(func(tx *record.Tx) error {
		return tx.PutDevice(device.Device{ID: device.ID(thumbprint(t, phone.key)), Enterprise: "acme", State: device.Active})
	})
	d.want("a device", "mail-client-unknown", b.send(phone.request(mailbox)))

	d.want("nothing", "proof-missing", b.send(post(body(t, []string{mailbox}))))
	for _, off := range []time.Duration{61 * time.Second, -61 * time.Second, 299 * time.Second} {
		r := s.request(mailbox)
		b.pass(off)
		d.want("a proof that is off by "+off.String(), "proof-time", b.send(r))
		b.pass(-off)
	}
	for _, off := range []time.Duration{60 * time.Second, -60 * time.Second} {
		r := s.request(mailbox)
		b.pass(off)
		if w := b.send(r); w.Code != http.StatusOK {
			t.Errorf("a proof that is off by %v: %d %s", off, w.Code, w.Body)
		}
		b.pass(-off)
	}
	twice := s.request(mailbox)
	twice.Header.Add(proof.Header, twice.Header.Get(proof.Header))
	d.want("two proofs", "proof-repeated", b.send(twice))
	other := s.request(mailbox)
	other.Body = post(body(t, []string{"user00001@example.com"})).Body
	d.want("another body", "proof-body", b.send(other))
	both := s.request(mailbox)
	both.Header.Set("Authorization", "Bearer "+b.idp.Sign(b.idClaims()))
	d.want("a proof and an ID token", "credentials-several", b.send(both))
	if got := s.reasons(mailbox); got[0] != "" {
		t.Errorf("the good one: %v", got)
	}
}

// TestProof_C1_IsGoodOnce for as long as it is good at all, in one process.
func TestProof_C1_IsGoodOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mailboxes(1)
	d := &denials{b: b}
	s := b.server(mailclient.Allow{Domains: []string{"example.com"}})
	raw := body(t, []string{mailbox})
	jwt := s.request(mailbox).Header.Get(proof.Header)
	again := func() *http.Request {
		r := post(raw)
		r.Header.Set(proof.Header, jwt)
		return r
	}
	b.pass(-60 * time.Second) // the server's clock is ahead
	if w := b.send(again()); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for range 12 {
		b.pass(10 * time.Second)
		d.want("sent again", "proof-reused", b.send(again()))
		if w := b.send(s.request(mailbox)); w.Code != http.StatusOK {
			t.Fatalf("a new one: %d %s", w.Code, w.Body)
		}
	}
	b.pass(time.Second)
	d.want("too old by itself", "proof-time", b.send(again()))
}

// TestIDToken_OfTheServiceAccountIsTaken, and gives tokens of the scope of its row.
func TestIDToken_OfTheServiceAccountIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mailboxes(1)
	id := b.gateway()
	for _, scheme := range []string{"Bearer", "bearer"} {
		r := post(body(t, []string{mailbox}))
		r.Header.Set("Authorization", scheme+" "+b.idp.Sign(b.idClaims()))
		it := itemsOf(t, b.send(r))[0]
		g, ok := b.google.Grant(it.AccessToken)
		if !ok || g.Subject != mailbox || g.Scopes[0] != mailclient.IMAPAdmin.URL() || b.served.Who != "mail-client:"+id {
			t.Errorf("%s: %+v of %s", scheme, g, b.served.Who)
		}
	}
	for _, raw := range []string{`{"mailboxes":[]}`, `{"mailboxes":["a@example.com"],"x":1}`, ``, `[]`} {
		if w := b.send(bearer([]byte(raw), b.idp.Sign(b.idClaims()))); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", raw, w.Code, w.Body)
		}
	}
}

// TestIDToken_C1_HostileOnesAreRefused in the words in which a proof is.
func TestIDToken_C1_HostileOnesAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mailboxes(1)
	b.gateway()
	d := &denials{b: b}
	d.want("a proof, to compare with", "mail-client-unknown", b.send(b.stranger().request(mailbox)))
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) string {
		c := b.idClaims()
		c[name] = value
		return b.idp.Sign(c)
	}
	for _, tc := range []struct{ name, reason, token string }{
		{"alg none", "id-token-malformed", oidctest.Unsigned(t, b.idClaims(), "")},
		{"HS256", "id-token-malformed", oidctest.SignWith(t, jose.HS256, []byte(b.idp.URL+"-and-32-bytes-of-it"), "key-1", b.idClaims())},
		{"a stranger's key", "id-token-signature", oidctest.SignWith(t, jose.RS256, stranger, "key-1", b.idClaims())},
		{"for another function", "id-token-audience", with("aud", "https://emm.example.com/admin")},
		{"another issuer", "id-token-issuer", with("iss", "https://accounts.google.com")},
		{"expired", "id-token-expired", with("exp", noon.Add(-time.Second).Unix())},
		{"not verified", "id-token-email-unverified", with("email_verified", false)},
		{"a person's", "id-token-claim", with("email", "anna@example.com")},
		{"of another account with the same address", "mail-client-unknown", with("sub", "104512345678901234568")},
		{"nothing", "id-token-malformed", ""},
		{"a proof for a token", "id-token-issuer", b.stranger().request(mailbox).Header.Get(proof.Header)},
	} {
		d.want(tc.name, tc.reason, b.send(bearer(body(t, []string{mailbox}), tc.token)))
	}
	basic := post(body(t, []string{mailbox}))
	basic.SetBasicAuth("a", "b")
	d.want("Basic", "id-token-missing", b.send(basic))
	long := bearer(body(t, []string{mailbox}), string(make([]byte, 20_000)))
	d.want("a very long one", "id-token-missing", b.send(long))
	b.leaksNothing()
}

// TestIDToken_ProviderAway is no refusal: the client comes back.
func TestIDToken_ProviderAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gateway()
	b.idp.Fail(oidctest.Down)
	if w := b.send(bearer(body(t, []string{mailbox}), b.idp.Sign(b.idClaims()))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
