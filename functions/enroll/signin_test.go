package enroll_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/oidc/oidctest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestSignIn_Device: the device is the person's, by the credentials that let it in.
func TestSignIn_Device(t *testing.T) {
	t.Parallel()
	for _, by := range []device.Credentials{device.ByPassword, device.ByIDToken} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.enterprise(func(e *enterprise.Enterprise) {
				e.Policy.LabelAccountType = map[string]account.Type{"byod": account.DeviceAccount}
			})
			c := byPassword(" ADA ", password)
			if by == device.ByIDToken {
				c = o.byIDToken(nil)
			}
			id := o.in(o.phone(), c)
			d, err := o.db.Device(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			type summary struct {
				Subject account.Subject
				Labels  []string
				Token   string
				By      device.Credentials
				Type    account.Type
			}
			want := summary{account.Subject{Kind: account.Person, ID: adaID}, []string{"byod"}, "", by, account.DeviceAccount}
			if diff := cmp.Diff(want, summary{d.Subject, d.Labels, d.EnrollmentToken, d.EnrolledBy, d.Desired.AccountType}); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
			trail := []line{{"acme", "device:" + id, "device.enroll", "person:" + adaID, "ok"}}
			if diff := cmp.Diff(trail, o.trail("acme")); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
			if left := o.documents(record.SignInAttempts); len(left) != 0 {
				t.Errorf("a success left %v", left)
			}
			if _, asked := o.ldap.count(); by == device.ByPassword && cmp.Diff([]string{"Ada"}, asked) != "" {
				t.Errorf("the directory was asked for %q", asked)
			}
		})
	}
}

// TestSignIn_C2_OneKeyOneDevice: the same keys by the same person are the same device,
// however it signs in, and nobody else's.
func TestSignIn_C2_OneKeyOneDevice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person(func(p *person.Person) { p.ID, p.Entry.ID, p.Entry.Login = "bob-id", "bob-id", "bob" })
	o.ldap.entries["bob"] = person.Entry{ID: "bob-id", Login: "bob"}
	p := o.phone()
	id := o.in(p, byPassword("ada", password))
	before := o.documents(record.Devices, record.Audit)
	for _, again := range []credentials{byPassword("ada", password), byPassword("Ada", password), o.byIDToken(nil), o.byIDToken(nil)} {
		if got := o.in(p, again); got != id {
			t.Errorf("again: %s, want %s", got, id)
		}
	}
	if diff := cmp.Diff(before, o.documents(record.Devices, record.Audit)); diff != "" {
		t.Errorf("repeating changed (-before +after):\n%s", diff)
	}
	o.barred(p, byPassword("bob", password), home, http.StatusUnauthorized, "key-pinned")
	token := o.token(uses(0))
	if w := o.enroll(p, token); w.Code != http.StatusUnauthorized || o.last().Reason != "key-pinned" {
		t.Errorf("by an enrollment token: %d for %s", w.Code, o.last().Reason)
	}
	other := o.phone()
	o.admitted(other, token)
	o.barred(other, byPassword("ada", password), home, http.StatusUnauthorized, "key-pinned")
	p.opening = newKey(t)
	o.barred(p, byPassword("ada", password), home, http.StatusUnauthorized, "key-pinned")
}

