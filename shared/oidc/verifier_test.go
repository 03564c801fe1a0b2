package oidc_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/oidc"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	audience = "rollcall-agent"
	nonce    = "nonce-of-this-device"
	ada      = "128b2f33-0c5c-4fd0-a6a3-a4506513270e"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// bench is a verifier and a provider, with one clock.
type bench struct {
	*oidctest.Provider
	t        *testing.T
	verifier *oidc.Verifier
	config   directory.OIDC

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Provider: oidctest.New(t), t: t, now: noon}
	b.verifier = oidc.New(oidc.Options{Now: b.clock})
	b.config = directory.OIDC{Issuer: b.URL, Audience: audience}
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) claims() map[string]any { return b.Claims(audience, nonce, ada, b.clock()) }

func (b *bench) verify(token string) (string, error) {
	return b.verifier.Verify(b.t.Context(), b.config, secret.New(token), nonce)
}

// good fails unless a new token of the provider's is taken.
func (b *bench) good() {
	b.t.Helper()
	if got, err := b.verify(b.Sign(b.claims())); err != nil || got != ada {
		b.t.Fatalf("a good token: %q, %v (%s)", got, err, fault.ReasonOf(err))
	}
}

// refused fails unless a token is refused for a reason, without a word of its own.
func (b *bench) refused(name, token, reason string) {
	b.t.Helper()
	got, err := b.verify(token)
	if fault.KindOf(err) != fault.Unauthorized || fault.ReasonOf(err) != reason || got != "" {
		b.t.Errorf("%s: %q, %v (%s), want unauthorized for %s", name, got, err, fault.ReasonOf(err), reason)
	}
	if e := fault.As(err); e != nil && (e.Public != "" || e.Err != nil) {
		b.t.Errorf("%s: the refusal has a text: %v", name, err)
	}
}

func TestVerify_ClaimsOfGoodSignature(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.good()
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	for _, tc := range []struct {
		name, reason string // no reason: it is taken
		change       func(map[string]any)
	}{
		{"another issuer", "id-token-issuer", func(c map[string]any) { c["iss"] = "https://idp.example.org" }},
		{"issuer with a slash", "id-token-issuer", func(c map[string]any) { c["iss"] = b.URL + "/" }},
		{"no issuer", "id-token-issuer", func(c map[string]any) { delete(c, "iss") }},
		{"another audience", "id-token-audience", func(c map[string]any) { c["aud"] = "another" }},
		{"no audience", "id-token-audience", func(c map[string]any) { delete(c, "aud") }},
		{"audience among others, made for another", "id-token-audience", func(c map[string]any) { c["aud"], c["azp"] = []string{"another", audience}, "another" }},
		{"audience among others, made for nobody", "id-token-audience", func(c map[string]any) { c["aud"] = []string{audience, "another"} }},
		{"audience among others, made for us", "", func(c map[string]any) { c["aud"], c["azp"] = []string{"another", audience}, audience }},
		{"one audience, as Google's on Android", "", func(c map[string]any) { c["aud"], c["azp"] = []string{audience}, "the-app" }},
		{"expired", "id-token-expired", func(c map[string]any) { c["exp"] = at(-time.Second) }},
		{"no expiry", "id-token-expired", func(c map[string]any) { delete(c, "exp") }},
		{"expires before it was made", "id-token-time", func(c map[string]any) { c["iat"], c["exp"] = at(4*time.Minute), at(time.Minute) }},
		{"a clock that is ahead", "", func(c map[string]any) { c["iat"] = at(5 * time.Minute) }},
		{"a clock that is too far ahead", "id-token-time", func(c map[string]any) { c["iat"] = at(5*time.Minute + time.Second) }},
		{"not yet", "id-token-time", func(c map[string]any) { c["nbf"] = at(6 * time.Minute) }},
		{"no time of issue", "id-token-time", func(c map[string]any) { delete(c, "iat") }},
		{"issued at zero", "id-token-time", func(c map[string]any) { c["iat"] = 0 }},
		{"old", "", func(c map[string]any) { c["iat"] = at(-24 * time.Hour) }},
		{"too old", "id-token-time", func(c map[string]any) { c["iat"] = at(-24*time.Hour - time.Second) }},
		{"another nonce", "id-token-nonce", func(c map[string]any) { c["nonce"] = "nonce-of-another-device" }},
		{"the nonce and more", "id-token-nonce", func(c map[string]any) { c["nonce"] = nonce + "A" }},
		{"no nonce", "id-token-nonce", func(c map[string]any) { delete(c, "nonce") }},
		{"empty nonce", "id-token-nonce", func(c map[string]any) { c["nonce"] = "" }},
		{"no subject", "id-token-claim", func(c map[string]any) { delete(c, "sub") }},
		{"subject of two lines", "id-token-claim", func(c map[string]any) { c["sub"] = ada + "\n" }},
		{"subject without end", "id-token-claim", func(c map[string]any) { c["sub"] = strings.Repeat("a", 321) }},
		{"subject that is a number", "id-token-malformed", func(c map[string]any) { c["sub"] = 7 }},
		{"time that is none", "id-token-malformed", func(c map[string]any) { c["exp"] = true }},
	} {
		c := b.claims()
		tc.change(c)
		if token := b.Sign(c); tc.reason != "" {
			b.refused(tc.name, token, tc.reason)
		} else if got, err := b.verify(token); err != nil || got != ada {
			t.Errorf("%s: %q, %v (%s)", tc.name, got, err, fault.ReasonOf(err))
		}
	}
}

