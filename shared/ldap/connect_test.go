package ldap_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func empty(context.Context) (secret.Value, error) { return secret.Value{}, nil }

func TestConnection_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	other, err := ldaptest.Start(ldaptest.Options{})
	must(t, err)
	t.Cleanup(other.Close)
	elsewhere, err := ldaptest.Start(ldaptest.Options{Address: "127.0.0.2:0"})
	must(t, err)
	t.Cleanup(elsewhere.Close)
	secure := strings.Replace(b.sim.SecureURL(), "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name   string
		change func(*directory.LDAP)
		kind   fault.Kind
		reason string
	}{
		{"no TLS", func(*directory.LDAP) {}, 0, ""},
		{"LDAPS", func(l *directory.LDAP) { l.URL, l.Security, l.CA = b.sim.SecureURL(), directory.TLS, b.sim.CA() }, 0, ""},
		{"LDAPS by default, by name", func(l *directory.LDAP) { l.URL, l.Security, l.CA = secure, "", b.sim.CA() }, 0, ""},
		{"StartTLS", func(l *directory.LDAP) { l.Security, l.CA = directory.StartTLS, b.sim.CA() }, 0, ""},
		{"StartTLS by default", func(l *directory.LDAP) { l.Security, l.CA = "", b.sim.CA() }, 0, ""},
		{"LDAPS, not trusted", func(l *directory.LDAP) { l.URL, l.Security = b.sim.SecureURL(), directory.TLS }, fault.Permanent, ldap.ReasonCertificate},
		{"LDAPS, another authority", func(l *directory.LDAP) { l.URL, l.Security, l.CA = b.sim.SecureURL(), directory.TLS, other.CA() }, fault.Permanent, ldap.ReasonCertificate},
		{"StartTLS, not trusted", func(l *directory.LDAP) { l.Security = directory.StartTLS }, fault.Permanent, ldap.ReasonCertificate},
		{"a certificate for another name", func(l *directory.LDAP) {
			l.URL, l.Security, l.CA = elsewhere.URL(), directory.StartTLS, elsewhere.CA()
		}, fault.Permanent, ldap.ReasonCertificate},
		{"no certificate in the CA", func(l *directory.LDAP) { l.URL, l.Security, l.CA = b.sim.SecureURL(), directory.TLS, "x" }, fault.Permanent, ldap.ReasonCertificate},
		{"TLS to a port without", func(l *directory.LDAP) {
			l.URL, l.Security = strings.Replace(b.sim.URL(), "ldap:", "ldaps:", 1), directory.TLS
		}, fault.Permanent, ldap.ReasonTLS},
		{"no TLS to another machine", func(l *directory.LDAP) { l.URL = "ldap://ldap.example.com" }, fault.Permanent, ldap.ReasonTLS},
		{"security and scheme apart", func(l *directory.LDAP) { l.Security = directory.TLS }, fault.Permanent, ldap.ReasonURL},
		{"another scheme", func(l *directory.LDAP) { l.URL = "http://127.0.0.1" }, fault.Permanent, ldap.ReasonURL},
		{"no URL", func(l *directory.LDAP) { l.URL = "" }, fault.Permanent, ldap.ReasonURL},
		{"nobody listens", func(l *directory.LDAP) { l.URL = "ldap://127.0.0.1:1" }, fault.Transient, ldap.ReasonUnreachable},
		{"unknown account", func(l *directory.LDAP) { l.BindDN = "cn=other," + base }, fault.Permanent, ldap.ReasonBindRefused},
		{"anonymous", func(l *directory.LDAP) { l.BindDN = "" }, fault.Permanent, ldap.ReasonAccess},
		{"missing base", func(l *directory.LDAP) { l.BaseDN = "ou=nowhere," + base }, fault.Permanent, ldap.ReasonBaseMissing},
		{"malformed base", func(l *directory.LDAP) { l.BaseDN = "nowhere" }, fault.Permanent, ldap.ReasonBaseMissing},
		{"malformed filter", func(l *directory.LDAP) { l.Filter = "(uid=*" }, fault.Permanent, ldap.ReasonFilter},
		{"malformed group", func(l *directory.LDAP) { l.Groups = []string{"staff"} }, fault.Permanent, ldap.ReasonFilter},
		{"RFC 4533 where there is none", func(l *directory.LDAP) { l.Incremental = directory.SyncCookie }, fault.Permanent, ldap.ReasonIncremental},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := b.as(func(o *ldap.Options) { tt.change(&o.Config) })
			r, err := c.Test(t.Context())
			want(t, err, tt.kind, tt.reason)
			if err == nil && (r.People != 20 || len(r.Sample) != 5) {
				t.Errorf("%+v", r)
			}
			if _, err := c.Walk(t.Context(), nothing); tt.kind != 0 {
				want(t, err, tt.kind, tt.reason)
			}
			if _, err := c.Lookup(t.Context(), []string{"x"}); tt.kind != 0 && tt.reason != ldap.ReasonIncremental {
				want(t, err, tt.kind, tt.reason)
			}
		})
	}
	for name, c := range map[string]*ldap.Client{
		"no password":    b.as(func(o *ldap.Options) { o.Password = nil }),
		"empty password": b.as(func(o *ldap.Options) { o.Password = empty }),
	} {
		t.Run(name, func(t *testing.T) {
			before := b.sim.Counters().Binds
			_, err := c.Walk(t.Context(), nothing)
			want(t, err, fault.Permanent, ldap.ReasonBindRefused)
			if b.sim.Counters().Binds != before {
				t.Error("a bind without a password was made")
			}
		})
	}
}