// TestSignIn_C1_RefusalsLookAlike: whoever it is and whatever is wrong, the answer is
// one, no device is stored, and the trail knows why. The directory is asked as often,
// and never whether the password of somebody who must not get in is right.
func TestSignIn_C1_RefusalsLookAlike(t *testing.T) {
	t.Parallel()
	uniform := ""
	state := func(s person.State) func(*office) {
		return func(o *office) { o.person(func(p *person.Person) { p.State = s }) }
	}
	google := func(g person.Google) func(*office) {
		return func(o *office) {
			o.configure(func(c *directory.Config) { c.Mode = directory.ReadOnly })
			o.person(func(p *person.Person) { p.Google = g })
		}
	}
	claim := func(name string, value any) func(*office, *phone) credentials {
		return func(o *office, _ *phone) credentials { return o.byIDToken(func(c map[string]any) { c[name] = value }) }
	}
	right := func(*office, *phone) credentials { return byPassword("ada", password) }
	token := func(o *office, _ *phone) credentials { return o.byIDToken(nil) }
	matched := func(claim string, by directory.Match) func(*office) {
		return func(o *office) {
			o.configure(func(c *directory.Config) { c.SignIn.OIDC.Claim, c.SignIn.OIDC.Match = claim, by })
		}
	}
	for _, tc := range []struct {
		name, reason, target string
		arrange              func(*office)
		with                 func(*office, *phone) credentials
	}{
		{"wrong password", "bad-credentials", "person:" + adaID, nil, func(*office, *phone) credentials { return byPassword("ada", "wrong") }},
		{"unknown login", "person-unknown", "sign-in:ldap", nil, func(*office, *phone) credentials { return byPassword("eve", password) }},
		{"a login that is a filter", "person-unknown", "sign-in:ldap", nil, func(*office, *phone) credentials { return byPassword("*)(uid=ada", password) }},
		{"a login that matches all", "person-unknown", "sign-in:ldap", nil, func(*office, *phone) credentials { return byPassword("*", password) }},
		{"a login of another width", "person-unknown", "sign-in:ldap", nil, func(*office, *phone) credentials { return byPassword("ａｄａ", password) }},
		{"a DN", "person-unknown", "sign-in:ldap", nil, func(*office, *phone) credentials { return byPassword("uid=ada,dc=example,dc=com", password) }},
		{"disabled", "person-withdrawn", "person:" + adaID, state(person.Disabled), right},
		{"leaving", "person-withdrawn", "person:" + adaID, state(person.Leaving), right},
		{"gone", "person-withdrawn", "person:" + adaID, state(person.Gone), right},
		{"locked in the directory a moment ago", "person-withdrawn", "person:" + adaID, func(o *office) {
			o.ldap.entries["ada"] = person.Entry{ID: adaID, Login: "ada", Enabled: person.No}
		}, right},
		{"without a Google account", "google-account-missing", "person:" + adaID, google(person.Google{}), right},
		{"with a suspended Google account", "google-account-closed", "person:" + adaID, google(person.Google{ID: "g", Suspended: person.Yes}), right},
		{"with a suspended Google account, by token", "google-account-closed", "person:" + adaID, google(person.Google{ID: "g", Suspended: person.Yes}), token},
		{"login that went to somebody new", "person-unknown", "person:new-id", func(o *office) {
			o.ldap.entries["ada"] = person.Entry{ID: "new-id", Login: "ada"}
		}, right},
		{"disabled, by token", "person-withdrawn", "person:" + adaID, state(person.Disabled), token},
		{"gone, by token", "person-withdrawn", "person:" + adaID, state(person.Gone), token},
		{"token of somebody unknown", "person-unknown", "sign-in:oidc", nil, claim("sub", "eve")},
		{"token of another program", "id-token-audience", "sign-in:oidc", nil, claim("aud", "another")},
		{"token of another issuer", "id-token-issuer", "sign-in:oidc", nil, claim("iss", "https://idp.example.org")},
		{"expired token", "id-token-expired", "sign-in:oidc", nil, claim("exp", noon.Add(-time.Second).Unix())},
		{"token of the future", "id-token-time", "sign-in:oidc", nil, claim("iat", noon.Add(time.Hour).Unix())},
		{"token without nonce", "id-token-nonce", "sign-in:oidc", nil, claim("nonce", "")},
		{"unsigned token", "id-token-malformed", "sign-in:oidc", nil, func(o *office, p *phone) credentials {
			raw := oidctest.Unsigned(t, o.idp.Claims(audience, o.nonce(p), adaID, noon), "c2lnbmF0dXJl")
			return func(*phone) protocol.EnrollRequest {
				return protocol.EnrollRequest{Enterprise: "acme", IDToken: protocol.NewSecret(secret.New(raw))}
			}
		}},
		{"token of another device", "id-token-nonce", "sign-in:oidc", nil, func(o *office, _ *phone) credentials {
			stolen := o.byIDToken(nil)(o.phone())
			return func(*phone) protocol.EnrollRequest { return stolen }
		}},
		{"token for another enterprise", "id-token-nonce", "sign-in:oidc", nil, func(o *office, p *phone) credentials {
			return o.byIDToken(func(c map[string]any) { c["nonce"] = protocol.SignInNonce("other", o.thumbprint(p)) })
		}},
		{"unverified address", "id-token-email-unverified", "sign-in:oidc", matched("email", directory.MatchMail), func(o *office, _ *phone) credentials {
			return o.byIDToken(func(c map[string]any) { c["email"], c["email_verified"] = "ada@example.com", false })
		}},
		{"a claim that two people have", "person-ambiguous", "sign-in:oidc", func(o *office) {
			matched("email", directory.MatchMail)(o)
			o.person(func(p *person.Person) { p.ID = "twin" })
		}, claim("email", "ada@example.com")},
	} {
		// Not parallel: each is compared with the one before.
		t.Run(tc.name, func(t *testing.T) {
			o := newOffice(t)
			if tc.arrange != nil {
				tc.arrange(o)
			}
			p := o.phone()
			c := tc.with(o, p)
			w := o.barred(p, c, home, http.StatusUnauthorized, tc.reason)
			if uniform == "" {
				uniform = w.Body.String()
			}
			if diff := cmp.Diff(uniform, w.Body.String()); diff != "" {
				t.Errorf("this refusal tells itself apart:\n%s", diff)
			}
			if n := len(o.documents(record.Devices)); n != 0 {
				t.Errorf("%d devices are stored", n)
			}
			want := []line{{"acme", "device:" + o.idOf(p), "device.enroll", tc.target, tc.reason}}
			if diff := cmp.Diff(want, o.trail("acme")); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
			n, asked := o.ldap.count()
			if sign := strings.HasPrefix(tc.target, "sign-in:oidc") || strings.HasSuffix(tc.name, "by token"); !sign && n != 1 || sign && n != 0 {
				t.Errorf("the directory was asked %d times", n)
			}
			if barredBefore := tc.reason != "bad-credentials" && !strings.Contains(tc.name, "moment") && tc.target != "person:new-id"; barredBefore {
				for _, login := range asked {
					if !strings.HasPrefix(login, "x") || len(login) != 16 {
						t.Errorf("the directory judged the password of %q", login)
					}
				}
			}
			if n := len(o.attempts()); n != 1+len(asked) {
				t.Errorf("%d rows of attempts, want the address's and the login's", n)
			}
		})
	}
}

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
