package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// passwordCounts is how an enterprise's passwords stand.
type passwordCounts struct {
	password.Counts
	Locked    map[string]int `json:"locked"`
	Truncated bool           `json:"truncated"`
}

func (a *app) passwordStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [PERSON]", Short: "Show how the passwords stand, or one person's", Args: cobra.MaximumNArgs(1),
		Long: "Count an enterprise's passwords by state, with what failed and what to do about it;\n" +
			"or show one person's: the state, the attempts, the last error, when it is tried\nnext, and when it is replaced. PERSON is a key, a mail address or a user id.",
		Example: "  rollcall password status\n  rollcall password status ada@example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.of()
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.onePassword(cmd, c, path, args[0])
			}
			got, err := c.get(cmd.Context(), path+"/passwords/status", nil)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(got)
			}
			n, err := decode[passwordCounts](got)
			if err != nil {
				return err
			}
			return a.printCounts(cmd, c, path, n)
		},
	}
}

func (a *app) onePassword(cmd *cobra.Command, c *client, path, word string) error {
	key, err := c.whoIs(cmd.Context(), path, word)
	if err != nil {
		return err
	}
	got, r, err := c.passwordOf(cmd, path, key)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(got)
	}
	rows := append([][]string{{"person", named(r.Name, r.Mail, r.Person)}, {"key", r.Person}}, a.passwordRows(r)...)
	if err := a.table(nil, rows); err != nil {
		return err
	}
	a.sayRenew(r)
	return nil
}

// sayRenew says what to do about a password that was given up, where it is not
// offered again by itself.
func (a *app) sayRenew(r passwordRow) {
	if r.State == password.Failed && r.Reason != password.ReasonUnknownPerson && r.Reason != password.ReasonPersonAway {
		a.say("When the cause is mended: %s", a.command("password renew %s", r.Person))
	}
}

// passwordRows says how one password stands.
func (a *app) passwordRows(r passwordRow) [][]string {
	rows := [][]string{{"password", a.standing(r)}}
	if r.State == password.None {
		return rows
	}
	add := func(when bool, name, value string) {
		if when {
			rows = append(rows, []string{"  " + name, value})
		}
	}
	add(r.Locked != "", "LOCKED", because(r.Locked, r.LockedText))
	add(r.Reason != "", "why", because(r.Reason, r.ReasonText))
	add(true, "version", r.version())
	add(r.tries() != "", "attempts", r.tries())
	add(r.Last != "", "last error", because(r.Last, r.LastText))
	add(r.Last != "" && !r.LastAt.IsZero(), "  at", a.both(r.LastAt))
	add((r.State == password.Pending || r.State == password.Retry) && !r.NextAt.IsZero(), "next try", a.both(r.NextAt))
	add(!r.SetAt.IsZero(), "set", a.both(r.SetAt))
	if r.State == password.Active {
		replaced := "never by itself"
		if !r.RotateAt.IsZero() {
			replaced = a.both(r.RotateAt)
		}
		add(true, "replaced", replaced)
	}
	add(r.Account != "", "Google account", r.Account)
	return rows
}

func (a *app) printCounts(cmd *cobra.Command, c *client, path string, n passwordCounts) error {
	more := ""
	if n.Truncated {
		more = "+"
	}
	var rows [][]string
	for _, s := range append(slices.Clone(passwordStates), unknownStates(n.ByState)...) {
		if n.ByState[s] > 0 {
			rows = append(rows, []string{string(s), strconv.Itoa(n.ByState[s]) + more, n.meaning(s)})
		}
	}
	if len(rows) == 0 {
		if _, err := c.get(cmd.Context(), path+"/password-policy", nil); err != nil {
			return a.withoutPolicy(err)
		}
		a.say("Nobody needed a password yet: one is made when a device gets a mail setting that signs in with it.")
		return nil
	}
	if err := a.table([]string{"STATE", "PEOPLE", "MEANING"}, rows); err != nil {
		return err
	}
	if n.Truncated {
		a.say("There are more people than were counted.")
	}
	if _, err := c.get(cmd.Context(), path+"/password-policy", nil); err != nil && asFailure(err).reason == noPolicy {
		a.say("The policy was removed, so none of them is sent, renewed or replaced. To begin again: %s", a.command("password policy --length 16"))
	}
	if err := a.reasons("NOT TO BE OPENED BECAUSE", n.Locked, more); err != nil {
		return err
	}
	if len(n.ByReason) == 0 {
		return nil
	}
	if err := a.reasons("FAILED BECAUSE", n.ByReason, more); err != nil {
		return err
	}
	a.say("Who they are: %s", a.command("password list --state failed"))
	return nil
}

// reasons is a table of what ails how many, the most first; nothing where nothing does.
func (a *app) reasons(title string, people map[string]int, more string) error {
	if len(people) == 0 {
		return nil
	}
	var rows [][]string
	for _, word := range slices.SortedFunc(maps.Keys(people), func(x, y string) int {
		return cmp.Or(people[y]-people[x], cmp.Compare(x, y))
	}) {
		rows = append(rows, []string{word, strconv.Itoa(people[word]) + more, password.Text(word)})
	}
	if err := a.print(""); err != nil {
		return err
	}
	return a.table([]string{title, "PEOPLE", "WHAT TO DO"}, rows)
}

// meaning says what a state means for those who are in it.
func (n passwordCounts) meaning(s password.State) string {
	switch others := n.ByState[s]; {
	case s == password.Pending && n.Waiting == others:
		return "made, and goes to Google when a device of the person checks in"
	case s == password.Pending && n.Waiting > 0:
		return fmt.Sprintf("%s; %d until a device of the person checks in", stateWords[s], n.Waiting)
	case s == password.Retry && n.Deferred > 0:
		return fmt.Sprintf("%s; %d because Google could not be asked", stateWords[s], n.Deferred)
	}
	return stateWords[s]
}

func unknownStates(n map[password.State]int) (left []password.State) {
	for _, s := range slices.Sorted(maps.Keys(n)) {
		if !slices.Contains(passwordStates, s) {
			left = append(left, s)
		}
	}
	return left
}

// noPolicy is the server's word for an enterprise without a password policy.
const noPolicy = "password-policy-missing"

// withoutPolicy puts into a refusal what it means that there is none.
func (a *app) withoutPolicy(err error) error {
	f := asFailure(err)
	if f == nil || f.reason != noPolicy {
		return err
	}
	return failf(f.code, "%s has no password policy: no passwords are generated for its people, and mail settings that need them are refused. To begin with the defaults: %s",
		a.enterprise, a.command("password policy --length 16"))
}
