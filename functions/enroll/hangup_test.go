package enroll_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/proof"
)

// TestLimit_WhoHangsUpIsCounted: whoever hangs up while the directory judges a guess
// does not get the attempt back, for the directory has counted it: otherwise anybody
// could lock people out of the directory itself, through a limit that is to prevent it.
func TestLimit_WhoHangsUpIsCounted(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for range 20 {
		ctx, hangUp := context.WithCancel(t.Context())
		o.ldap.before = hangUp
		p := o.phone()
		body := o.with(p, byPassword("ada", "wrong"))
		jwt, err := p.signer.Sign(http.MethodPost, url, body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(proof.Header, jwt)
		r.RemoteAddr = home
		o.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if n, _ := o.ldap.count(); n != 5 {
		t.Errorf("%d guesses reached the directory, want 5", n)
	}
	failed := 0
	for _, l := range o.trailOf("bad-credentials") {
		failed++
		if l.Target == "" {
			t.Errorf("trail %v", l)
		}
	}
	if failed != 5 {
		t.Errorf("%d wrong passwords in the trail, want 5", failed)
	}
	o.ldap.before = nil
	o.barred(o.phone(), byPassword("ada", password), at(1), http.StatusTooManyRequests, "sign-in-limit")
	// The address has been counted as well.
	for i := range 45 {
		o.barred(o.phone(), byPassword("nobody-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "wrong"), home, http.StatusUnauthorized, "person-unknown")
	}
	o.barred(o.phone(), byPassword("bob", "wrong"), home, http.StatusTooManyRequests, "sign-in-limit")
}
