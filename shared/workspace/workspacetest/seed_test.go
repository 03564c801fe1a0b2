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

func BenchmarkSeed100000(b *testing.B) {
	var bytes uint64
	for b.Loop() {
		b.StopTimer()
		s := workspacetest.New(workspacetest.Options{})
		s.AddCustomer(domain)
		before := heap()
		b.StartTimer()
		if err := s.Seed(workspacetest.Numbered(domain, 100_000)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		bytes = heap() - before
		s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/100_000, "bytes/user")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
