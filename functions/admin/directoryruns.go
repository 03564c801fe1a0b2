package admin

import (
	"context"
	"net/http"

	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

var runPattern = pattern.New(`^[a-z2-7]{26}$`)

// run returns the run that the path names.
func (o *Office) run(r *request) (directory.Run, error) {
	e, err := o.enterprise(r)
	if err != nil {
		return directory.Run{}, err
	}
	id := r.PathValue("id")
	if !runPattern.MatchString(id) {
		return directory.Run{}, missing("directory run", id)
	}
	run, err := o.DB.Run(r.Context(), id)
	if err == nil && run.Enterprise != e.ID {
		err = missing("directory run", id)
	}
	return run, err
}

func (o *Office) showRun(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	run, err := o.run(r)
	if err != nil {
		return err
	}
	return answer(r, viewRun(run))
}

// answer replies with v, its counts in order of their words, so that replies can be
// compared.
func answer(r *request, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusOK, jsontext.Value(b))
}

// viewRun leaves out what is for the machine alone, and digests of passwords.
func viewRun(run directory.Run) directory.Run {
	run.Cursor = ""
	run.Sample = slices.Clone(run.Sample)
	for i := range run.Sample {
		run.Sample[i] = viewEntry(run.Sample[i])
	}
	return run
}

func viewEntry(e person.Entry) person.Entry {
	e.Hash = ""
	return e
}

// listRuns lists an enterprise's last runs, newest first.
func (o *Office) listRuns(r *request) error {
	if err := r.accept("limit"); err != nil {
		return err
	}
	p, err := r.page()
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	if r.query("limit") == "" {
		p.Limit = 20
	}
	runs, err := o.lastRuns(r.Context(), e.ID, p.Limit)
	if err != nil {
		return err
	}
	if runs == nil {
		runs = []directory.Run{}
	}
	return answer(r, page[directory.Run]{Items: runs})
}

// lastRuns returns the last n runs, newest first. The store lists by time
// forwards, so it looks back a day, then four, sixteen and so on.
func (o *Office) lastRuns(ctx context.Context, enterprise string, n int) ([]directory.Run, error) {
	for days := 1; ; days *= 4 {
		since := o.Now().AddDate(0, 0, -days)
		if days > 1000 {
			since = time.Time{}
		}
		runs, err := o.runsSince(ctx, enterprise, since, n)
		if err != nil || len(runs) == n || since.IsZero() {
			slices.Reverse(runs)
			return runs, err
		}
	}
}

// runsSince returns the last n runs since a moment, oldest first.
func (o *Office) runsSince(ctx context.Context, enterprise string, since time.Time, n int) (runs []directory.Run, err error) {
	p := record.Page{Limit: maxLimit}
	for {
		page, next, err := o.DB.Runs(ctx, enterprise, since, p)
		if err != nil {
			return nil, err
		}
		for _, run := range page {
			runs = append(runs, viewRun(run))
		}
		runs = slices.Clone(runs[max(0, len(runs)-n):])
		if p.Next = next; next == "" {
			return runs, nil
		}
	}
}
