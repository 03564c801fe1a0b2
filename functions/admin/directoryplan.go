package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// planItem is one person's part of a plan as admins see it.
type planItem struct {
	directory.Item
	// Changes say from what to what the fields of the steps change, as long as the
	// run has not applied them.
	Changes []fieldChange `json:"changes,omitempty"`
}

// maxParts bounds how many parts of a plan one request reads.
const maxParts = 100

// listPlan lists the items of a run's plan; with withdraws=yes those that take
// something from somebody, with withdraws=no the others.
func (o *Office) listPlan(r *request) error {
	p, err := r.page("withdraws")
	if err != nil {
		return err
	}
	want := r.query("withdraws")
	if want != "" && want != "yes" && want != "no" {
		return fault.Field("withdraws", "give yes or no")
	}
	run, err := o.run(r)
	if err != nil {
		return err
	}
	at, err := parsePlace(p.Next)
	if err != nil {
		return err
	}
	keep := func(i directory.Item) bool { return want == "" || withdraws(run, i) == (want == "yes") }
	found, next, err := o.plan(r.Context(), run, at, p.Limit, keep)
	if err != nil {
		return err
	}
	items := make([]planItem, len(found))
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(8)
	for i, item := range found {
		items[i].Item = viewItem(item)
		if needsRow(item) {
			g.Go(func() error {
				row, err := o.DB.Person(ctx, item.Key)
				if fault.KindOf(err) == fault.NotFound {
					return nil
				}
				items[i].Changes = changesOf(row, item)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return answer(r, page[planItem]{Items: items, Next: next})
}

// withdraws reports whether an item takes something from the person, or may: who was
// not listed is asked for after the guard only.
func withdraws(run directory.Run, i directory.Item) bool {
	if i.Facts.EntryGone == directory.Unlisted && run.Incomplete == "" {
		return true
	}
	return slices.ContainsFunc(i.Steps, func(s directory.Step) bool { return s.Action.Withdraws() })
}

// place is where in a plan a page begins.
type place struct{ part, item int }

func parsePlace(s string) (at place, err error) {
	if s == "" {
		return at, nil
	}
	part, item, _ := strings.Cut(s, ".")
	at.part, err = strconv.Atoi(part)
	if err == nil {
		at.item, err = strconv.Atoi(item)
	}
	if err != nil || at.part < 0 || at.item < 0 || at.item > directory.PartItems {
		return at, fault.Field("next", "give the next value of the page before, unchanged")
	}
	return at, nil
}

// plan returns up to limit items from a place on, and where the next page begins.
func (o *Office) plan(ctx context.Context, run directory.Run, at place, limit int, keep func(directory.Item) bool) (items []directory.Item, next string, err error) {
	for read := 0; at.part < run.Parts; read++ {
		if read == maxParts {
			return items, fmt.Sprintf("%d.%d", at.part, at.item), nil
		}
		part, err := o.DB.Part(ctx, run.ID, at.part)
		if fault.KindOf(err) == fault.NotFound {
			return nil, "", fault.New(fault.NotFound, "plan-gone", "the plan of the run %s is no longer kept", run.ID)
		}
		if err != nil {
			return nil, "", err
		}
		for ; at.item < len(part.Items); at.item++ {
			if !keep(part.Items[at.item]) {
				continue
			}
			if len(items) == limit {
				return items, fmt.Sprintf("%d.%d", at.part, at.item), nil
			}
			items = append(items, part.Items[at.item])
		}
		at = place{part: at.part + 1}
	}
	return items, "", nil
}

// viewItem leaves digests of passwords out.
func viewItem(i directory.Item) directory.Item {
	if e := i.Facts.Entry; e != nil {
		v := viewEntry(*e)
		i.Facts.Entry = &v
	}
	if g := i.Facts.Google; g != nil {
		v := viewGoogle(*g)
		i.Facts.Google = &v
	}
	return i
}

func viewGoogle(g person.Google) person.Google {
	g.Hash = ""
	return g
}
