package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// personRow is what is shown of a person.
type personRow struct {
	person.Person
	Access   person.Access `json:"access"`
	Devices  []deviceRow   `json:"devices"`
	Accounts []accountRow  `json:"accounts"`
}

// settled says whether devices and accounts have the access that the state grants.
func (p personRow) settled() string {
	if p.Settled == p.Access {
		return string(p.Access)
	}
	return string(p.Settled) + ", being made " + string(p.Access)
}

func (a *app) people() *cobra.Command {
	var p pager
	var state, mail, login string
	cmd := &cobra.Command{
		Use: "people [PERSON]", Short: "List the people of an enterprise, or show or label one", Args: cobra.MaximumNArgs(1),
		Long: "List the people of an enterprise, or show one: the Google account, problems, whether\ndevices and accounts are as they should be, and when accounts are deleted.\n" +
			"PERSON is a key, a mail address or a user id.",
		Example: "  rollcall directory people --state leaving\n  rollcall directory people ada@example.com",
	}
	cmd.AddCommand(a.peopleLabel())
	cmd.Flags().StringVar(&state, "state", "", "only people in this `state`: active, disabled, missing, leaving or gone")
	cmd.Flags().StringVar(&mail, "mail", "", "only people with this `address`")
	cmd.Flags().StringVar(&login, "login", "", "only people with this user `id`")
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		if len(args) == 1 && (state != "" || mail != "" || login != "") {
			return usagef("name a person or give --state, --mail or --login, not both")
		}
		if len(args) == 1 {
			c, err := a.client()
			if err != nil {
				return err
			}
			key, err := c.whoIs(cmd.Context(), path, args[0])
			if err != nil {
				return err
			}
			return a.person(cmd, key)
		}
		none := "There are no people yet; they come with the first sync: " + a.hint("run")
		if state != "" || mail != "" || login != "" {
			none = "Nobody fits."
		}
		return show(cmd, a, &p, path+"/people", url.Values{"state": {state}, "mail": {mail}, "login": {login}}, none,
			[]string{"NAME", "MAIL", "LOGIN", "STATE", "SINCE", "GOOGLE", "LABELS", "PROBLEMS", "KEY"},
			func(p personRow) []string {
				state := string(p.State)
				if p.Settled != p.Access {
					state += " (settling)"
				}
				return []string{p.Entry.Name(), p.Entry.Mail, p.Entry.Login, state, a.ago(p.Since), accountWord(p.Google), join(p.Labels), join(p.Problems), p.Key}
			})
	}
	return cmd
}

// accountWord says in a few words which Google account there is.
func accountWord(g person.Google) string {
	switch {
	case g.ID == "":
		return "none"
	case g.Deleted:
		return "deleted"
	case g.Suspended == person.Yes:
		return "suspended"
	case g.Archived == person.Yes:
		return "archived"
	case g.CanSignIn():
		return "open"
	}
	return "unknown"
}

func (a *app) person(cmd *cobra.Command, key string) error {
	got, err := a.one(cmd, "/people/", key)
	if err != nil || a.json {
		return err
	}
	p, err := decode[personRow](got)
	if err != nil {
		return err
	}
	return a.table(nil, a.personRows(p))
}

func (a *app) personRows(p personRow) [][]string {
	e := p.Entry
	rows := [][]string{
		{"key", p.Key}, {"directory id", p.ID}, {"name", e.Name()}, {"mail", e.Mail}, {"aliases", join(e.Aliases)},
		{"login", e.Login}, {"labels", join(p.Labels)}, {"unit", e.Unit}, {"enabled", tri(e.Enabled)}, {"directory read", a.both(p.EntryAt)},
		{"state", string(p.State)}, {"  since", a.both(p.Since)}, {"access", p.settled()},
	}
	if p.Attempts > 0 {
		rows = append(rows, []string{"  tried in vain", plural(p.Attempts, "time")})
	}
	if !p.DeleteAt.IsZero() && p.State == person.Leaving {
		rows = append(rows, []string{"accounts deleted", a.both(p.DeleteAt)})
	}
	rows = append(rows, a.googleRows(p)...)
	for _, w := range p.Problems {
		rows = append(rows, []string{"problem", problemText(w)})
	}
	for _, d := range p.Devices {
		rows = append(rows, []string{"device", d.ID + ", " + d.state() + ", seen " + a.ago(d.LastSeen)})
	}
	for _, acct := range p.Accounts {
		rows = append(rows, []string{"Play account", acct.ID + ", " + acct.state()})
	}
	return rows
}

func (a *app) googleRows(p personRow) [][]string {
	g := p.Google
	if g.ID == "" {
		return [][]string{{"Google account", "none"}}
	}
	what := accountWord(g)
	if g.SuspendedByUs {
		what += " by Rollcall"
	}
	if g.Admin == person.Yes {
		what += ", an administrator"
	}
	rows := [][]string{
		{"Google account", g.Mail}, {"  id", g.ID}, {"  state", what}, {"  org unit", g.OrgUnit}, {"  Google asked", a.both(p.GoogleAt)},
	}
	if g.Owner == p.Key {
		rows = append(rows, []string{"  made by", "Rollcall"})
	}
	if !g.DeleteAt.IsZero() && !g.Deleted {
		rows = append(rows, []string{"  deleted", a.both(g.DeleteAt)})
	}
	return rows
}
