package agent_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestAgentConverges(t *testing.T) {
	t.Parallel()
	p := newPhone(t, newServer(t))
	a := p.enrolled()
	r, err := a.CheckIn(t.Context())
	if err != nil || !r.Converged || r.Rounds != 2 || len(r.Outcomes) != 1 {
		t.Fatalf("CheckIn = %+v, %v; want converged after 2 rounds with 1 outcome", r, err)
	}
	p.wantConverged()
	saves := p.saves
	r, err = a.CheckIn(t.Context())
	if err != nil || !r.Converged || r.Rounds != 1 {
		t.Fatalf("second CheckIn = %+v, %v; want converged after 1 round", r, err)
	}
	if p.saves != saves {
		t.Error("a check-in without news must not write")
	}
	if err := a.Enroll(t.Context(), secret.New(enrollmentToken)); err != nil || p.server.requests["enroll"] != 1 {
		t.Errorf("Enroll again = %v after %d requests; want nothing done", err, p.server.requests["enroll"])
	}
}

// TestInvariantT5Reauthentication: an invalidated account is removed and added
// again by a new token (T5), a foreign one is removed.
func TestInvariantT5Reauthentication(t *testing.T) {
	t.Parallel()
	p := newPhone(t, newServer(t))
	a := p.enrolled()
	if _, err := a.CheckIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.accounts = []protocol.Account{
		{Name: accountName, State: protocol.AccountInvalidated}, {Name: "foreign@x.example", State: protocol.AccountReady}}
	r, err := a.CheckIn(t.Context())
	if err != nil || !r.Converged || len(r.Outcomes) != 3 {
		t.Fatalf("CheckIn = %+v, %v; want converged by 3 directives", r, err)
	}
	p.wantConverged()
	if p.adds != 2 {
		t.Errorf("the account was added %d times, want 2", p.adds)
	}
}

// TestLostReplies: a reply that is lost after the server did its work, at any
// endpoint, is made good by trying again with a new nonce.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for _, e := range []agent.Endpoint{agent.EnrollEndpoint, agent.CheckInEndpoint, agent.TokenEndpoint} {
		for _, after := range []bool{false, true} {
			for n := 1; n <= 2; n++ {
				t.Run(fmt.Sprintf("%s %d after=%v", e, n, after), func(t *testing.T) {
					t.Parallel()
					s := newServer(t)
					s.plan = func(at agent.Endpoint, i int) trouble {
						return trouble{dropAfter: after && at == e && i == n, dropBefore: !after && at == e && i == n}
					}
					p := newPhone(t, s)
					if r, err := p.enrolled().CheckIn(t.Context()); err != nil || !r.Converged {
						t.Fatalf("CheckIn = %+v, %v", r, err)
					}
					p.wantConverged()
					if p.adds != 1 {
						t.Errorf("the account was added %d times, want once", p.adds)
					}
				})
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	p := newPhone(t, newServer(t))
	good := agent.Config{Keys: p.keys, Play: p, Save: p.save}
	tests := map[string]func(*agent.Config){
		"no keys": func(c *agent.Config) { c.Keys = agent.Keys{} },
		"no play": func(c *agent.Config) { c.Play = nil },
		"no save": func(c *agent.Config) { c.Save = nil },
		"state without endpoints": func(c *agent.Config) {
			c.State = agent.State{DeviceID: "d1"}
		},
		"state with a clear-text endpoint": func(c *agent.Config) {
			c.State = agent.State{DeviceID: "d1", Endpoints: protocol.Endpoints{CheckIn: "http://x.example/c", Token: "https://x.example/t"}}
		},
	}
	for name, spoil := range tests {
		c := good
		spoil(&c)
		if _, err := agent.New(c); err == nil {
			t.Errorf("%s: New gave an agent", name)
		}
	}
	a, err := agent.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.CheckIn(t.Context()); !errors.Is(err, agent.ErrNotEnrolled) {
		t.Errorf("CheckIn = %v, want ErrNotEnrolled", err)
	}
	if err := a.Run(t.Context()); !errors.Is(err, agent.ErrNotEnrolled) {
		t.Errorf("Run = %v, want ErrNotEnrolled", err)
	}
}

// TestUnknownDirective: a kind that the agent does not know is passed over, and
// the ones behind it are followed.
func TestUnknownDirective(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.extra = []protocol.Directive{{ID: "wipe-1", Kind: "wipe"}}
	p := newPhone(t, s)
	r, err := p.enrolled().CheckIn(t.Context())
	if err != nil || r.Converged || r.Rounds != 2 {
		t.Fatalf("CheckIn = %+v, %v; want 2 rounds, not converged", r, err)
	}
	if diff := cmp.Diff(s.extra, r.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	p.wantConverged()
}

func TestCancelledCheckInKeepsTheIntent(t *testing.T) {
	t.Parallel()
	p := newPhone(t, newServer(t))
	a := p.enrolled()
	ctx, cancel := context.WithCancel(t.Context())
	p.addErr = context.Canceled
	p.step = func() {
		if a := p.stored; len(a) > 0 && p.server.requests["token"] == 1 {
			cancel()
		}
	}
	if _, err := a.CheckIn(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("CheckIn = %v, want context.Canceled", err)
	}
	p.addErr, p.step = nil, func() {}
	if r, err := a.CheckIn(t.Context()); err != nil || !r.Converged {
		t.Fatalf("CheckIn = %+v, %v", r, err)
	}
	for _, r := range p.server.reports {
		for _, o := range r.Outcomes {
			if o.Result == protocol.Failed {
				t.Errorf("a cancelled addition was reported as failed: %+v", o)
			}
		}
	}
	p.wantConverged()
}
