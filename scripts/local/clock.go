package main

import (
	"sync/atomic"
	"time"
)

// clock is the time of servers and devices alike: the machine's, less what the run
// has in hand, so that a day can pass in a run of a minute.
type clock struct{ behind atomic.Int64 }

// newClock returns a clock that is d behind the machine's.
func newClock(d time.Duration) *clock {
	c := &clock{}
	c.behind.Store(int64(d))
	return c
}

// Now returns the time.
func (c *clock) Now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

// pass lets time pass, until the clock has caught up with the machine's at most.
func (c *clock) pass(d time.Duration) {
	c.behind.Store(max(0, c.behind.Load()-int64(d)))
}

// inHand is how much time can pass.
func (c *clock) inHand() time.Duration { return time.Duration(c.behind.Load()) }
