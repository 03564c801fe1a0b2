package google

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var noon = time.Unix(1<<31, 0)

func kept(c *TokenCache, owner uint64, subject, token string, life time.Duration) tokenKey {
	k := tokenKey{owner, NewScopes("a", "b"), subject}
	end := noon.Add(life).UnixNano()
	c.put(&entry{key: k, value: secret.New(token), expiry: end, until: end, renew: end}, noon)
	return k
}

func holds(c *TokenCache, k tokenKey, now time.Time) bool {
	e, _ := c.get(k, now, time.Second)
	return e != nil
}

func TestTokenCache_TheLeastRecentlyUsedGoesFirst(t *testing.T) {
	t.Parallel()
	c := NewTokenCache(3*(entryBytes+2) + 1)
	a, b, d := kept(c, 1, "a", "1", time.Hour), kept(c, 1, "b", "2", time.Hour), kept(c, 1, "d", "3", time.Hour)
	if !holds(c, a, noon) {
		t.Error("dropped below the bound")
	}
	e := kept(c, 1, "e", "4", time.Hour)
	for k, want := range map[tokenKey]bool{a: true, b: false, d: true, e: true} {
		if holds(c, k, noon) != want {
			t.Errorf("%s is kept: %v", k.subject, !want)
		}
	}
	// The bound is of bytes.
	kept(c, 1, "f", strings.Repeat("x", 2*entryBytes), time.Hour)
	if n := c.Len(); n != 1 {
		t.Errorf("%d entries beside a long one", n)
	}
	// What is over the bound alone is kept all the same, else it would be fetched for ever.
	g := kept(c, 1, "g", strings.Repeat("x", 4*entryBytes), time.Hour)
	if !holds(c, g, noon) || c.Len() != 1 {
		t.Error("a long token is not kept")
	}
}

// TestTokenCache_K3_RefusalsPushNoTokenOut: somebody who asks for address after address
// that does not exist costs another enterprise no token, and little memory.
func TestTokenCache_K3_RefusalsPushNoTokenOut(t *testing.T) {
	t.Parallel()
	const room = 64 << 10
	c := NewTokenCache(room)
	token := kept(c, 1, "anna@example.com", "x", time.Hour)
	no := fault.New(fault.Permanent, ReasonSubject, "no")
	refuse := func(subject string) tokenKey {
		k, end := tokenKey{2, NewScopes("a"), subject}, noon.Add(time.Minute).UnixNano()
		c.put(&entry{key: k, refused: no, until: end, renew: end}, noon)
		return k
	}
	var last tokenKey
	for i := range 1000 {
		last = refuse(fmt.Sprintf("nobody%d@example.org", i))
	}
	if !holds(c, token, noon) || !holds(c, last, noon) {
		t.Error("the token, or the last refusal, is gone")
	}
	if n := c.Len(); n < 10 || n > 1+room/refusalShare/(entryBytes+refusalBytes) {
		t.Errorf("%d entries are kept", n)
	}
	// What becomes of a person is one entry, of whichever sort.
	again := kept(c, 2, last.subject, "y", time.Hour)
	before := c.Len()
	refuse("anna@example.com")
	c.put(&entry{key: again, refused: no, until: noon.UnixNano() + 1}, noon)
	if e, _ := c.get(again, noon, time.Second); e == nil || e.refused == nil || c.Len() > before+1 || c.tokens.recent.Len() != 1 {
		t.Errorf("%+v, %d entries", e, c.Len())
	}
}

func TestTokenCache_EndedOnesGo(t *testing.T) {
	t.Parallel()
	c := NewTokenCache(0)
	for i := range 100 {
		kept(c, 1, fmt.Sprint(i), "x", time.Duration(i)*time.Second)
	}
	late := noon.Add(50 * time.Second)
	k := tokenKey{1, NewScopes(), "new"}
	c.put(&entry{key: k, until: late.UnixNano() + 1}, late)
	if n := c.Len(); n != 50 { // 51 to 99, and the new one
		t.Errorf("%d entries, want 50", n)
	}
	if holds(c, tokenKey{1, NewScopes("b", "a"), "51"}, late.Add(time.Second)) {
		t.Error("handed out at its end")
	}
}

func TestTokenCache_OwnersSubjectsAndScopesAreApart(t *testing.T) {
	t.Parallel()
	c := NewTokenCache(0)
	k := kept(c, c.newOwner(), "a", "x", time.Hour)
	for _, other := range []tokenKey{
		{c.newOwner(), k.scopes, k.subject}, {k.owner, NewScopes("a"), k.subject}, {k.owner, k.scopes, "A"}, {0, k.scopes, k.subject},
	} {
		if holds(c, other, noon) {
			t.Errorf("%+v is %+v", other, k)
		}
	}
	if !holds(c, tokenKey{k.owner, NewScopes("b", "a", "b"), "a"}, noon) {
		t.Error("the order of scopes matters")
	}
	c.forget(k, secret.New("y"))
	if !holds(c, k, noon) {
		t.Error("another token's rejection dropped it")
	}
	c.forget(k, secret.New("x"))
	if holds(c, k, noon) || c.tokens.bytes != 0 || c.tokens.recent.Len() != 0 {
		t.Error("a rejected token is kept")
	}
	c.put(&entry{key: k, refused: fault.New(fault.Permanent, ReasonSubject, "no"), until: noon.UnixNano() + 1}, noon)
	c.forget(k, secret.Value{})
	if c.Len() != 1 {
		t.Error("a refusal was forgotten for a token")
	}
}

func TestTokenCache_OneAskerRenews(t *testing.T) {
	t.Parallel()
	c := NewTokenCache(0)
	k := tokenKey{1, NewScopes("a"), "a"}
	c.put(&entry{key: k, until: noon.Add(time.Hour).UnixNano(), renew: noon.UnixNano()}, noon)
	var told []bool
	for _, at := range []time.Duration{-1, 0, 0, 29 * time.Second, 30 * time.Second, 31 * time.Second} {
		_, renew := c.get(k, noon.Add(at), 30*time.Second)
		told = append(told, renew)
	}
	if want := fmt.Sprint([]bool{false, true, false, false, true, false}); fmt.Sprint(told) != want {
		t.Errorf("told %v, want %s", told, want)
	}
}

// What the endpoint answers is a token that may stand in a header, or nonsense.
func FuzzReadToken(f *testing.F) {
	f.Add([]byte(`{"access_token":"ya29.a-b_c~d+e/f=","token_type":"Bearer","expires_in":3599}`))
	f.Add([]byte(`{"access_token":"a\u0001b","token_type":"Bearer"}`))
	f.Add([]byte(`{"access_token":"a","token_type":"mac","expires_in":1e999}`))
	f.Add([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":-5}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		tok, err := readToken(body, noon)
		if err != nil {
			if fault.ReasonOf(err) != ReasonBackend {
				t.Errorf("refused as %v", err)
			}
			return
		}
		s := tok.Value.Reveal()
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is taken for a token", s)
		}
		if life := tok.Expiry.Sub(noon); life < 0 || life > maxLife {
			t.Errorf("it lives for %v", life)
		}
	})
}
