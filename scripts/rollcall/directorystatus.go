package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// directoryStatusRow is what is shown of how a directory stands.
type directoryStatusRow struct {
	Enterprise string                `json:"enterprise"`
	Mode       directory.Mode        `json:"mode"`
	Paused     bool                  `json:"paused"`
	Revision   int                   `json:"revision"`
	Applied    int                   `json:"appliedRevision"`
	LastDone   time.Time             `json:"lastDone"`
	LastTried  time.Time             `json:"lastTried"`
	LastFull   time.Time             `json:"lastFull"`
	Beat       time.Time             `json:"beat"`
	Cursor     directory.Incremental `json:"cursor"`
	FullEvery  int                   `json:"fullEveryHours"`
	Listed     int                   `json:"listed"`
	Google     int                   `json:"google"`
	People     map[string]int        `json:"people"`
	Truncated  bool                  `json:"truncated"`
	Run        *directory.Run        `json:"run"`
	Runs       []directory.Run       `json:"runs"`
}

func (a *app) directoryStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [ENTERPRISE]", Short: "Show how the directory stands, and what waits for an admin", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.directoryPath(args)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			got, err := c.get(cmd.Context(), path+"/status", nil)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(got)
			}
			s, err := decode[directoryStatusRow](got)
			if err != nil {
				return err
			}
			return a.printDirectoryStatus(s)
		},
	}
}

// silent is how long nothing may be heard of the process that has a run.
const silent = 2 * time.Minute

func (a *app) printDirectoryStatus(s directoryStatusRow) error {
	if err := a.printWaiting(s); err != nil {
		return err
	}
	rows := [][]string{
		{"enterprise", s.Enterprise}, {"mode", string(s.Mode) + ": " + modeWords[s.Mode]}, {"schedule", s.schedule()},
		{"people", s.people()},
	}
	if s.Mode.UsesGoogle() && s.Mode != directory.GoogleOnly {
		rows = append(rows, []string{"Google accounts", fmt.Sprint(s.Google)})
	}
	rows = append(rows,
		[]string{"last sync", a.both(s.LastDone)}, []string{"last full read", a.both(s.LastFull)}, []string{"next read", s.next()})
	if err := a.table(nil, rows); err != nil {
		return err
	}
	if len(s.Runs) == 0 {
		a.say("There was no run yet. Try the connections with: %s", a.hint("test"))
		return nil
	}
	if err := a.print(""); err != nil {
		return err
	}
	var runs [][]string
	for _, r := range s.Runs {
		did := actionCounts(r.Counts.Done)
		if r.Kind != directory.Sync || r.Phase == directory.Quarantined {
			did = actionCounts(r.Counts.Planned)
			if did != "" {
				did = "planned: " + did
			}
		}
		runs = append(runs, []string{r.ID, kindWord(r), a.ago(r.StartedAt), took(r), state(r), did})
	}
	return a.table([]string{"RUN", "KIND", "STARTED", "TOOK", "STATE", "WHAT"}, runs)
}

// printWaiting says first what an admin should know: a run that waits, or the last
// sync's failure.
func (a *app) printWaiting(s directoryStatusRow) error {
	if r := s.Run; r != nil {
		switch {
		case r.Phase == directory.Quarantined:
			text := fmt.Sprintf("The run %s is QUARANTINED since %s, until an admin approves or rejects it:", r.ID, a.both(r.StartedAt))
			for _, b := range r.Breaches {
				text += "\n  - " + b.Text
			}
			if would := actionCounts(r.Counts.Planned); would != "" {
				text += "\nPlanned: " + would
			}
			if r.Counts.Withdraws > 0 {
				text += "\nWould lose access: " + losing(*r)
			}
			if r.Revision != s.Revision {
				return a.print("%s\nThe configuration was changed since, so nothing of it can be applied. Read and judge anew with: %s\n", text, a.hint("run --wait"))
			}
			text += "\n" + r.Advice
			return a.print("%s\n%s\n", text, a.look(*r)+a.choices(*r))
		case r.Reason != "":
			return a.print("The run %s WAITS (%s) and goes on by itself: %s\n", r.ID, r.Reason, r.Advice)
		case !s.Beat.IsZero() && a.now().Sub(s.Beat) > silent:
			return a.print("The run %s is SILENT: nothing was heard of it for %s. The next schedule takes it up; if it stays so, look at: rollcall dead-letter list\n",
				r.ID, span(a.now().Sub(s.Beat)))
		}
		return nil
	}
	for _, r := range s.Runs {
		if r.Kind != directory.Sync || r.Phase == directory.Superseded {
			continue
		}
		if r.Phase == directory.Failed {
			return a.print("The last sync FAILED (%s), %s: %s\n", r.Reason, a.ago(r.EndedAt), r.Advice)
		}
		if r.Phase == directory.Rejected {
			return a.print("The last sync was REJECTED (%s), %s: nothing of it was applied.\n", r.Reason, a.ago(r.EndedAt))
		}
		return nil
	}
	return nil
}

func (s directoryStatusRow) schedule() string {
	if s.Paused {
		return "paused; only an admin starts a run"
	}
	return "every 15 minutes"
}

func (s directoryStatusRow) people() string {
	text := fmt.Sprintf("%d listed", s.Listed)
	for _, state := range []string{"disabled", "missing", "leaving", "gone"} {
		if n := s.People[state]; n > 0 {
			text += fmt.Sprintf(", %d", n)
			if s.Truncated && n >= pageSize {
				text += "+"
			}
			text += " " + state
		}
	}
	return text
}

var cursorWords = map[directory.Incremental]string{
	directory.SyncCookie: "changes alone, by the server's sync cookie", directory.DirSync: "changes alone, by DirSync",
	directory.USN: "changes alone, by uSNChanged", directory.ModifyStamp: "changes alone, by their time stamps",
}

// next says how the directory will be read.
func (s directoryStatusRow) next() string {
	if s.Applied != 0 && s.Applied != s.Revision {
		return "everything, for the configuration changed"
	}
	if s.Cursor == "" {
		return "everything"
	}
	text := cursorWords[s.Cursor]
	if text == "" {
		text = "changes alone"
	}
	return fmt.Sprintf("%s; everything each %dh", text, s.FullEvery)
}
