package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
)

// effects are what a changed policy means, in the order of a report.
var effects = []struct {
	effect    password.Effect
	one, many string
}{
	{password.TooOld, "password is older than the policy allows, and is replaced", "passwords are older than the policy allows, and are replaced"},
	{password.TooShort, "password is shorter than the policy asks for, and is replaced", "passwords are shorter than the policy asks for, and are replaced"},
	{password.UsedUp, "password has had all the attempts that the policy allows, and fails until it is renewed", "passwords have had all the attempts that the policy allows, and fail until they are renewed"},
	{password.Moved, "password is replaced at another time than before, or no longer", "passwords are replaced at another time than before, or no longer"},
	{password.Unaffected, "password is not affected", "passwords are not affected"},
}

func (a *app) printPolicy(body []byte) error {
	if a.json {
		return a.printJSON(body)
	}
	r, err := decode[policyReply](body)
	if err != nil {
		return err
	}
	return a.table(nil, a.policyRows(r.Policy))
}

func (a *app) policyRows(p password.Policy) [][]string {
	rotation, loss := "never", "no"
	if p.RotateDays > 0 {
		rotation = "after " + plural(p.RotateDays, "day") + ", give or take a tenth"
	}
	if p.RotateOnLoss {
		loss = "yes"
	}
	rows := [][]string{
		{"enterprise", p.Enterprise}, {"length", plural(p.Length, "character")}, {"replaced", rotation},
		{"  when a device is lost", loss},
		{"given up after", plural(p.MaxAttempts, "attempt") + " that Google refused"},
		{"  or", plural(p.DeferralHours, "hour") + " in which Google could not be asked"},
	}
	if !p.UpdatedAt.IsZero() {
		rows = append(rows, []string{"changed", a.both(p.UpdatedAt) + " by " + p.UpdatedBy})
	}
	return rows
}

// printPolicyChange prints the policy as it is or would be, and says what that means.
func (a *app) printPolicyChange(body []byte, dryRun bool) error {
	if a.json {
		return a.printJSON(body)
	}
	r, err := decode[policyReply](body)
	if err != nil {
		return err
	}
	if dryRun {
		r.Policy.UpdatedAt = time.Time{} // it is not stored
	}
	if err := a.table(nil, a.policyRows(r.Policy)); err != nil {
		return err
	}
	if !r.Changed {
		a.say("That is the policy already; nothing changes.")
		return nil
	}
	if err := a.print("\n%s", strings.Join(effectLines(r), "\n")); err != nil {
		return err
	}
	if dryRun {
		a.say("Nothing was stored; without --dry-run it is.")
		return nil
	}
	a.say("Stored. How the passwords stand: %s", a.command("password status"))
	return nil
}

// effectLines says what a policy does to the passwords there are.
func effectLines(r policyReply) (lines []string) {
	more := ""
	if r.Truncated {
		more = "+"
	}
	left := maps.Clone(r.Effects)
	for _, e := range effects {
		n := left[e.effect]
		delete(left, e.effect)
		switch {
		case n == 1 && !r.Truncated:
			lines = append(lines, "  1 "+e.one)
		case n > 0:
			lines = append(lines, fmt.Sprintf("  %d%s %s", n, more, e.many))
		}
	}
	for _, e := range slices.Sorted(maps.Keys(left)) {
		lines = append(lines, fmt.Sprintf("  %d%s %s", left[e], more, e))
	}
	due := r.Effects[password.TooOld] + r.Effects[password.TooShort]
	switch {
	case len(lines) == 0:
		return []string{"There are no passwords yet, so none is affected."}
	case due == 0:
		return append([]string{"No password becomes due:"}, lines...)
	}
	head := fmt.Sprintf("%d%s %s due, spread over the next %s:", due, more, become(due), spreadOver(r.Policy))
	return append([]string{head}, lines...)
}

func become(n int) string {
	if n == 1 {
		return "password becomes"
	}
	return "passwords become"
}

// spreadOver says over what time what became due is spread.
func spreadOver(p password.Policy) string {
	d := max(24*time.Hour, p.Rotation()/10)
	if d%(24*time.Hour) != 0 {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return strings.TrimPrefix(plural(int(d/(24*time.Hour)), "day"), "1 ")
}
