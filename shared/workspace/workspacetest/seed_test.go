package workspacetest_test

import (
	"runtime"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestSeed(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	if err := b.Seed(workspacetest.Numbered(domain, 1000)); err != nil {
		t.Fatal(err)
	}
	if n := b.UserCount(b.customer); n != 1001 {
		t.Errorf("%d users", n)
	}
	if _, ok := b.UserOf("user-0000999@example.com"); !ok {
		t.Error("the last is missing")
	}
	if err := b.Seed(workspacetest.Numbered(domain, 1)); err == nil {
		t.Error("the same address twice")
	}
	if err := b.Seed(workspacetest.Numbered("nowhere.org", 1)); err == nil {
		t.Error("an unknown domain")
	}
}

// BenchmarkSeed100000 reports what a seeded user costs in memory, the index
// included.
func BenchmarkSeed100000(b *testing.B) {
	seeded := func() *workspacetest.Server {
		s := workspacetest.NewHandler("http://127.0.0.1", workspacetest.Options{})
		s.AddCustomer(domain)
		if err := s.Seed(workspacetest.Numbered(domain, 100_000)); err != nil {
			b.Fatal(err)
		}
		return s
	}
	for b.Loop() {
		seeded().Close()
	}
	before := heap()
	s := seeded()
	b.ReportMetric(float64(heap()-before)/100_000, "bytes/user")
	s.Close()
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
