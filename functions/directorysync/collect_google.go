package directorysync

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// maxRestarts is how often a slice begins the walk anew because Google does not
// take its own page token.
const maxRestarts = 2

// collectGoogle lists Google's users, each page being a step that is not repeated.
func (s *slice) collectGoogle(ctx context.Context) error {
	l, err := s.googleLister(ctx)
	if err != nil {
		return err
	}
	g, token, err := s.resumeGoogle(ctx)
	if err != nil {
		return err
	}
	client, err := s.Google(ctx, s.config)
	if err != nil {
		return err
	}
	for restarts := 0; ; {
		switch {
		case s.over():
			return errHandOn
		case g.pages >= maxPages:
			return fault.New(fault.Permanent, "endless-list", "Google's list of users does not end")
		}
		at := s.Now()
		page, err := client.List(ctx, token, listOptions(s.config))
		if fault.ReasonOf(err) == workspace.ReasonPageToken && restarts < maxRestarts {
			restarts++
			g, token = &gathered{room: s.room()}, ""
			continue
		}
		if err != nil {
			return err
		}
		pages := l.pages(page, g.pages, at)
		token = page.Next
		err = s.store(ctx, g, pages, func(r *directory.Run) { r.Counts.GooglePages = g.pages })
		if err != nil || token == "" {
			return err
		}
	}
}

// resumeGoogle takes in the pages that this run has already, and returns the token
// of the page behind them.
func (s *slice) resumeGoogle(ctx context.Context) (g *gathered, token string, err error) {
	g = &gathered{room: s.room()}
	if s.run.Slices < 2 {
		return g, "", nil
	}
	var last time.Time
	for {
		p, err := s.DB.DirectoryPage(ctx, s.run.Enterprise, directory.FromGoogle, g.pages)
		if fault.KindOf(err) == fault.NotFound {
			return g, token, nil
		}
		if err != nil {
			return g, "", err
		}
		// An earlier walk of the same run, given up for its page token, has older
		// pages behind those of the present one.
		if p.Run != s.run.ID || p.At.Before(last) {
			return g, token, nil
		}
		if err := g.add(p); err != nil {
			return g, "", err
		}
		token, last = p.Next, p.At
	}
}

func listOptions(c directory.Config) workspace.ListOptions {
	opt := workspace.ListOptions{Scope: workspace.Scope{Domain: c.Google.Domain}}
	if len(c.Google.OrgUnits) == 1 {
		opt.OrgUnit = c.Google.OrgUnits[0]
	}
	return opt
}

// lister makes pages of what Google lists.
type lister struct {
	*slice
	before   directory.Manifest
	interest map[[8]byte]bool
}

func (s *slice) googleLister(ctx context.Context) (lister, error) {
	before, err := s.manifest(ctx, directory.FromGoogle)
	if err != nil {
		return lister{}, err
	}
	in, err := s.interest(ctx)
	return lister{s, before, in}, err
}

// pages cuts Google's page into documents; as a rule it is one.
func (l lister) pages(page workspace.Page, first int, at time.Time) []directory.Page {
	p := directory.Page{Run: l.run.ID, Source: directory.FromGoogle, Next: page.Next, Last: page.Next == "", At: at}
	rows := make([]directory.Row, 0, len(page.Users))
	for _, u := range page.Users {
		g := accountOf(u)
		switch {
		case g.ID == "":
			p.Unidentified++
			continue
		case !l.config.InScope(g):
			p.Excluded++
			continue
		}
		row := l.rowOf(g)
		rows = append(rows, row)
		if l.before.Unchanged(row) && !l.concerns(row, g) {
			continue
		}
		if l.config.Mode == directory.GoogleOnly {
			p.Entries = append(p.Entries, directory.EntryOf(g))
		} else {
			p.Google = append(p.Google, g)
		}
	}
	return sheets(p, rows, first)
}

func (s *slice) rowOf(g person.Google) directory.Row {
	if s.config.Mode == directory.GoogleOnly {
		return directory.RowOfEntry(s.config.Enterprise, directory.EntryOf(g))
	}
	return directory.RowOfGoogle(s.config.Enterprise, g)
}

func (l lister) concerns(r directory.Row, g person.Google) bool {
	if len(l.interest) == 0 {
		return false
	}
	if l.interest[r.Mail] {
		return true
	}
	for _, a := range g.Aliases {
		if l.interest[directory.MailHash(a)] {
			return true
		}
	}
	return false
}
