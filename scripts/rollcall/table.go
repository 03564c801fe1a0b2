package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table prints rows under a head, or, with a nil head, pairs of name and value.
func (a *app) table(head []string, rows [][]string) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if head != nil {
		rows = append([][]string{head}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				_, _ = fmt.Fprint(w, "\t")
			}
			if cell = clean(cell); cell == "" {
				cell = "-"
			}
			_, _ = fmt.Fprint(w, cell)
		}
		_, _ = fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(a.out, strings.TrimRight(line, " \n")); err != nil {
			return failf(exitFailed, "cannot print: %v", err)
		}
	}
	return nil
}

// clean takes out what could steer a terminal: devices choose some of the texts.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// printJSON prints v, or the server's JSON as it came, indented.
func (a *app) printJSON(v any) error {
	raw, ok := v.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return failf(exitFailed, "the server's reply is not JSON; check --url")
	}
	if _, err := fmt.Fprintln(a.out, b.String()); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	return nil
}

// ago says how long t lies back, or how far ahead, in one unit.
func (a *app) ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := a.now().Sub(t)
	switch {
	case d < 0:
		return "in " + span(-d+time.Second-1) // a day is 24h still when it was asked for just now
	case d < time.Second:
		return "now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}

// moment writes t in UTC, so that two people compare the same text.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// both writes t for reading and for comparing.
func (a *app) both(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return moment(t) + " (" + a.ago(t) + ")"
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
