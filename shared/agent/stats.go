package agent

import (
	"math/bits"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Stats counts exchanges; give its Observe to the Options of any number of
// clients. The zero value is ready. It is safe for concurrent use, takes no lock,
// and has one size however much it counts.
type Stats struct {
	endpoints [3]counters
}

var endpoints = [...]Endpoint{EnrollEndpoint, CheckInEndpoint, TokenEndpoint}

type counters struct {
	ok, refused, failed, lost, unreadable, retries atomic.Int64
	latency                                        [80]atomic.Int64
}

// Observe counts one exchange.
func (s *Stats) Observe(e Exchange) {
	i := slices.Index(endpoints[:], e.Endpoint)
	if i < 0 {
		return
	}
	c := &s.endpoints[i]
	switch {
	case e.Err == nil:
		c.ok.Add(1)
	case e.Status == 0:
		c.lost.Add(1)
	case e.Status >= http.StatusInternalServerError:
		c.failed.Add(1)
	case e.Status/100 == 2:
		c.unreadable.Add(1)
	default:
		c.refused.Add(1)
	}
	if e.Try > 1 {
		c.retries.Add(1)
	}
	c.latency[bucket(e.Latency)].Add(1)
}

// Summary is the figures of one endpoint.
type Summary struct {
	Endpoint Endpoint
	// OK were answered with 2xx, Refused with 3xx or 4xx, Failed with 5xx; Lost
	// had no whole reply, Unreadable a 2xx that is not what the protocol says.
	// Retries are those of all these that were not a call's first try.
	OK, Refused, Failed, Lost, Unreadable, Retries int64
	// P50, P95 and P99 are latencies, and at most a quarter too large; zero
	// without exchanges.
	P50, P95, P99 time.Duration
}

// Summaries returns the figures of enroll, checkin and token, in this order.
// What is counted meanwhile may be missing.
func (s *Stats) Summaries() []Summary {
	var out []Summary
	for i := range s.endpoints {
		c := &s.endpoints[i]
		var counts [len(c.latency)]int64
		var total int64
		for j := range counts {
			counts[j] = c.latency[j].Load()
			total += counts[j]
		}
		at := func(q float64) time.Duration {
			rank, seen := int64(q*float64(total)), int64(0)
			for j, n := range counts {
				if seen += n; seen > rank {
					return upper(j)
				}
			}
			return 0
		}
		out = append(out, Summary{
			Endpoint: endpoints[i], OK: c.ok.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(),
			Lost: c.lost.Load(), Unreadable: c.unreadable.Load(), Retries: c.retries.Load(),
			P50: at(0.50), P95: at(0.95), P99: at(0.99),
		})
	}
	return out
}

// bucket maps a latency to one of 80 buckets, four to each power of two from
// 64 µs to over a minute.
func bucket(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < 64 {
		return 0
	}
	octave := bits.Len64(us) - 7 // 64 µs is octave 0
	quarter := int(us>>(octave+4)) - 4
	return min(1+octave*4+quarter, 79)
}

// upper is the bucket's upper bound.
func upper(i int) time.Duration {
	if i == 0 {
		return 64 * time.Microsecond
	}
	octave, quarter := (i-1)/4, (i-1)%4
	return time.Duration(uint64(quarter+5)<<(octave+4)) * time.Microsecond
}
