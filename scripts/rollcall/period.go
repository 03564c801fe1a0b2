package main

import (
	"strconv"
	"strings"
	"time"
)

// period is a flag that takes a duration, in days too.
type period time.Duration

// String implements pflag.Value.
func (p *period) String() string {
	if *p == 0 {
		return ""
	}
	d := time.Duration(*p)
	if d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}

// Set implements pflag.Value.
func (p *period) Set(s string) error {
	d, err := parsePeriod(s)
	*p = period(d)
	return err
}

// Type implements pflag.Value.
func (p *period) Type() string { return "period" }

func parsePeriod(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	return 0, usagef("%q is not a period; write it as 90s, 15m, 24h or 30d", s)
}
