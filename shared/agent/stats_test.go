package agent_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/agent"
)

func TestStats(t *testing.T) {
	t.Parallel()
	var s agent.Stats
	err := errors.New("x")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for i := range 100 {
				s.Observe(agent.Exchange{Endpoint: agent.CheckInEndpoint, Try: 1, Status: 200, Latency: time.Duration(i+1) * time.Millisecond})
			}
		})
	}
	wg.Wait()
	for _, status := range []int{401, 503, 0, 200} {
		s.Observe(agent.Exchange{Endpoint: agent.TokenEndpoint, Try: 2, Status: status, Err: err, Latency: time.Hour})
	}
	s.Observe(agent.Exchange{Endpoint: "other"})
	got := s.Summaries()
	c := got[1]
	for _, q := range []struct {
		name      string
		got, want time.Duration
	}{{"p50", c.P50, 50 * time.Millisecond}, {"p95", c.P95, 95 * time.Millisecond}, {"p99", c.P99, 99 * time.Millisecond}} {
		if q.got < q.want || q.got > q.want*5/4+time.Millisecond {
			t.Errorf("%s = %v, want %v or up to a quarter more", q.name, q.got, q.want)
		}
	}
	c.P50, c.P95, c.P99 = 0, 0, 0
	got[2].P50, got[2].P95, got[2].P99 = 0, 0, 0
	want := []agent.Summary{
		{Endpoint: agent.EnrollEndpoint},
		{Endpoint: agent.CheckInEndpoint, OK: 1000},
		{Endpoint: agent.TokenEndpoint, Refused: 1, Failed: 1, Lost: 1, Unreadable: 1, Retries: 4},
	}
	if diff := cmp.Diff(want, []agent.Summary{got[0], c, got[2]}); diff != "" {
		t.Errorf("summaries (-want +got):\n%s", diff)
	}
}
