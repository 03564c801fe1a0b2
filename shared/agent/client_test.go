package agent_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-10 * 365 * 24 * time.Hour, -6 * time.Minute, 6 * time.Minute, 30 * 24 * time.Hour} {
		p := newPhone(t, newServer(t))
		p.skew = skew
		if r, err := p.enrolled().CheckIn(t.Context()); err != nil || !r.Converged {
			t.Errorf("skew %v: CheckIn = %+v, %v", skew, r, err)
		}
		if n := p.server.requests["enroll"]; n != 2 || p.server.requests["checkin"] != 2 {
			t.Errorf("skew %v: requests = %v, want one more enroll, for the offset is kept", skew, p.server.requests)
		}
		p.wantConverged()
	}
}

// TestClockNotBelieved: a server time that does not help is forgotten, and the
// error says what is wrong in words.
func TestClockNotBelieved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := newPhone(t, s)
	s.plan = func(agent.Endpoint, int) trouble { return trouble{status: http.StatusUnauthorized} }
	p.skew = -2 * time.Hour
	a := p.start()
	err := a.Enroll(t.Context(), secret.New(enrollmentToken))
	var problem *agent.Problem
	if !errors.As(err, &problem) || problem.Status != 401 || s.requests["enroll"] != 2 {
		t.Fatalf("Enroll = %v after %v, want 401 after 2 tries", err, s.requests)
	}
	s.plan, p.skew = nil, 0
	if err := a.Enroll(t.Context(), secret.New(enrollmentToken)); err != nil || s.requests["enroll"] != 3 {
		t.Errorf("Enroll = %v after %v; want the offset forgotten", err, s.requests)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if got, want := p.exchanges[0].Err.Error(), "the device's clock is 2h0m0s behind the server's; set it"; !strings.Contains(got, want) {
		t.Errorf("error = %q, want it to say %q", got, want)
	}
}

func TestReplyRefused(t *testing.T) {
	t.Parallel()
	const checkin = `{"directives":[],"nextCheckInSeconds":60}`
	tests := map[string]string{
		"huge":              `{"directives":[],"nextCheckInSeconds":60,"x":"` + strings.Repeat("y", 64<<10) + `"}`,
		"empty":             " ",
		"a page":            "<html></html>",
		"trailing data":     checkin + checkin,
		"twice":             `{"directives":[],"directives":[],"nextCheckInSeconds":60}`,
		"other case":        `{"Directives":[],"nextCheckInSeconds":60}`,
		"no directives":     `{"nextCheckInSeconds":60}`,
		"null":              `{"directives":null,"nextCheckInSeconds":60}`,
		"never":             `{"directives":[],"nextCheckInSeconds":0}`,
		"for ever":          `{"directives":[],"nextCheckInSeconds":999999999}`,
		"bad directive id":  `{"directives":[{"id":"A B","kind":"addAccount"}],"nextCheckInSeconds":60}`,
		"nameless removal":  `{"directives":[{"id":"rm-1","kind":"removeAccount"}],"nextCheckInSeconds":60}`,
		"too many":          `{"directives":[` + strings.Repeat(`{"id":"x","kind":"y"},`, 100) + `{"id":"x","kind":"y"}],"nextCheckInSeconds":60}`,
		"invalid character": "{\"directives\":[{\"id\":\"x\",\"kind\":\"\xff\"}],\"nextCheckInSeconds\":60}",
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPhone(t, newServer(t))
			a := p.enrolled()
			p.server.plan = func(agent.Endpoint, int) trouble { return trouble{status: http.StatusOK, body: body} }
			_, err := a.CheckIn(t.Context())
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Errorf("CheckIn = %v, want the reply refused", err)
			}
		})
	}
}
