package agent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/agent"
)

// TestRun: the waits after what the server said in turn, jitter included.
func TestRun(t *testing.T) {
	t.Parallel()
	type bounds struct{ least, most time.Duration }
	told := bounds{time.Hour, 66 * time.Minute}
	tests := []struct {
		name    string
		trouble trouble
		// want are the waits between check-ins; the pauses between tries of one
		// call come before them.
		want []bounds
	}{
		{"all is well", trouble{}, []bounds{{time.Second, 1100 * time.Millisecond}, told, told}},
		{"retry after, short", trouble{status: 503, retryAfter: 7}, []bounds{{time.Second, 1100 * time.Millisecond},
			{7 * time.Second, 7 * time.Second}, told, told}},
		{"retry after, long", trouble{status: 503, retryAfter: 900}, []bounds{{time.Second, 1100 * time.Millisecond},
			{15 * time.Minute, 1000 * time.Second}, told}},
		{"unknown device", trouble{status: 401}, []bounds{{time.Second, 1100 * time.Millisecond},
			{time.Second, 33 * time.Second}, told}},
		{"drop", trouble{dropAfter: true}, []bounds{{time.Second, 1100 * time.Millisecond}, {0, time.Second}, told}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.plan = func(e agent.Endpoint, n int) trouble {
				if e == agent.CheckInEndpoint && n == 1 {
					return tt.trouble
				}
				return trouble{}
			}
			p := newPhone(t, s)
			a := p.enrolled()
			ctx, cancel := context.WithCancel(t.Context())
			p.onWait = func(ctx context.Context, _ time.Duration) error {
				if len(p.waits) == len(tt.want) {
					cancel()
				}
				return ctx.Err()
			}
			if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("Run = %v, want context.Canceled", err)
			}
			for i, b := range tt.want {
				if d := p.waits[i]; d < b.least || d > b.most {
					t.Errorf("wait %d = %v, want %v to %v", i, d, b.least, b.most)
				}
			}
			p.wantConverged()
		})
	}
}

// TestRunBacksOff: failures in a row wait a random part of ever more, up to an hour.
func TestRunBacksOff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := newPhone(t, s)
	a := p.enrolled()
	s.plan = func(agent.Endpoint, int) trouble { return trouble{status: 507} }
	ctx, cancel := context.WithCancel(t.Context())
	p.onWait = func(ctx context.Context, d time.Duration) error {
		if d > 66*time.Minute {
			t.Errorf("wait = %v, want at most an hour and a tenth", d)
		}
		if len(p.waits) == 40 {
			cancel()
		}
		return ctx.Err()
	}
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v", err)
	}
	var late time.Duration
	for _, d := range p.waits[20:] {
		late = max(late, d)
	}
	if late < 10*time.Minute {
		t.Errorf("the longest of the later waits is %v, want the back-off to have grown", late)
	}
}

func TestWakeEndsTheWait(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := newPhone(t, s)
	a := p.enrolled()
	ctx, cancel := context.WithCancel(t.Context())
	p.onWait = func(ctx context.Context, _ time.Duration) error {
		switch len(p.waits) {
		case 1:
			return nil
		case 2:
			go a.Wake()
			<-ctx.Done() // nothing but Wake ends this
			return ctx.Err()
		}
		cancel()
		return ctx.Err()
	}
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v, want context.Canceled", err)
	}
	if len(p.waits) != 3 || s.requests["checkin"] != 3 {
		t.Errorf("%d waits and %d check-ins, want 3 and 3", len(p.waits), s.requests["checkin"])
	}
}
