package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// letterRow is what the table shows of a dead letter.
type letterRow struct {
	ID        string             `json:"id"`
	Topic     string             `json:"topic"`
	Died      time.Time          `json:"died"`
	Attempts  int                `json:"attempts"`
	Reason    string             `json:"reason"`
	Command   *workflow.Command  `json:"command"`
	Directory *directory.Command `json:"directory"`
	Password  *password.Nudge    `json:"password"`
}

func (a *app) deadLetterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dead-letter", Short: "Events that were given up after their last attempt", Aliases: []string{"dead-letters"},
		Long: "Events that were given up after their last attempt. Mend the cause that the reason\nnames, then replay them; the work is such that doing it twice does no harm.",
	}
	cmd.AddCommand(a.deadLetterList(), a.deadLetterReplay())
	return cmd
}

func (a *app) deadLetterList() *cobra.Command {
	var limit int
	cmd := &cobra.Command{Use: "list", Short: "List the dead letters, oldest first", Args: cobra.NoArgs}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many to list, 1 to 1000")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if limit < 1 || limit > pageSize {
			return usagef("--limit takes 1 to %d here", pageSize)
		}
		return show(cmd, a, &pager{limit: limit}, "/v1/dead-letters", nil, "There are no dead letters.",
			[]string{"EVENT", "TOPIC", "WHAT", "DIED", "ATTEMPTS", "REASON"},
			func(l letterRow) []string {
				what := ""
				if c := l.Command; c != nil {
					what = string(c.Op) + " in " + c.Enterprise
				}
				if c := l.Directory; c != nil {
					what = string(c.Op) + " in " + c.Enterprise
				}
				if c := l.Password; c != nil {
					what = "password of " + c.Person + " in " + c.Enterprise
				}
				attempts := ""
				if l.Attempts > 0 {
					attempts = strconv.Itoa(l.Attempts)
				}
				return []string{l.ID, l.Topic, what, a.ago(l.Died), attempts, l.Reason}
			})
	}
	return cmd
}

func (a *app) deadLetterReplay() *cobra.Command {
	return &cobra.Command{
		Use: "replay EVENT...", Short: "Send dead letters out anew", Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name at least one event; rollcall dead-letter list shows them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			replies := listing{Items: []json.RawMessage{}}
			for i, id := range args {
				got, err := c.change(cmd.Context(), http.MethodPost, "/v1/dead-letters/"+segment(id)+"/replay", nil)
				if err != nil {
					f := *asFailure(err)
					if len(args) > 1 {
						f.text = fmt.Sprintf("%s: %s (replayed before it: %d of %d)", id, f.text, i, len(args))
					}
					return &f
				}
				replies.Items = append(replies.Items, got)
				a.say("Replayed %s.", id)
			}
			if a.json {
				return a.printJSON(replies)
			}
			return nil
		},
	}
}