func TestVerify_Signature(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.Sign(b.claims())
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	other := b.claims()
	other["sub"] = "somebody else"
	_, foreign, _ := strings.Cut(b.Sign(other), ".")
	foreign, _, _ = strings.Cut(foreign, ".")
	public := []byte(b.URL) // whatever the "shared secret" is
	for _, tc := range []struct{ name, token, reason string }{
		{"another's key under a known id", oidctest.SignWith(t, jose.RS256, stranger, "key-1", b.claims()), "id-token-signature"},
		{"a key that nobody has", oidctest.SignWith(t, jose.RS256, stranger, "key-9", b.claims()), "id-token-signature"},
		{"another payload", head + "." + foreign + "." + signature, "id-token-signature"},
		{"cut signature", head + "." + payload + "." + signature[:20], "id-token-signature"},
		{"none", oidctest.Unsigned(t, b.claims(), ""), "id-token-malformed"},
		{"none with a signature", oidctest.Unsigned(t, b.claims(), signature), "id-token-malformed"},
		{"a shared secret", oidctest.SignWith(t, jose.HS256, append(public, make([]byte, 32)...), "key-1", b.claims()), "id-token-malformed"},
		{"an algorithm that the provider does not have", oidctest.SignWith(t, jose.PS256, stranger, "key-1", b.claims()), "id-token-malformed"},
		{"JSON form", `{"payload":"` + payload + `","protected":"` + head + `","signature":"` + signature[:30] + `"}`, "id-token-signature"},
		{"no JWT", "a.b.c", "id-token-malformed"},
		{"nothing", "", "id-token-malformed"},
	} {
		b.refused(tc.name, tc.token, tc.reason)
	}
	b.good()
}

// TestVerify_NamesByClaim: texts alone name people, and an address only if nobody says
// that it is not verified.
func TestVerify_NamesByClaim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tc := range []struct {
		name, claim, want, reason string
		value, verified           any
	}{
		{"a claim of its own", "employee", "E-7", "", "E-7", nil},
		{"another type", "employee", "", "id-token-claim", 7, nil},
		{"a list", "employee", "", "id-token-claim", []string{"E-7"}, nil},
		{"missing", "employee", "", "id-token-claim", nil, nil},
		{"address, nothing said", "email", "a@example.com", "", "a@example.com", nil},
		{"address, verified", "email", "a@example.com", "", "a@example.com", true},
		{"address, verified in words", "email", "a@example.com", "", "a@example.com", "true"},
		{"address, unverified", "email", "", "id-token-email-unverified", "a@example.com", false},
		{"address, unverified in words", "email", "", "id-token-email-unverified", "a@example.com", "false"},
		{"address, strangely verified", "email", "", "id-token-email-unverified", "a@example.com", 1},
	} {
		b.config.Claim = tc.claim
		c := b.claims()
		if tc.value != nil {
			c[tc.claim] = tc.value
		}
		if tc.verified != nil {
			c["email_verified"] = tc.verified
		}
		if tc.reason != "" {
			b.refused(tc.name, b.Sign(c), tc.reason)
		} else if got, err := b.verify(b.Sign(c)); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v (%s)", tc.name, got, err, fault.ReasonOf(err))
		}
	}
}

// TestVerify_ManyAtOnceReadOnce: who waits shares one reading, and who gives up ends
// nobody else's.
func TestVerify_ManyAtOnceReadOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.Sign(b.claims())
	hold, asked := make(chan struct{}), make(chan struct{}, 100)
	b.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == oidctest.Discovery {
			asked <- struct{}{}
			<-hold
		}
		return false
	})
	impatient, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := b.verifier.Verify(impatient, b.config, secret.New(token), nonce); fault.KindOf(err) != fault.Transient {
			t.Errorf("who gave up: %v", err)
		}
	})
	<-asked
	cancel()
	for range 20 {
		wg.Go(func() {
			if got, err := b.verify(token); err != nil || got != ada {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	close(hold)
	wg.Wait()
	if d := b.Requests(oidctest.Discovery); d > 2 {
		t.Errorf("%d readings", d)
	}
}
