package agent_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestEnrollBy_ConvergesByAnyCredentials: a device that enrolled by the organisation's
// own credentials goes on as any other, also when the reply was lost.
func TestEnrollBy_ConvergesByAnyCredentials(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		for _, kind := range []string{"password", "ID token"} {
			s := newServer(t)
			s.plan = func(e agent.Endpoint, n int) trouble {
				return trouble{dropAfter: lost && e == agent.EnrollEndpoint && n == 1}
			}
			p := newPhone(t, s)
			by := agent.ByPassword("acme", "ada", secret.New(somePassword))
			if kind == "ID token" {
				by = agent.ByIDToken("acme", secret.New("head."+p.keys.SignInNonce("acme")+".signature"))
			}
			a := p.start()
			if err := a.EnrollBy(t.Context(), by); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if r, err := a.CheckIn(t.Context()); err != nil || !r.Converged {
				t.Errorf("%s: CheckIn = %+v, %v", kind, r, err)
			}
			p.wantConverged()
		}
	}
}

// TestEnrollBy_ARefusalIsNotTriedAgain: each try would count against the person.
func TestEnrollBy_ARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		trouble trouble
		by      agent.Credentials
		status  int
		rest    time.Duration
	}{
		{"wrong password", trouble{}, agent.ByPassword("acme", "ada", secret.New("wrong")), http.StatusUnauthorized, 0},
		{"token of another device", trouble{}, agent.ByIDToken("acme", secret.New("head.another.signature")), http.StatusUnauthorized, 0},
		{"locked out", trouble{status: 429, reason: "sign-in-limit", retryAfter: 900}, agent.ByPassword("acme", "ada", secret.New(somePassword)), 429, 15 * time.Minute},
	} {
		s := newServer(t)
		s.plan = func(agent.Endpoint, int) trouble { return tc.trouble }
		p := newPhone(t, s)
		err := p.start().EnrollBy(t.Context(), tc.by)
		var problem *agent.Problem
		if !errors.As(err, &problem) || problem.Status != tc.status || problem.RetryAfter != tc.rest {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := s.requests[agent.EnrollEndpoint]; n != 1 {
			t.Errorf("%s: %d tries", tc.name, n)
		}
	}
}

// TestEnrollBy_RefusesWhatNoServerTakes: without a request.
func TestEnrollBy_RefusesWhatNoServerTakes(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]agent.Credentials{
		"nothing":           {},
		"empty password":    agent.ByPassword("acme", "ada", secret.Value{}),
		"no user":           agent.ByPassword("acme", "", secret.New("x")),
		"no enterprise":     agent.ByPassword("", "ada", secret.New("x")),
		"empty ID token":    agent.ByIDToken("acme", secret.Value{}),
		"unsigned ID token": agent.ByIDToken("acme", secret.New("a.b.")),
	} {
		p := newPhone(t, newServer(t))
		err := p.start().EnrollBy(t.Context(), by)
		if fault.KindOf(err) != fault.Invalid || p.server.requests[agent.EnrollEndpoint] != 0 {
			t.Errorf("%s: %v after %d requests", name, err, p.server.requests[agent.EnrollEndpoint])
		}
	}
}
