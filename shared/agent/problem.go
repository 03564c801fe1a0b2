package agent

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Problem is a reply that is not 2xx (RFC 9457). What its texts repeat of the
// request's secrets is redacted, and Error shows only status, reason and clock,
// so that it may be logged wherever the agent runs.
type Problem struct {
	Endpoint Endpoint
	// Status is the HTTP status.
	Status int
	// Reason is REASON of urn:rollcall:problem:REASON, or "".
	Reason string
	// Detail is a sentence for people, at most 512 characters; Field names the
	// offending member, at most 128. Either may be empty, and Detail is where a person
	// signed in: what a server repeats of a password can be hidden in too many ways.
	Detail, Field string
	// RetryAfter is how long to wait before trying again; zero if not said.
	RetryAfter time.Duration
	// ServerTime is the server's clock, with 401 only; zero if not said.
	ServerTime time.Time
	// Skew is how far the server's clock is ahead of the one that the proof was
	// made with, to the second; zero where ServerTime is.
	Skew time.Duration

	trusted bool // the reply came over TLS or loopback
}

// maxSkew is how far a device's clock may be from the server's, in either
// direction, before the server refuses its proofs.
const maxSkew = 5 * time.Minute

// Error returns one line without any text of the server's own.
func (p *Problem) Error() string {
	s := fmt.Sprintf("%s: %d %s", p.Endpoint, p.Status, http.StatusText(p.Status))
	if p.Reason != "" {
		s += " (" + p.Reason + ")"
	}
	if p.clockWrong() {
		way := "behind"
		if p.Skew < 0 {
			way = "ahead of"
		}
		s += fmt.Sprintf(": the device's clock is %v %s the server's; set it", p.Skew.Abs(), way)
	}
	if p.RetryAfter > 0 {
		s += fmt.Sprintf(": try again in %v", p.RetryAfter)
	}
	return s
}

func (p *Problem) clockWrong() bool { return p.Skew.Abs() > maxSkew }

// problemOf returns the Problem in err's chain, or nil.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// ReasonStale is the refusal of a directive that is no longer current.
const ReasonStale = "directive-stale"

const reasonPrefix = "urn:rollcall:problem:"

// problemField is a path of the protocol's members.
var problemField = regexp.MustCompile(`^[A-Za-z]{1,32}(\.[A-Za-z]{1,32})?$`)

var problemReason = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// newProblem reads a refusal. A body that is not problem+json, such as a proxy's
// page, leaves the status alone.
func newProblem(c *call, resp *http.Response, body []byte, clock, received time.Time) *Problem {
	p := &Problem{Endpoint: c.endpoint, Status: resp.StatusCode, trusted: trusted(resp)}
	p.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), received)
	if mediaType(resp) != "application/problem+json" {
		return p
	}
	var w protocol.Problem
	if decode(body, &w) != nil {
		return p
	}
	if reason, ok := strings.CutPrefix(w.Type, reasonPrefix); ok &&
		problemReason.MatchString(reason) && scrub(reason, c.hide) == reason {
		p.Reason = reason
	}
	p.Detail = clip(scrub(w.Detail, c.hide), 512)
	p.Field = clip(scrub(w.Field, c.hide), 128)
	if c.mute {
		p.Detail = ""
		if !problemField.MatchString(p.Field) || p.Field != w.Field {
			p.Field = ""
		}
	}
	// The bound keeps a nonsense time from overflowing the subtraction.
	if p.Status == http.StatusUnauthorized && w.ServerTime > 0 && w.ServerTime < 1<<40 {
		p.ServerTime = time.Unix(w.ServerTime, 0)
		p.Skew = p.ServerTime.Sub(clock).Round(time.Second)
	}
	return p
}

// maxRetryAfter bounds what an agent believes of Retry-After, so that a proxy's
// mistake does not silence a device for ever.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads both forms of RFC 9110 section 10.2.3; 0 if there is none.
func retryAfter(h string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(h, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(h); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
