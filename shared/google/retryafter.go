package google

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter reads a Retry-After header (RFC 9110, section 10.2.3), in
// seconds or as an HTTP date against now. The result is between 0 and
// MaxRetryAfter; what cannot be read, or lies in the past, is 0.
func ParseRetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if isDigits(header) {
		secs, err := strconv.ParseUint(header, 10, 31)
		if err != nil {
			// All digits, so the number is merely too large.
			return MaxRetryAfter
		}
		return min(time.Duration(secs)*time.Second, MaxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	// Sub saturates, so that a date in the year 9999 does not turn negative.
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
