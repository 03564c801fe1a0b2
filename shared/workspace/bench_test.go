package workspace_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// BenchmarkList100000 walks 100,000 users with one page in memory. The peak is
// what the heap grew above the seeded simulator, which runs in the same process
// and renders each page.
func BenchmarkList100000(b *testing.B) {
	s := newBench(b, setup{sim: workspacetest.Options{QuotaPerMinute: 1e9}, caller: google.Options{Rate: 1e6, Burst: 1e6}})
	// With the administrator exactly 100,000.
	if err := s.sim.Seed(workspacetest.Numbered(domain, 99_999)); err != nil {
		b.Fatal(err)
	}
	s.sim.Snapshot(s.customer) // sorts
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base := m.HeapAlloc
	var peak atomic.Uint64
	done := make(chan struct{})
	go sample(&peak, done)
	calls := s.sim.Faults.Calls(listMethod)
	for b.Loop() {
		n, token := 0, ""
		for {
			page, err := s.List(b.Context(), token, workspace.ListOptions{})
			if err != nil {
				b.Fatal(err)
			}
			n += len(page.Users)
			if token = page.Next; token == "" {
				break
			}
		}
		if n != 100_000 {
			b.Fatalf("%d users", n)
		}
	}
	close(done)
	b.ReportMetric(float64(s.sim.Faults.Calls(listMethod)-calls)/float64(b.N), "calls/op")
	b.ReportMetric(float64(max(peak.Load(), base)-base)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(base)/(1<<20), "base-MiB")
}

func sample(peak *atomic.Uint64, done <-chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var m runtime.MemStats
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
		}
	}
}
