package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

func (a *app) directoryPlan() *cobra.Command {
	var n newRun
	var id string
	var anew bool
	var limit int
	cmd := &cobra.Command{
		Use: "plan [ENTERPRISE]", Short: "Show what a sync would do, without doing it", Args: cobra.MaximumNArgs(1),
		Long: "Read the directory, compare, confirm who is absent, and show what a sync would do and\nwhether the guards would let it. Nothing is changed. The table begins with those who\nwould lose something. --json prints one object: {\"run\": {...}, \"items\": [...]} with\nthe whole plan, unless --limit is given.",
		Example: "  rollcall directory plan acme --limit 0 | grep suspend-account\n  rollcall directory plan acme --json > plan.json\n" +
			"  rollcall directory plan acme --run RUN   # the plan of a run that is there",
	}
	cmd.Flags().StringVar(&id, "run", "", "show the plan of the run with this `id` instead of making one")
	cmd.Flags().BoolVar(&n.Full, "full", false, "read everything, although changes alone could be")
	cmd.Flags().BoolVar(&anew, "anew", false, "plan anew although a run waits for a decision; the plan takes its place")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many people the table shows at most; 0 is all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if limit < 0 {
			return usagef("--limit takes a number of people, or 0 for all")
		}
		if a.json && !cmd.Flags().Changed("limit") {
			limit = 0
		}
		if id != "" && (n.Full || anew) {
			return usagef("--run shows a plan that is there, so --full and --anew do not go with it")
		}
		path, err := a.directoryPath(args)
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		n.Kind = directory.DryRun
		run, got, err := a.planned(cmd.Context(), c, path, id, n, anew)
		if err != nil {
			return err
		}
		if id == "" && run.Phase != directory.Done {
			return a.failedRun(run, got)
		}
		return a.printPlan(cmd.Context(), c, path, run, got, limit)
	}
	return cmd
}

// planned returns the run whose plan is to be shown, made now if id is empty.
func (a *app) planned(ctx context.Context, c *client, path, id string, n newRun, anew bool) (run directory.Run, got []byte, err error) {
	if id != "" {
		if got, err = c.get(ctx, path+"/runs/"+segment(id), nil); err == nil {
			run, err = decode[directory.Run](got)
		}
		return run, got, err
	}
	if !anew {
		if err := a.nobodyWaits(ctx, c, path); err != nil {
			return run, nil, err
		}
	}
	o, _, err := a.startRun(ctx, c, path, n)
	if err != nil {
		return run, nil, err
	}
	return a.followRun(ctx, c, path, o.Run)
}

// nobodyWaits refuses a new plan where a run waits for a decision, which the plan
// would take the place of.
func (a *app) nobodyWaits(ctx context.Context, c *client, path string) error {
	got, err := c.get(ctx, path+"/status", nil)
	if err != nil {
		return err
	}
	s, err := decode[directoryStatusRow](got)
	if err != nil || s.Run == nil || s.Run.Phase != directory.Quarantined {
		return err
	}
	return failf(exitRefused, "the run %s waits for a decision, and a new plan would take its place. See what it would do with\n  %s\nor add --anew",
		s.Run.ID, a.hint("plan --run %s", s.Run.ID))
}

// failedRun prints a run that did not come to its end, and returns the failure.
func (a *app) failedRun(run directory.Run, got []byte) error {
	var err error
	if a.json {
		err = a.printJSON(got)
	} else {
		err = a.printRun(run, "")
	}
	if err != nil {
		return err
	}
	return a.outcome(run)
}

func (a *app) printPlan(ctx context.Context, c *client, path string, run directory.Run, got []byte, limit int) error {
	path += "/runs/" + segment(run.ID) + "/plan"
	if a.json {
		l, err := (&pager{limit: limit}).list(ctx, c, path, nil)
		if err != nil {
			return err
		}
		return a.printJSON(struct {
			Run json.RawMessage `json:"run"`
			listing
		}{got, l})
	}
	if err := a.printRun(run, ""); err != nil {
		return err
	}
	rows, more, err := a.planRows(ctx, c, path, run, limit)
	if err != nil || len(rows) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return failf(exitFailed, "cannot print: %v", err)
	}
	head := []string{"PERSON", "ACTION", "CHANGE", "WHY"}
	if len(rows[0]) > len(head) {
		head = append(head, "RESULT")
	}
	if err := a.table(head, rows); err != nil {
		return err
	}
	if more {
		a.say("There is more: add --limit 0 for all, or --json.")
	}
	return nil
}

// planRows returns the table's rows, those first who would lose something.
func (a *app) planRows(ctx context.Context, c *client, path string, run directory.Run, limit int) (rows [][]string, more bool, err error) {
	result := run.Applied > 0 || run.Counts.Failed > 0
	shown := 0
	for _, withdraws := range []string{"yes", "no"} {
		if withdraws == "yes" && run.Counts.Withdraws == 0 {
			continue // reads a large plan in vain
		}
		p := pager{limit: limit}
		if limit > 0 {
			if p.limit = limit - shown; p.limit == 0 {
				return rows, true, nil
			}
		}
		l, err := p.list(ctx, c, path, url.Values{"withdraws": {withdraws}})
		if err != nil {
			return nil, false, err
		}
		items, err := items[planRow](l)
		if err != nil {
			return nil, false, err
		}
		for _, i := range items {
			rows = append(rows, i.rows(result)...)
		}
		shown += len(items)
		if l.Next != "" {
			return rows, true, nil
		}
	}
	return rows, false, nil
}
