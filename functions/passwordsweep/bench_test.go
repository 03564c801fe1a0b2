package passwordsweep_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// BenchmarkSweepAndPush brings 10,000 people who are due at once to Google, by sweeps
// of each simulated minute and the pushes that they ask for, with a Google that takes
// no time. It reports what one person costs, and the time that Rollcall itself needs
// as a share of the time that Google's quota takes anyhow (10,000 calls at 40 a
// second), and as a multiple of the bare transactions that the same rows take.
func BenchmarkSweepAndPush(b *testing.B) {
	const people = 10_000
	for b.Loop() {
		b.StopTimer()
		w := newBench(b, dispatch.Share*directoryRate, nil)
		w.people(ent, people, nil)
		bare := w.bareTransactions(people, 4)
		w.people(ent, people, nil)
		ctx, ops := store.WithOps(context.Background())
		minutes, found := 0, 0
		b.StartTimer()
		began := time.Now()
		for ; len(w.google.has) < people; minutes++ {
			sum, err := w.sweeper.Run(ctx)
			w.must(err)
			found += sum.Due
			w.deliver(ctx)
			w.pass(time.Minute)
		}
		took := time.Since(began)
		b.StopTimer()
		b.ReportMetric(float64(w.google.calls)/people, "calls/person")
		b.ReportMetric(float64(ops.Reads.Load())/people, "reads/person")
		b.ReportMetric(float64(ops.Writes.Load())/people, "writes/person")
		b.ReportMetric(float64(found)/people, "finds/person")
		b.ReportMetric(float64(minutes), "simulated-minutes")
		b.ReportMetric(took.Seconds()/(people/40.0), "of-quota-time")
		b.ReportMetric(took.Seconds()/bare.Seconds(), "x-bare-transactions")
		b.StartTimer()
	}
}

// bareTransactions returns how long it takes to read and store each row some times,
// one after the other for a row and eight rows at once.
func (b *bench) bareTransactions(people, times int) time.Duration {
	b.Helper()
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(8)
	for i := range people {
		g.Go(func() error {
			for range times {
				err := b.db.Update(context.Background(), func(tx *record.Tx) error {
					l, err := tx.Password(ent, key(ent, i))
					if err != nil {
						return err
					}
					l.Leases++
					return tx.PutPassword(l)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.must(g.Wait())
	return time.Since(began)
}

// BenchmarkHourWithoutGoogle is TestSweep_W3_AnHourWithoutGoogle for 10,000 people and
// the whole quota.
func BenchmarkHourWithoutGoogle(b *testing.B) {
	for b.Loop() {
		o := hourWithoutGoogle(b, 10_000)
		b.ReportMetric(float64(o.during)/10_000, "outage-calls/person")
		b.ReportMetric(float64(o.afterwards)/10_000, "recovery-calls/person")
		b.ReportMetric(float64(o.busiest)/quota, "busiest-minute/quota")
		b.ReportMetric(float64(o.recovered), "recovery-minutes")
		b.ReportMetric(float64(o.due)/float64(o.during+o.afterwards), "finds/push")
		b.ReportMetric(float64(o.reads)/float64(o.during+o.afterwards), "sweep-reads/push")
	}
}

// BenchmarkIdleSweep is a sweep where 10,000 passwords are planned and none is due.
func BenchmarkIdleSweep(b *testing.B) {
	w := newBench(b, dispatch.Share*directoryRate, nil)
	w.people(ent, 10_000, accepted(noon.Add(time.Hour)))
	ctx, ops := store.WithOps(context.Background())
	for b.Loop() {
		_, err := w.sweeper.Run(ctx)
		w.must(err)
	}
	b.ReportMetric(float64(ops.Reads.Load())/float64(b.N)/password.DueShards, "reads/shard")
}
