package main

import (
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// planRow is what the table shows of one person's part of a plan.
type planRow struct {
	directory.Item
	Changes []struct {
		Of, Field, From, To string
	} `json:"changes"`
}

// rows are one for each step.
func (i planRow) rows(result bool) [][]string {
	steps := i.Steps
	if len(steps) == 0 {
		steps = []directory.Step{{}}
	}
	var rows [][]string
	for _, s := range steps {
		text := why(s, i.Facts, i.Key)
		if s.Action == "" {
			text = i.whyNothing()
		}
		row := []string{named(i.Name, i.Mail, i.ID), string(s.Action), i.change(s), text}
		if result {
			row = append(row, i.result())
		}
		rows = append(rows, row)
	}
	return rows
}

// whyNothing says why a person is in the plan for whom nothing is to be done.
func (i planRow) whyNothing() string {
	switch {
	case i.Facts.EntryGone != directory.Listed:
		return findings[i.Facts.EntryGone]
	case i.Facts.Unclear:
		return problemWords[directory.ProblemSharedMail]
	case i.Facts.GoogleGone != directory.Listed:
		return "the Google account: " + findings[i.Facts.GoogleGone]
	}
	return ""
}

// change says from what to what a step leads.
func (i planRow) change(s directory.Step) string {
	switch s.Action {
	case directory.Leave, directory.Unlink, directory.CloseAccount, directory.DeleteAccount:
		return s.From // what To says, if anything, the why tells
	}
	var parts []string
	for _, f := range s.Fields {
		parts = append(parts, f+i.values(s, f))
	}
	if s.From != "" || s.To != "" {
		parts = append(parts, arrow(s.From, s.To))
	}
	return strings.Join(parts, "; ")
}

// values are a field's before and after, as far as the server told them.
func (i planRow) values(s directory.Step, field string) string {
	of := "google"
	if s.Action == directory.Update {
		of = "directory"
	}
	for _, c := range i.Changes {
		if c.Of == of && c.Field == field && (c.From != "" || c.To != "") {
			return " " + arrow(c.From, c.To)
		}
	}
	return ""
}

func arrow(from, to string) string {
	switch {
	case from == "":
		return "-> " + to
	case to == "":
		return from + " -> nothing"
	}
	return from + " -> " + to
}

func (i planRow) result() string {
	if i.Reason != "" {
		return string(i.Outcome) + " (" + i.Reason + ")"
	}
	return string(i.Outcome)
}
