package ldap

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
)

// recorder is a connection that keeps the last deadline.
type recorder struct {
	net.Conn
	deadline time.Time
}

func (r *recorder) SetDeadline(t time.Time) error { r.deadline = t; return nil }
func (r *recorder) Read([]byte) (int, error)      { return 0, nil }

// The server may be silent for so long while an answer is awaited; the caller may
// take any time with a page.
func TestWire_BoundsTheServersSilenceOnly(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	w := &wire{Conn: r, timeout: time.Hour}
	state := func() string {
		switch {
		case r.deadline.IsZero():
			return "none"
		case r.deadline.Equal(past):
			return "past"
		case time.Until(r.deadline) > 59*time.Minute:
			return "timeout"
		}
		return r.deadline.String()
	}
	for i, step := range []struct {
		do   func()
		want string
	}{
		{func() { _, _ = w.Read(nil) }, "none"},
		{w.begin, "timeout"},
		{func() { r.deadline = past; _, _ = w.Read(nil) }, "timeout"},
		{w.end, "none"},
		{func() { _, _ = w.Read(nil) }, "none"},
		{w.cut, "past"},
		{w.begin, "past"},
	} {
		if step.do(); state() != step.want {
			t.Errorf("step %d: %s, want %s", i, state(), step.want)
		}
	}
}

func TestWalk_ASilentServerIsLeft(t *testing.T) {
	t.Parallel()
	sim, err := ldaptest.Start(ldaptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	answer := make(chan struct{})
	sim.SetFaults(ldaptest.Faults{Hook: func(r ldaptest.Request) {
		if r.Operation == "search" {
			<-answer
		}
	}})
	c := New(Options{Config: sim.Config(), Password: sim.Password, Timeout: 20 * time.Millisecond})
	_, err = c.Walk(t.Context(), func(Page) error { return nil })
	if fault.ReasonOf(err) != ReasonCut {
		t.Errorf("a silent server: %v", err)
	}
	// Nor does it hold up a caller who gives up.
	ctx, cancel := context.WithCancel(t.Context())
	sim.SetFaults(ldaptest.Faults{Hook: func(r ldaptest.Request) {
		if r.Operation == "search" {
			cancel()
			<-answer
		}
	}})
	c = New(Options{Config: sim.Config(), Password: sim.Password})
	_, err = c.Walk(ctx, func(Page) error { return nil })
	if fault.ReasonOf(err) != ReasonDeadline || fault.KindOf(err) != fault.Transient {
		t.Errorf("a caller who gives up: %v", err)
	}
	close(answer)
}
