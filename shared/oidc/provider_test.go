package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
)

// TestVerify_KeysRotate: a new key is taken at once, a withdrawn one no longer than
// the hour, and neither costs a fetch for each token.
func TestVerify_KeysRotate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 5 {
		b.good()
	}
	if d, k := b.Requests(oidctest.Discovery), b.Requests(oidctest.Keys); d != 1 || k != 1 {
		t.Errorf("%d and %d fetches for five tokens, want 1 and 1", d, k)
	}
	old := b.Sign(b.claims())
	b.Rotate(jose.RS256)
	b.good()
	if _, err := b.verify(old); err != nil {
		t.Errorf("a token by the earlier key: %v", err)
	}
	if k := b.Requests(oidctest.Keys); k != 2 {
		t.Errorf("%d fetches of keys, want 2", k)
	}
	b.Withdraw()
	b.pass(59 * time.Minute)
	if _, err := b.verify(old); err != nil {
		t.Errorf("within the hour nobody asks: %v", err)
	}
	b.pass(time.Minute)
	b.refused("by a withdrawn key", old, "id-token-signature")
	b.good()
}

// TestVerify_StrangersCauseFewFetches: tokens of keys that do not exist are told apart
// from a provider that is away, and have its keys fetched a few times only.
func TestVerify_StrangersCauseFewFetches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.good()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[fault.Kind]int{}
	for i := range 30 {
		_, err := b.verify(oidctest.SignWith(t, jose.RS256, stranger, fmt.Sprint("x", i), b.claims()))
		kinds[fault.KindOf(err)]++
		if fault.KindOf(err) == fault.Transient && (fault.ReasonOf(err) != "oidc-keys-limit" || fault.As(err).RetryAfter <= 0) {
			t.Errorf("%v (%s)", err, fault.ReasonOf(err))
		}
	}
	if k := b.Requests(oidctest.Keys); k > 6 || kinds[fault.Unauthorized]+kinds[fault.Transient] != 30 || kinds[fault.Unauthorized] == 0 {
		t.Errorf("%d fetches, answers %v", k, kinds)
	}
	b.good() // by a key that is known, at any time
}

func TestVerify_ProviderIsAway(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault oidctest.Fault
		kind  fault.Kind
	}{
		{"503", oidctest.Down, fault.Transient},
		{"cut", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, fault.Transient},
		{"page", func(w http.ResponseWriter, _ *http.Request) bool { _, _ = fmt.Fprint(w, "<p>hello"); return true }, fault.Transient},
		{"redirect", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://idp.example.org/", http.StatusFound)
			return true
		}, fault.Transient},
		{"without end", func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = fmt.Fprint(w, `"`+strings.Repeat("x", 2<<20)+`"`)
			return true
		}, fault.Transient},
		{"another document", func(w http.ResponseWriter, _ *http.Request) bool { _, _ = fmt.Fprint(w, `[]`); return true }, fault.Permanent},
	} {
		b := newBench(t)
		b.Fail(tc.fault)
		_, err := b.verify(b.Sign(b.claims()))
		if fault.KindOf(err) != tc.kind {
			t.Errorf("%s: %v (%v), want %v", tc.name, err, fault.KindOf(err), tc.kind)
		}
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "own words") || strings.Contains(text, "hello") {
			t.Errorf("%s: the error quotes the provider: %s", tc.name, text)
		}
		b.Fail(nil)
		b.good() // a failure is not remembered
		// The keys alone are away.
		b.Rotate(jose.RS256)
		b.Fail(tc.fault)
		if _, err := b.verify(b.Sign(b.claims())); tc.kind == fault.Transient && fault.KindOf(err) != fault.Transient {
			t.Errorf("%s at the keys: %v (%v)", tc.name, err, fault.KindOf(err))
		}
	}
}

// TestVerify_OutageOfTheProvider: what was read last holds for a day.
func TestVerify_OutageOfTheProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.good()
	b.Fail(oidctest.Down)
	b.pass(time.Hour)
	for range 10 {
		b.good()
	}
	if d := b.Requests(oidctest.Discovery); d != 2 {
		t.Errorf("%d readings, want 2: the failed one is not repeated at once", d)
	}
	b.pass(23*time.Hour - time.Second)
	b.good()
	b.pass(time.Second)
	if _, err := b.verify(b.Sign(b.claims())); fault.KindOf(err) != fault.Transient {
		t.Errorf("after a day: %v", err)
	}
	b.Fail(nil)
	b.pass(time.Minute)
	b.good()
}

func TestVerify_WrongConfiguration(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, reason string
		change       func(*bench)
	}{
		{"plain http", "oidc-issuer", func(b *bench) { b.config.Issuer = "http://idp.example.org" }},
		{"no URL", "oidc-issuer", func(b *bench) { b.config.Issuer = "idp" }},
		{"with a query", "oidc-issuer", func(b *bench) { b.config.Issuer += "?a=b" }},
		{"calls itself otherwise", "oidc-discovery", func(b *bench) { b.Metadata("issuer", b.URL+"/") }},
		{"keys in clear", "oidc-discovery", func(b *bench) { b.Metadata("jwks_uri", "http://idp.example.org/keys") }},
		{"no keys", "oidc-discovery", func(b *bench) { b.Metadata("jwks_uri", "") }},
	} {
		b := newBench(t)
		tc.change(b)
		if _, err := b.verify(b.Sign(b.claims())); fault.KindOf(err) != fault.Permanent || fault.ReasonOf(err) != tc.reason {
			t.Errorf("%s: %v (%s), want %s", tc.name, err, fault.ReasonOf(err), tc.reason)
		}
	}
}
