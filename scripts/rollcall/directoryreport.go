package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// print writes lines of the answer, free of what could steer a terminal.
func (a *app) print(format string, args ...any) error {
	for line := range strings.Lines(fmt.Sprintf(format, args...) + "\n") {
		if _, err := fmt.Fprintln(a.out, clean(strings.TrimRight(line, "\n"))); err != nil {
			return failf(exitFailed, "cannot print: %v", err)
		}
	}
	return nil
}

// printRun tells what a run found, whether it is believed, and what it does. look is
// how to see more of a run that waits, where that is not shown as well.
func (a *app) printRun(run directory.Run, look string) error {
	if err := a.printVerdict(run, look); err != nil {
		return err
	}
	if err := a.table(nil, a.runRows(run)); err != nil {
		return err
	}
	if err := a.printActions(run); err != nil {
		return err
	}
	return a.printProblems(run)
}

// printVerdict says first what keeps a run from doing what it would.
func (a *app) printVerdict(run directory.Run, look string) error {
	var text string
	switch {
	case run.Phase == directory.Failed:
		return a.print("FAILED (%s): %s\n", run.Reason, run.Advice)
	case len(run.Breaches) == 0:
		return nil
	case run.Kind == directory.DryRun:
		text = "A sync would be QUARANTINED, until an admin approves or rejects it:"
	case run.Phase == directory.Quarantined:
		text = "QUARANTINED, until an admin approves or rejects it:"
	default:
		text = "It was quarantined:"
	}
	for _, b := range run.Breaches {
		text += "\n  - " + b.Text
	}
	if run.Phase == directory.Quarantined {
		text += "\n" + run.Advice + "\n" + look + a.choices(run)
	}
	return a.print("%s\n", text)
}

// look is the command with which an admin sees what a run would do.
func (a *app) look(run directory.Run) string {
	return "  look at it              " + a.hint("plan --run %s", run.ID) + "\n"
}

// choices are the commands with which an admin decides on a run.
func (a *app) choices(run directory.Run) string {
	lines := []string{
		"  let it go on            " + a.hint("approve %s", run.ID),
	}
	if run.Incomplete == "" {
		lines = append(lines, "  without the removals    "+a.hint("approve %s --additions-only", run.ID))
	}
	lines = append(lines, "  nothing of it           "+a.hint("reject %s", run.ID))
	if run.Incomplete != "" {
		lines = append(lines, "It did not read all of the directory, so even approved it removes nobody.")
	}
	return strings.Join(lines, "\n")
}

func (a *app) runRows(run directory.Run) [][]string {
	c := run.Counts
	rows := [][]string{{"run", run.ID + " (" + kindWord(run) + ")"}, {"state", state(run)}}
	if run.Reason != "" && !run.Phase.Ended() && run.Phase != directory.Quarantined {
		rows = append(rows, []string{"  advice", run.Advice})
	}
	began := moment(run.StartedAt) + ", by " + run.RequestedBy
	if t := took(run); t != "" {
		began += ", took " + t
	}
	rows = append(rows, []string{"started", began})
	if d := run.Decision; d != nil {
		word := "approved"
		switch {
		case run.Phase == directory.Rejected:
			word = "rejected"
		case d.AdditionsOnly:
			word = "approved without removals"
		}
		rows = append(rows, []string{"decision", word + " by " + d.By + ", " + a.both(d.At)})
	}
	if c.Listed > 0 || c.Before > 0 || run.Phase != directory.Failed {
		rows = append(rows, []string{"people", people(c, run.Incremental)})
	}
	if run.SkipGoogle {
		rows = append(rows, []string{"Google accounts", "not listed: Google tells of changes by itself"})
	} else if c.GoogleListed > 0 || c.GoogleBefore > 0 {
		rows = append(rows, []string{"Google accounts", fmt.Sprintf("%d listed, %d before%s", c.GoogleListed, c.GoogleBefore, absent(c.GoogleAbsent))})
	}
	if c.Withdraws > 0 {
		rows = append(rows, []string{"would lose access", losing(run)})
	}
	for _, r := range []struct {
		name string
		n    int
		text string
	}{
		{"excluded", c.Excluded, "%d by your rules"}, {"withheld", c.Withheld, "%d, for removals were not let through"},
		{"not applied", c.Failed, "%d, which the next run tries again"},
	} {
		if r.n > 0 {
			rows = append(rows, []string{r.name, fmt.Sprintf(r.text, r.n)})
		}
	}
	return rows
}

func people(c directory.Counts, incremental bool) string {
	if incremental {
		return fmt.Sprintf("changes alone were read, of %d before%s", c.Before, absent(c.Absent))
	}
	return fmt.Sprintf("%d listed, %d before%s", c.Listed, c.Before, absent(c.Absent))
}

func absent(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d absent", n)
}

var kindWords = map[directory.Kind]string{directory.Sync: "sync", directory.DryRun: "plan", directory.Probe: "test"}

func kindWord(run directory.Run) string {
	word := kindWords[run.Kind]
	if word == "" {
		word = string(run.Kind)
	}
	if run.Full {
		word += ", full"
	}
	return word
}

// printActions counts what is done, with what it means.
func (a *app) printActions(run directory.Run) error {
	c := run.Counts
	if len(c.Planned) == 0 && len(c.Done) == 0 {
		if run.Phase == directory.Done {
			return a.print("\nNothing changes.")
		}
		return nil
	}
	head := []string{"ACTION", "PLANNED", "MEANING"}
	withDone := run.Kind == directory.Sync && (len(c.Done) > 0 || run.Phase == directory.Done)
	if withDone {
		head = []string{"ACTION", "PLANNED", "DONE", "MEANING"}
	}
	both := map[directory.Action]int{}
	for action, n := range c.Planned {
		both[action] += n
	}
	for action, n := range c.Done {
		both[action] += n
	}
	var rows [][]string
	for _, w := range counted(both) {
		if w.action == directory.Miss && asking(run) {
			w.meaning = "not listed: who left indeed loses access after approval"
		}
		row := []string{string(w.action), strconv.Itoa(c.Planned[w.action])}
		if withDone {
			row = append(row, strconv.Itoa(c.Done[w.action]))
		}
		rows = append(rows, append(row, w.meaning))
	}
	if err := a.print(""); err != nil {
		return err
	}
	return a.table(head, rows)
}

// shownProblems is how many problems a report tells one by one.
const shownProblems = 10

func (a *app) printProblems(run directory.Run) error {
	n := run.Counts.Problems
	if n == 0 {
		return nil
	}
	if err := a.print("\nProblems: %d", n); err != nil {
		return err
	}
	shown := run.Problems[:min(len(run.Problems), shownProblems)]
	for _, p := range shown {
		who := named(p.Name, "", p.ID)
		if who == "" {
			who = "an entry"
		}
		if err := a.print("  %s  %s", who, problemText(p.Reason)); err != nil {
			return err
		}
	}
	if n > len(shown) {
		a.say("The first %d problems are shown; --json has up to %d.", len(shown), directory.MaxProblems)
	}
	return nil
}
