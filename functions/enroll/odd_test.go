package enroll_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignIn_OddLogins: what no directory has for a login is refused as an unknown one,
// and never ends as somebody else's.
func TestSignIn_OddLogins(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i, login := range []string{
		" ", "\u00a0", "\u2003", strings.Repeat("\U0001f600", 128), "*", "a*", "ada)(uid=*", "ada\\", `ada\00`, "../ada", "ada/x", "acme/ada",
		"a\u0064\u0301a", "ad\u0430", "\u212a", "\u0130", "ada@example.com", adaID, "\ufeffada", "ada\u200b", "%61da",
	} {
		o.barred(o.phone(), byPassword(login, password), at(i), http.StatusUnauthorized, "person-unknown")
		_, asked := o.ldap.count()
		if got := asked[len(asked)-1]; len(got) != 16 || !strings.HasPrefix(got, "x") {
			t.Errorf("%q: the directory was asked for %q", login, got)
		}
	}
}
