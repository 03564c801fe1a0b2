package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func (a *app) directoryTest() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test [ENTERPRISE]", Short: "Try the connections and read a few people", Args: cobra.MaximumNArgs(1),
		Long: "Try the connections, the credentials and the rules, and read a few people. Nothing\nis changed. Each line begins with pass, warn or fail. The exit code is 0 if all is\nwell, 6 with a warning, and 1 if something does not work.",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.directoryPath(args)
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		o, _, err := a.startRun(cmd.Context(), c, path, newRun{Kind: directory.Probe})
		if err != nil {
			return err
		}
		run, got, err := a.followRun(cmd.Context(), c, path, o.Run)
		if err != nil {
			return err
		}
		if a.json {
			err = a.printJSON(got)
		} else {
			err = a.printProbe(run)
		}
		if err != nil {
			return err
		}
		return a.worst(run)
	}
	return cmd
}

func (a *app) printProbe(run directory.Run) error {
	for _, f := range run.Findings {
		if err := a.print("%s", finding(f)); err != nil {
			return err
		}
	}
	if run.Phase == directory.Failed && !broken(run) {
		if err := a.print("fail  %s (%s)", run.Advice, run.Reason); err != nil {
			return err
		}
	}
	if err := a.printProblems(run); err != nil || len(run.Sample) == 0 {
		return err
	}
	if err := a.print(""); err != nil {
		return err
	}
	rows := make([][]string, len(run.Sample))
	for i, e := range run.Sample {
		rows[i] = []string{e.Name(), e.Mail, e.Login, tri(e.Enabled), e.Unit, e.ID}
	}
	return a.table([]string{"NAME", "MAIL", "LOGIN", "ENABLED", "UNIT", "ID"}, rows)
}

// finding sets the word of a finding apart.
func finding(f string) string {
	for _, word := range []string{directory.Pass, directory.Warn, directory.Fail} {
		if text, ok := strings.CutPrefix(f, word); ok {
			return strings.TrimSuffix(word, ": ") + "  " + text
		}
	}
	return "      " + f
}

// broken reports whether a finding says that something does not work.
func broken(run directory.Run) bool { return found(run, directory.Fail) }

func found(run directory.Run, word string) bool {
	for _, f := range run.Findings {
		if strings.HasPrefix(f, word) {
			return true
		}
	}
	return false
}

// worst is what a test ends the command with.
func (a *app) worst(run directory.Run) error {
	switch {
	case broken(run) || run.Phase == directory.Failed:
		return failf(exitFailed, "the directory does not work as it is configured; mend what is marked fail with: %s", a.hint("configure"))
	case run.Phase != directory.Done:
		return a.outcome(run)
	case found(run, directory.Warn):
		return failf(exitWarned, "it works; look at what is marked warn")
	}
	a.say("All is well. What the first sync would do: %s", a.hint("plan"))
	return nil
}

func tri(t person.Tri) string {
	if t == person.Unknown {
		return "unknown"
	}
	return string(t)
}
