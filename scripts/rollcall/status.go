package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// statusRow is what the table shows of an enterprise's state.
type statusRow struct {
	Enterprise string         `json:"enterprise"`
	State      string         `json:"state"`
	Devices    map[string]int `json:"devices"`
	Accounts   map[string]int `json:"accounts"`
	Passwords  map[string]int `json:"passwords"`
	Directory  string         `json:"directory"`
	Truncated  bool           `json:"truncated"`
}

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Count devices, accounts and passwords, and tell how directories stand", Args: cobra.NoArgs,
		Long: "Count devices by status, and accounts and generated passwords by state, of every\nenterprise or of the one that --enterprise names. A count with a + is of the first\n10,000. What the states of passwords mean: rollcall password status.\nThe directory is synced, syncing, quarantined, behind (its last run did not end\nwell), or waiting for its first run; see: rollcall directory status.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, a, &pager{limit: 100}, "/v1/status", url.Values{"enterprise": {a.enterprise}},
			"There is no enterprise yet; add one with: rollcall enterprise create",
			[]string{"ENTERPRISE", "STATE", "DEVICES", "ACCOUNTS", "PASSWORDS", "DIRECTORY"},
			func(s statusRow) []string {
				return []string{
					s.Enterprise, s.State,
					counts(s.Devices, s.Truncated, "ready", "adding", "held", "no account", "retired"),
					counts(s.Accounts, s.Truncated, "active", "creating", "deleting", "deleted"),
					counts(s.Passwords, s.Truncated, "active", "pending", "leased", "retry", "failed"),
					cmp.Or(s.Directory, "none"),
				}
			})
	}
	return cmd
}

// counts writes the sum and its parts, known words first.
func counts(n map[string]int, truncated bool, words ...string) string {
	for w := range n {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	sum := 0
	var parts []string
	for _, w := range words {
		if n[w] > 0 {
			sum += n[w]
			parts = append(parts, fmt.Sprintf("%d %s", n[w], w))
		}
	}
	text := fmt.Sprint(sum)
	if truncated {
		text += "+"
	}
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}
