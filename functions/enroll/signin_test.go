package enroll_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
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
