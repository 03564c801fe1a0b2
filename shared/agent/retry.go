package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sethvargo/go-retry"
)

const (
	// firstPause and longestPause bound the pause between two tries of one call:
	// a random part of 1 s, 2 s, 4 s and so on.
	firstPause   = time.Second
	longestPause = time.Minute
)

// do tries a call until it succeeds, is refused for good, or has had its tries.
func (c *Client) do(ctx context.Context, k *call) error {
	if err := k.prepare(); err != nil {
		return err
	}
	pauses := retry.WithMaxRetries(uint64(max(k.tries, 1)-1), c.backoff(firstPause, longestPause))
	before, corrected := c.offset.Load(), false
	for n := 1; ; n++ {
		began := c.opts.Now()
		status, err := c.try(ctx, k)
		c.observe(k, n, status, err, c.opts.Now().Sub(began))
		if err == nil || ctx.Err() != nil {
			return err
		}
		if p := problemOf(err); p != nil && p.Status == http.StatusUnauthorized {
			if corrected {
				c.offset.Store(before) // the clock was not the reason
				return err
			}
			if corrected = c.correctClock(p); corrected {
				continue
			}
		}
		pause, stop := pauses.Next()
		least, again := retryable(err)
		if stop || !again || least > longestPause {
			return err
		}
		if werr := c.opts.Wait(ctx, max(pause, least)); werr != nil {
			return err
		}
	}
}

func (c *Client) observe(k *call, n, status int, err error, took time.Duration) {
	if c.opts.Observe == nil {
		return
	}
	e := Exchange{Endpoint: k.endpoint, Try: n, Status: status, Err: err, Latency: took}
	if p := problemOf(err); p != nil {
		e.Reason = p.Reason
	}
	c.opts.Observe(e)
}

// retryable reports whether the same call may work when tried again, and how long
// the server wants to be left alone before.
func retryable(err error) (after time.Duration, ok bool) {
	var l *Lost
	if errors.As(err, &l) {
		return 0, true
	}
	p := problemOf(err)
	if p == nil {
		return 0, false
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusInternalServerError, http.StatusRequestTimeout:
		return p.RetryAfter, true
	case http.StatusBadGateway:
		// With a reason it is Google's refusal for good; without, a proxy's.
		return p.RetryAfter, p.Reason == ""
	}
	return 0, false
}

// clock is the time that proofs are made with.
func (c *Client) clock() time.Time { return c.opts.Now().Add(time.Duration(c.offset.Load())) }

// correctClock sets the offset by the server's time and reports whether it did.
//
// Only a 401 that came over TLS or loopback is believed, and only if it says that
// the clock is off by more than a proof may be; do keeps the offset only if the
// next try is not refused as well. Whoever could abuse this has the server's TLS
// key, and would gain proofs that are good at another time, each for one request
// that the device made to that very server. The device's own clock is never set,
// and the offset dies with the Client.
func (c *Client) correctClock(p *Problem) bool {
	if !p.trusted || !p.clockWrong() {
		return false
	}
	c.offset.Store(int64(p.ServerTime.Sub(c.opts.Now())))
	return true
}

// backoff doubles from first to longest and waits a random part of that, so that
// devices that failed together do not come back together.
func (c *Client) backoff(first, longest time.Duration) retry.Backoff {
	next := retry.WithCappedDuration(longest, retry.NewExponential(first))
	return retry.BackoffFunc(func() (time.Duration, bool) {
		d, stop := next.Next()
		return time.Duration(float64(d) * fraction(c.opts.Random)), stop
	})
}

// fraction returns a number in [0, 1); without randomness the middle, for to come
// back at a known time is better than not at all.
func fraction(random io.Reader) float64 {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0.5
	}
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}
