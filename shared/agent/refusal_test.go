package agent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestTokenRefused: each refusal at the token endpoint, and what the agent does.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		trouble   trouble
		converged bool
		requests  map[agent.Endpoint]int
		next      time.Duration
		blocked   string
	}{
		{"stale: check in again at once", trouble{status: 409, reason: "directive-stale"}, true,
			map[agent.Endpoint]int{"enroll": 1, "checkin": 3, "token": 2}, time.Hour, ""},
		{"device limit: leave it to the operator", trouble{status: 409, reason: "device-limit"}, false,
			map[agent.Endpoint]int{"enroll": 1, "checkin": 2, "token": 1}, time.Hour, "device-limit"},
		{"needs operator", trouble{status: 403, reason: "needs-operator"}, false,
			map[agent.Endpoint]int{"enroll": 1, "checkin": 2, "token": 1}, time.Hour, "needs-operator"},
		{"too many: wait as told", trouble{status: 429, reason: "token-limit", retryAfter: 7200}, false,
			map[agent.Endpoint]int{"enroll": 1, "checkin": 1, "token": 1}, 2 * time.Hour, "token-limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.plan = func(e agent.Endpoint, n int) trouble {
				if e == agent.TokenEndpoint && n == 1 {
					return tt.trouble
				}
				return trouble{}
			}
			p := newPhone(t, s)
			a := p.enrolled()
			r, err := a.CheckIn(t.Context())
			if err != nil || r.Converged != tt.converged || r.Next != tt.next {
				t.Fatalf("CheckIn = %+v, %v; want converged %v, next %v", r, err, tt.converged, tt.next)
			}
			if diff := cmp.Diff(tt.requests, s.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if got := reason(r.Blocked); got != tt.blocked {
				t.Errorf("blocked by %q, want %q", got, tt.blocked)
			}
			if r, err := a.CheckIn(t.Context()); err != nil || !r.Converged {
				t.Errorf("once the cause is gone CheckIn = %+v, %v", r, err)
			}
			p.wantConverged()
		})
	}
}

func reason(p *agent.Problem) string {
	if p == nil {
		return ""
	}
	return p.Reason
}

// TestInvariantT2TokenForAnother: a token that was sealed for another device,
// directive or key is never handed to Play, and the server is told (T2).
func TestInvariantT2TokenForAnother(t *testing.T) {
	t.Parallel()
	jwe := func(s string) func(any) any {
		return func(r any) any {
			reply := r.(protocol.TokenReply)
			if s == "" {
				reply.Token = reply.Token[:len(reply.Token)-4] + "AAAA"
			} else {
				reply.Token = s
			}
			return reply
		}
	}
	tests := []struct {
		name   string
		claims func(*protocol.TokenClaims)
		garble func(any) any
		want   string
	}{
		{"other device", func(c *protocol.TokenClaims) { c.DeviceID = "dother" }, nil, agent.ReasonMisdirected},
		{"other directive", func(c *protocol.TokenClaims) { c.DirectiveID = "add-other" }, nil, agent.ReasonMisdirected},
		{"no token inside", func(c *protocol.TokenClaims) { c.Token = "" }, nil, agent.ReasonUnreadable},
		{"altered", nil, jwe(""), agent.ReasonUnreadable},
		{"not a JWE", nil, jwe("eyJhbGciOiJub25lIn0.."), agent.ReasonUnreadable},
		{"the bare token", nil, jwe("play-token-1"), agent.ReasonUnreadable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.claims = tt.claims
			s.plan = func(e agent.Endpoint, n int) trouble {
				if e == agent.TokenEndpoint && n == 1 {
					return trouble{garble: tt.garble}
				}
				return trouble{}
			}
			p := newPhone(t, s)
			a := p.enrolled()
			first := s.only().Desired.AddID()
			r, err := a.CheckIn(t.Context())
			want := []protocol.Outcome{{DirectiveID: first, Result: protocol.Failed, Reason: tt.want}}
			if diff := cmp.Diff(want, r.Outcomes); err != nil || diff != "" {
				t.Fatalf("CheckIn: %v, outcomes (-want +got):\n%s", err, diff)
			}
			if p.adds != 0 {
				t.Error("Play was given a token that was not for it")
			}
			if n := len(s.reports); n != 2 || len(s.reports[1].Outcomes) != 1 {
				t.Errorf("the failure was not reported at once: %+v", s.reports)
			}
			s.claims = nil
			if r, err := a.CheckIn(t.Context()); err != nil || !r.Converged {
				t.Errorf("next CheckIn = %+v, %v", r, err)
			}
		})
	}
}

type playError struct{ reason, detail string }

func (e playError) Error() string  { return "play: " + e.detail }
func (e playError) Reason() string { return e.reason }
func (e playError) Detail() string { return e.detail }

// TestPlayFails: a failure is reported once, with its own reason where it has a
// usable one, and never with the token.
func TestPlayFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		err          error
		reason, text string
	}{
		{"own reason", playError{"INVALID_TOKEN", "code 7"}, "INVALID_TOKEN", "code 7"},
		{"no reason", errors.New("boom"), agent.ReasonAddFailed, ""},
		{"unusable reason", playError{"not ok", "a\x00b"}, agent.ReasonAddFailed, "a b"},
		{"token in the detail", playError{"X", "bad token play-token-1!"}, "X", "bad token [redacted]!"},
		{"long detail", playError{"X", strings.Repeat("ü", 300)}, "X", strings.Repeat("ü", 256)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPhone(t, newServer(t))
			p.addErr = tt.err
			a := p.enrolled()
			r, err := a.CheckIn(t.Context())
			if err != nil || r.Converged || len(r.Outcomes) != 1 || r.Rounds != 2 {
				t.Fatalf("CheckIn = %+v, %v", r, err)
			}
			if o := r.Outcomes[0]; o.Reason != tt.reason || o.Detail != tt.text {
				t.Errorf("outcome = %+v, want reason %q, detail %q", o, tt.reason, tt.text)
			}
			if p.server.requests["token"] != 1 {
				t.Error("a failed addition must not be tried again in the same CheckIn")
			}
		})
	}
}

// TestRemoveFails: what cannot be removed is reported, and the account is not
// added beside it; what is gone all the same is done.
func TestRemoveFails(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		p := newPhone(t, newServer(t))
		p.accounts = []protocol.Account{{Name: "old@x.example", State: protocol.AccountReady}}
		p.removeErr, p.removeAnyway = playError{"BUSY", ""}, gone
		r, err := p.enrolled().CheckIn(t.Context())
		if err != nil || r.Converged != gone {
			t.Fatalf("gone %v: CheckIn = %+v, %v", gone, r, err)
		}
		if o := r.Outcomes[0]; !gone && (o.Result != protocol.Failed || o.Reason != "BUSY") {
			t.Errorf("outcome = %+v, want failed for BUSY", o)
		}
		if n := p.server.requests["token"]; !gone && n != 0 {
			t.Errorf("%d tokens were asked for, want none", n)
		}
	}
}
