package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/audit"
)

const (
	pollEvery = 2 * time.Second
	// overlap is how much of the trail is read again: a record gets its time before
	// its transaction commits, so it can appear behind a later one.
	overlap = 30 * time.Second
)

func (a *app) auditCommand() *cobra.Command {
	var p pager
	var since string
	var follow, system bool
	cmd := &cobra.Command{
		Use: "audit", Short: "Show who did what, on whom, when and with what result", Args: cobra.NoArgs,
		Example: "  rollcall audit --since 7d\n  rollcall audit --follow --json | jq .action",
	}
	cmd.Flags().StringVar(&since, "since", "1h", "how far back: a `period` such as 90m or 7d, or a time such as 2026-01-31T09:00:00Z")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as records come, until Ctrl-C")
	cmd.Flags().BoolVar(&system, "system", false, "the records that belong to no enterprise")
	p.flags(cmd, 0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, err := a.parseSince(since)
		if err != nil {
			return err
		}
		path := "/v1"
		if !system {
			if path, err = a.of(); err != nil {
				return err
			}
		}
		if follow && (cmd.Flags().Changed("next") || cmd.Flags().Changed("limit")) {
			return usagef("--follow has no end, so --next and --limit do not go with it; say with --since where to begin")
		}
		if follow {
			return a.follow(cmd.Context(), path+"/audit", from)
		}
		return show(cmd, a, &p, path+"/audit", url.Values{"since": {from.Format(time.RFC3339Nano)}},
			"Nothing happened since "+moment(from)+"; look further back with --since 7d",
			[]string{"TIME", "ACTOR", "ACTION", "TARGET", "RESULT", "DETAIL"}, auditCells)
	}
	return cmd
}

func auditCells(r audit.Record) []string {
	return []string{moment(r.At), r.Actor, r.Action, r.Target, r.Result, r.Detail}
}

func (a *app) parseSince(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	d, err := parsePeriod(s)
	if err != nil {
		return time.Time{}, usagef("--since takes a period such as 90m or 7d, or a time such as 2026-01-31T09:00:00Z, not %q", s)
	}
	return a.now().UTC().Add(-d), nil
}

// follow prints records as they come. Ctrl-C is its ordinary end. A server that is
// away for a while is waited for.
func (a *app) follow(ctx context.Context, path string, from time.Time) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	start := from
	seen := map[string]time.Time{}
	away := false
	for first := true; ; first = false {
		l, err := (&pager{}).list(ctx, c, path, url.Values{"since": {from.Format(time.RFC3339Nano)}})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !first && asFailure(err).code == exitUnavailable:
			if !away {
				_, _ = fmt.Fprintf(a.errs, "rollcall: %v; waiting for it\n", err)
			}
			away = true
		case err != nil:
			return err
		default:
			away = false
			newest, err := a.printNew(l, seen)
			if err != nil {
				return err
			}
			if t := newest.Add(-overlap); t.After(from) && t.After(start) {
				from = t
			}
			for id, at := range seen {
				if at.Before(from) {
					delete(seen, id)
				}
			}
		}
		if err := a.wait(ctx, pollEvery); err != nil {
			return nil
		}
	}
}

// printNew prints the records that were not seen before, and returns the newest
// record's time.
func (a *app) printNew(l listing, seen map[string]time.Time) (newest time.Time, err error) {
	for _, raw := range l.Items {
		r, err := decode[audit.Record](raw)
		if err != nil {
			return newest, err
		}
		if r.At.After(newest) {
			newest = r.At
		}
		if _, ok := seen[r.ID]; ok {
			continue
		}
		seen[r.ID] = r.At
		if err := a.printRecord(r, raw); err != nil {
			return newest, err
		}
	}
	return newest, nil
}

func (a *app) printRecord(r audit.Record, raw json.RawMessage) error {
	line := string(raw)
	if !a.json {
		line = clean(fmt.Sprintf("%s  %s  %s  %s  %s", moment(r.At), r.Actor, r.Action, r.Target, r.Result))
		if r.Detail != "" {
			line += "  " + clean(r.Detail)
		}
	}
	if _, err := fmt.Fprintln(a.out, line); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	return nil
}
