package ldap_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
)

const population = 100_000

// BenchmarkWalk100000 walks a simulated directory of 100,000 people. The peak is
// what the heap grew above the seeded simulation, which runs in the same process
// and renders each page.
func BenchmarkWalk100000(b *testing.B) {
	s := newBench(b, ldaptest.Options{}, population)
	c := s.as(func(o *ldap.Options) { o.Config.PageSize = 0 })
	before := s.sim.Counters()
	measure(b, func() { walkAll(b, c) })
	after := s.sim.Counters()
	b.ReportMetric(float64(after.Searches-before.Searches)/float64(b.N), "searches/op")
	b.ReportMetric(float64(after.BytesOut-before.BytesOut)/float64(b.N)/(1<<20), "MiB/op")
}

// BenchmarkWalk100000OpenLDAP walks OpenLDAP, which is another process, so that the
// peak is the client's alone.
func BenchmarkWalk100000OpenLDAP(b *testing.B) {
	_, opt := real(b, slapdtest.Options{SyncProvider: true}, population)
	for name, way := range map[string]directory.Incremental{"paged": directory.ModifyStamp, "sync": directory.SyncCookie} {
		b.Run(name, func(b *testing.B) {
			o := opt
			o.Config.Incremental, o.Config.PageSize = way, 0
			c := ldap.New(o)
			measure(b, func() { walkAll(b, c) })
		})
	}
}

// BenchmarkChanges100000OpenLDAP reads the changes of 100,000 people of whom one
// changed each time.
func BenchmarkChanges100000OpenLDAP(b *testing.B) {
	for name, log := range map[string]int{"present phase": 0, "session log": 1000} {
		b.Run(name, func(b *testing.B) {
			srv, opt := real(b, slapdtest.Options{SyncProvider: true, SessionLog: log}, population)
			opt.Config.PageSize = 0
			c := ldap.New(opt)
			cur, err := c.Walk(b.Context(), nothing)
			must(b, err)
			i := 0
			measure(b, func() {
				b.StopTimer()
				i++
				must(b, srv.Set(personDN(i), "title", "new"))
				b.StartTimer()
				d, err := c.Changes(b.Context(), cur, nothing)
				must(b, err)
				cur = d.Cursor
			})
		})
	}
}

func walkAll(b *testing.B, c *ldap.Client) {
	n := 0
	_, err := c.Walk(b.Context(), func(p ldap.Page) error { n += len(p.Entries); return nil })
	must(b, err)
	if n != population {
		b.Fatalf("%d people", n)
	}
}

// measure runs fn for the benchmark and reports by how much the heap grew.
func measure(b *testing.B, fn func()) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base := m.HeapAlloc
	var peak atomic.Uint64
	done := make(chan struct{})
	go func() {
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
	}()
	for b.Loop() {
		fn()
	}
	close(done)
	b.ReportMetric(float64(max(peak.Load(), base)-base)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(base)/(1<<20), "base-MiB")
}
