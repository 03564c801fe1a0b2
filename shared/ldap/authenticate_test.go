package ldap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// {SSHA} of "correct horse" with the salt "salt".
const horse = "{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0"

func TestAuthenticate_AgainstASimulationAndOpenLDAP(t *testing.T) {
	t.Parallel()
	sim := newBench(t, ldaptest.Options{}, 20)
	must(t, sim.sim.SetPassword(personDN(3), "correct horse"))
	must(t, sim.sim.SetPassword(personDN(4), "battery staple"))
	must(t, sim.sim.Set(personDN(5), "uid", "u000005", "twice"))
	must(t, sim.sim.Set(personDN(6), "uid", "u000006", "twice"))
	slapdtest.Need(t)
	srv, opt := real(t, slapdtest.Options{}, 20)
	must(t, srv.Set(personDN(3), "userPassword", horse))
	must(t, srv.Set(personDN(4), "userPassword", "battery staple"))
	must(t, srv.Set(personDN(5), "uid", "u000005", "twice"))
	must(t, srv.Set(personDN(6), "uid", "u000006", "twice"))
	for name, c := range map[string]*ldap.Client{"simulation": sim.Client, "slapd": ldap.New(opt)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, login := range []string{"u000003", "U000003"} {
				e, err := c.Authenticate(t.Context(), login, secret.New("correct horse"))
				must(t, err)
				if e.DN != personDN(3) || e.Mail != "u000003@example.com" {
					t.Errorf("%s is %+v", login, e)
				}
			}
			var said string
			for _, tt := range []struct{ login, password string }{
				{"u000003", "wrong"}, {"u000003", ""}, {"u000003", "correct horse\x00"}, {"u000003", strings.Repeat("x", 2000)},
				{"u000004", "correct horse"}, {"nobody", "correct horse"}, {"", "correct horse"}, {"u000007", "any"},
				{"twice", "correct horse"}, {"*", "correct horse"}, {"u00000*", "correct horse"}, {"*)(uid=*", "correct horse"},
				{"u000003)(uid=*", "correct horse"}, {`u000003\2a`, "correct horse"}, {"u000003\x00", "correct horse"},
				{"u000003,ou=people," + base, "correct horse"}, {strings.Repeat("u", 300), "correct horse"},
			} {
				_, err := c.Authenticate(t.Context(), tt.login, secret.New(tt.password))
				want(t, err, fault.Unauthorized, ldap.ReasonBadCredentials)
				if said == "" {
					said = fmt.Sprint(err)
				}
				if fmt.Sprint(err) != said {
					t.Errorf("%q is answered with %v, others with %s", tt.login, err, said)
				}
			}
		})
	}
}

// Nobody learns from the exchanges whether a person exists.
func TestAuthenticate_SameExchangesForAllRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	must(t, b.sim.SetPassword(personDN(3), "correct horse"))
	must(t, b.sim.Set(personDN(5), "uid", "u000005", "u000006"))
	steps := func(login string) (n ldaptest.Counters) {
		before := b.sim.Counters()
		_, err := b.Authenticate(t.Context(), login, secret.New("wrong"))
		want(t, err, fault.Unauthorized, ldap.ReasonBadCredentials)
		after := b.sim.Counters()
		return ldaptest.Counters{
			Connections: after.Connections - before.Connections, Binds: after.Binds - before.Binds,
			RefusedBinds: after.RefusedBinds - before.RefusedBinds, Searches: after.Searches - before.Searches,
		}
	}
	exp := ldaptest.Counters{Connections: 2, Binds: 2, RefusedBinds: 1, Searches: 1}
	for _, login := range []string{"u000003", "nobody", "u000006"} {
		if got := steps(login); got != exp {
			t.Errorf("%s: %+v", login, got)
		}
	}
	before := b.sim.Counters()
	_, err := b.Authenticate(t.Context(), "u000003", secret.Value{})
	want(t, err, fault.Unauthorized, ldap.ReasonBadCredentials)
	if b.sim.Counters() != before {
		t.Error("an empty password reached the server")
	}
}

func TestAuthenticate_OnlyPeopleInScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	must(t, b.sim.SetPassword(personDN(3), "correct horse"))
	c := b.as(func(o *ldap.Options) { o.Config.Filter = "(uid=u000004)" })
	_, err := c.Authenticate(t.Context(), "u000003", secret.New("correct horse"))
	want(t, err, fault.Unauthorized, ldap.ReasonBadCredentials)
}

func TestAuthenticate_TheServersTroubleIsNotThePersons(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	for _, login := range []string{"u000003", "nobody"} {
		b.sim.SetFaults(ldaptest.Faults{RefuseBind: 49})
		_, err := b.Authenticate(t.Context(), login, secret.New("any"))
		want(t, err, fault.Permanent, ldap.ReasonBindRefused)
		b.sim.SetFaults(ldaptest.Faults{Result: 51})
		_, err = b.Authenticate(t.Context(), login, secret.New("any"))
		want(t, err, fault.Transient, ldap.ReasonBusy)
	}
}

// Invariant E3: no error repeats a password, whatever a server says.
func TestErrors_E3_HoldNoPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t, ldaptest.Options{}, 20)
	b.sim.SetFaults(ldaptest.Faults{RefuseBind: 80})
	_, err := b.Walk(t.Context(), nothing)
	want(t, err, fault.Permanent, ldap.ReasonBindRefused)
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "reader's password") {
		t.Error("the error holds the password")
	}
}
