package enroll_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestSignIn_Off: who does not take the credentials, or is nobody, refuses alike and
// remembers nothing but a line in the trail.
func TestSignIn_Off(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, reason, ent string
		arrange           func(*office)
		with              func(*office) credentials
	}{
		{"no such enterprise", "sign-in-off", "-", nil, func(*office) credentials {
			return func(p *phone) protocol.EnrollRequest {
				r := byPassword("ada", password)(p)
				r.Enterprise = "nobody"
				return r
			}
		}},
		{"no sign-in", "sign-in-off", "acme", func(o *office) { o.configure(func(c *directory.Config) { c.SignIn = nil }) },
			func(*office) credentials { return byPassword("ada", password) }},
		{"no passwords", "sign-in-off", "acme", func(o *office) { o.configure(func(c *directory.Config) { c.SignIn.LDAP = false }) },
			func(*office) credentials { return byPassword("ada", password) }},
		{"no LDAP", "sign-in-off", "acme", func(o *office) {
			o.configure(func(c *directory.Config) { c.Mode, c.LDAP = directory.GoogleOnly, nil })
		}, func(*office) credentials { return byPassword("ada", password) }},
		{"no identity provider", "sign-in-off", "acme", func(o *office) { o.configure(func(c *directory.Config) { c.SignIn.OIDC = nil }) },
			func(o *office) credentials { return o.byIDToken(nil) }},
		{"enterprise gone", "play-enterprise-missing", "acme", func(o *office) { o.enterprise(func(e *enterprise.Enterprise) { e.State = enterprise.Gone }) },
			func(*office) credentials { return byPassword("ada", password) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if tc.arrange != nil {
				tc.arrange(o)
			}
			o.barred(o.phone(), tc.with(o), home, http.StatusUnauthorized, tc.reason)
			if n, _ := o.ldap.count(); n != 0 {
				t.Errorf("the directory was asked %d times", n)
			}
			if left := o.documents(record.SignInAttempts, record.Devices); len(left) != 0 {
				t.Errorf("stored %v", left)
			}
			if trail := o.trail(tc.ent); len(trail) != 1 || trail[0].Result != tc.reason || strings.Contains(fmt.Sprint(trail), "nobody") {
				t.Errorf("trail %v", trail)
			}
		})
	}
}

// TestSignIn_NamedByClaim: the claim is compared with what the configuration says.
func TestSignIn_NamedByClaim(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		claim, value string
		match        directory.Match
		mode         directory.Mode
	}{
		{"", adaID, "", directory.LDAPOnly},
		{"oid", adaID, directory.MatchID, directory.LDAPOnly},
		{"email", "ADA@example.com", directory.MatchMail, directory.LDAPOnly},
		{"preferred_username", "ada", directory.MatchLogin, directory.ReadWrite},
		{"sub", adaID, directory.MatchID, directory.GoogleOnly},
	} {
		o := newOffice(t)
		o.configure(func(c *directory.Config) {
			c.Mode, c.SignIn.OIDC.Claim, c.SignIn.OIDC.Match = tc.mode, tc.claim, tc.match
		})
		o.person(func(p *person.Person) { p.Google = person.Google{ID: "g", Suspended: person.No} })
		// Who left with the same address does not stand in the way.
		o.person(func(p *person.Person) { p.ID, p.State = "former", person.Gone })
		id := o.in(o.phone(), o.byIDToken(func(c map[string]any) {
			if tc.claim != "" {
				c[tc.claim] = tc.value
			}
		}))
		if d, err := o.db.Device(t.Context(), id); err != nil || d.Subject.ID != adaID {
			t.Errorf("%s: %v, %v", tc.claim, d.Subject, err)
		}
	}
}

// TestSignIn_D10_TokensOfPeople: an enrollment token that names a person admits their
// devices while the directory has them, or nothing speaks against it.
func TestSignIn_D10_TokensOfPeople(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		directory bool
		state     person.State // "" for no row
		reason    string
	}{
		{"no directory, no row", false, "", ""},
		{"no directory, active", false, person.Active, ""},
		{"no directory, missing", false, person.Missing, ""},
		{"no directory, leaving", false, person.Leaving, "person-withdrawn"},
		{"no row", true, "", "person-unknown"},
		{"active", true, person.Active, ""},
		{"missing", true, person.Missing, ""},
		{"disabled", true, person.Disabled, "person-withdrawn"},
		{"leaving", true, person.Leaving, "person-withdrawn"},
		{"gone", true, person.Gone, "person-withdrawn"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if tc.directory {
				// State alone: there is no Google account.
				b.update(func(tx *record.Tx) error {
					return tx.PutDirectory(directory.Config{Enterprise: "acme", Mode: directory.ReadWrite})
				})
			}
			if tc.state != "" {
				b.person(func(p *person.Person) { p.State = tc.state })
			}
			token := b.token(uses(5))
			w := b.enroll(b.phone(), token)
			want := http.StatusOK
			if tc.reason != "" {
				want = http.StatusUnauthorized
			}
			if w.Code != want || b.last().Reason != tc.reason {
				t.Errorf("status %d for %q, want %d for %q", w.Code, b.last().Reason, want, tc.reason)
			}
			dedicated := b.token(func(t *enrollment.Token) { t.Person = "" })
			b.admitted(b.phone(), dedicated)
			if n := len(b.documents(record.Uses)); (n == 0) != (tc.reason != "") {
				t.Errorf("%d uses were taken", n)
			}
		})
	}
}

// TestSignIn_OutageIsNoRefusal: while nobody can be asked the answer is 503 with the
// time to wait, no attempt is counted, and nothing of the cause is told.
func TestSignIn_OutageIsNoRefusal(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		fault.New(fault.Transient, "ldap-unreachable", "The directory's server ldap.example.com cannot be reached."),
		fault.New(fault.Transient, "ldap-busy", "busy").After(2 * time.Minute),
		fault.New(fault.Permanent, "ldap-certificate", "The certificate of ldap.example.com is not trusted."),
		fmt.Errorf("a defect at ldap.example.com"),
	} {
		o := newOffice(t)
		o.ldap.fail(cause)
		p := o.phone()
		for range 12 {
			w := o.barred(p, byPassword("ada", password), home, http.StatusServiceUnavailable, "sign-in-unavailable")
			want := "30"
			if e := fault.As(cause); e != nil && e.RetryAfter > 0 {
				want = "120"
			}
			if got := w.Header().Get("Retry-After"); got != want || strings.Contains(w.Body.String(), "ldap") {
				t.Errorf("%v: Retry-After %q, body %s", cause, got, w.Body)
			}
		}
		if left := o.attempts(); len(left) != 0 || len(o.trail("acme")) != 0 {
			t.Errorf("%v: counted %v, trail %v", cause, left, o.trail("acme"))
		}
		o.ldap.fail(nil)
		o.in(p, byPassword("ada", password))
	}
	o := newOffice(t)
	o.idp.Fail(oidctest.Down)
	w := o.barred(o.phone(), o.byIDToken(nil), home, http.StatusServiceUnavailable, "sign-in-unavailable")
	if w.Header().Get("Retry-After") != "30" || strings.Contains(w.Body.String(), "own words") {
		t.Errorf("Retry-After %q, body %s", w.Header().Get("Retry-After"), w.Body)
	}
	if left := o.attempts(); len(left) != 0 {
		t.Errorf("counted %v", left)
	}
}
