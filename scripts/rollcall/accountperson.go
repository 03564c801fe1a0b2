package main

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// googleNow is what Google says of a person's account when it is asked.
type googleNow struct {
	Found             bool       `json:"found"`
	AskedBy           string     `json:"askedBy"`
	ID                string     `json:"id"`
	PrimaryEmail      string     `json:"primaryEmail"`
	Aliases           []string   `json:"aliases"`
	Suspended         person.Tri `json:"suspended"`
	SuspensionReason  string     `json:"suspensionReason"`
	Archived          person.Tri `json:"archived"`
	Admin             person.Tri `json:"admin"`
	ChangeAtNextLogin person.Tri `json:"changePasswordAtNextLogin"`
	OrgUnitPath       string     `json:"orgUnitPath"`
	CreatedAt         time.Time  `json:"createdAt"`
	LastLoginAt       time.Time  `json:"lastLoginAt"`
	Matches           bool       `json:"matches"`
	Differences       []string   `json:"differences"`
	Reason            string     `json:"reason"`
	ReasonText        string     `json:"reasonText"`
}

// personAccounts is what there is to know of a person's accounts; --json prints it.
// Of Google there is either what it says or why that could not be read.
type personAccounts struct {
	Person      json.RawMessage `json:"person"`
	Password    json.RawMessage `json:"password"`
	Google      json.RawMessage `json:"google,omitempty"`
	GoogleError string          `json:"googleError,omitempty"`
}

// personsAccounts shows the accounts of the person whom a word names.
func (a *app) personsAccounts(cmd *cobra.Command, c *client, path, word string) error {
	key, err := c.whoIs(cmd.Context(), path, word)
	if err != nil {
		return err
	}
	var all personAccounts
	if all.Person, err = c.get(cmd.Context(), path+"/people/"+segment(key), nil); err != nil {
		return err
	}
	p, err := decode[personRow](all.Person)
	if err != nil {
		return err
	}
	var pass passwordRow
	if all.Password, pass, err = c.passwordOf(cmd, path, key); err != nil {
		return err
	}
	var g googleNow
	all.Google, err = c.get(cmd.Context(), path+"/people/"+segment(key)+"/google", nil)
	switch {
	case cmd.Context().Err() != nil:
		return err
	case err != nil: // the rest is worth showing all the same
		all.GoogleError = asFailure(err).text
	default:
		if g, err = decode[googleNow](all.Google); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(all)
	}
	rows := [][]string{
		{"person", named(p.Entry.Name(), p.Entry.Mail, p.ID)}, {"  key", p.Key}, {"  state", string(p.State) + " since " + a.both(p.Since)}, {"  access", p.settled()},
	}
	if len(p.Accounts) == 0 {
		rows = append(rows, []string{"Play account", "none; it is made when a device first asks for it"})
	}
	for _, acct := range p.Accounts {
		rows = append(rows, []string{"Play account", acct.ID}, []string{"  state", acct.state()},
			[]string{"  name on devices", acct.Name}, []string{"  devices", strconv.Itoa(acct.Devices)})
	}
	rows = append(rows, a.passwordRows(pass)...)
	if err := a.table(nil, append(rows, a.googleNowRows(g, all.GoogleError)...)); err != nil {
		return err
	}
	a.sayRenew(pass)
	return nil
}

// googleNowRows says what Google says now.
func (a *app) googleNowRows(g googleNow, failed string) [][]string {
	switch {
	case failed != "":
		return [][]string{{"Google account", "not known now: " + failed}}
	case !g.Found:
		return [][]string{{"Google account", "none: " + because(g.Reason, g.ReasonText)}}
	}
	state := "open"
	switch {
	case g.Suspended == person.Yes:
		state = "suspended"
		if g.SuspensionReason != "" {
			state += " (" + g.SuspensionReason + ")"
		}
	case g.Archived == person.Yes:
		state = "archived"
	case g.Suspended != person.No:
		state = "not told"
	}
	if g.Admin == person.Yes {
		state += ", an administrator"
	}
	rows := [][]string{{"Google account", g.PrimaryEmail + ", as Google says now"}, {"  id", g.ID}, {"  state", state}}
	if len(g.Aliases) > 0 {
		rows = append(rows, []string{"  aliases", join(g.Aliases)})
	}
	rows = append(rows, []string{"  org unit", g.OrgUnitPath}, []string{"  created", a.both(g.CreatedAt)}, []string{"  last sign-in", a.both(g.LastLoginAt)})
	if g.ChangeAtNextLogin == person.Yes {
		rows = append(rows, []string{"  password", "must be changed at the next sign-in"})
	}
	if g.Matches {
		return append(rows, []string{"  as Rollcall has it", "yes"})
	}
	for _, d := range g.Differences {
		rows = append(rows, []string{"  DIFFERS", d})
	}
	if g.AskedBy == "address" {
		rows = append(rows, []string{"  found by", "the directory's address; Rollcall has not joined it with the person yet"})
	}
	return rows
}
