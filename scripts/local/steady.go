package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/api"
)

// observer collects the figures of the functions' requests. It may be used
// concurrently.
type observer struct {
	refusals counter
	retries  atomic.Int64
	// The check-ins that were answered since the last reset.
	checkIns, reads, writes atomic.Int64
}

func (o *observer) served(s api.Served) {
	if s.Reason == "cancelled" {
		return // the agent hung up, as at the end of the steady check-ins
	}
	if s.Function == "admin" {
		return // what is asked for until it is there
	}
	if s.Status >= 400 {
		o.refusals.add(s.Reason)
		return
	}
	if s.Function == "checkin" {
		o.checkIns.Add(1)
		o.reads.Add(s.Reads)
		o.writes.Add(s.Writes)
	}
}

func (o *observer) google(_, _ string, attempt int) {
	if attempt > 1 {
		o.retries.Add(1)
	}
}

func (o *observer) reset() {
	o.checkIns.Store(0)
	o.reads.Store(0)
	o.writes.Store(0)
}

// steadyWorkers is how many devices check in at the same time.
const steadyWorkers = 8

// steady has the fleet check in, one device after the other, for a while.
func (f *fleet) steady(ctx context.Context, d time.Duration, o *observer) (steady, error) {
	var stats agent.Stats
	f.options.Observe = stats.Observe
	defer func() { f.options.Observe = f.stats.Observe }()
	agents := make([]*agent.Agent, len(f.phones))
	for i, p := range f.phones {
		a, err := p.again(f)
		if err != nil {
			return steady{}, err
		}
		agents[i] = a
	}
	o.reset()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var next atomic.Int64
	var g errgroup.Group
	for range steadyWorkers {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)-1) % len(agents)
				if _, err := agents[i].CheckIn(ctx); err != nil && ctx.Err() == nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	elapsed := time.Since(began).Seconds()
	n := o.checkIns.Load()
	out := steady{CheckIns: n, Seconds: elapsed}
	if n > 0 {
		out.PerSecond = float64(n) / elapsed
		out.Reads, out.Writes = float64(o.reads.Load())/float64(n), float64(o.writes.Load())/float64(n)
	}
	for _, s := range stats.Summaries() {
		if s.Endpoint == agent.CheckInEndpoint {
			out.P50Micros, out.P99Micros = s.P50.Microseconds(), s.P99.Microseconds()
		}
	}
	return out, err
}
