package main

import (
	"context"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

const (
	// A run is looked at soon after it was started, then ever more rarely.
	watchFirst, watchEvery = 250 * time.Millisecond, 2 * time.Second
	// untaken is how long a run may take to appear: the function that does the work
	// is started by an event, cold at worst.
	untaken = 2 * time.Minute
	// slow is when that is worth a word.
	slow = 10 * time.Second
)

// followRun waits until a run is over or waits for an admin, and returns it with the
// server's own words. A server that is away for a while is waited for.
func (a *app) followRun(ctx context.Context, c *client, path, id string) (directory.Run, []byte, error) {
	bar := a.newProgress(id)
	defer bar.clear()
	var waited time.Duration
	for pause := watchFirst; ; pause = min(2*pause, watchEvery) {
		got, err := c.get(ctx, path+"/runs/"+segment(id), nil)
		var run directory.Run
		if err == nil {
			run, err = decode[directory.Run](got)
		}
		switch {
		case ctx.Err() != nil:
			return run, nil, a.leave(ctx, bar, id)
		case err == nil && (run.Phase.Ended() || run.Phase == directory.Quarantined):
			return run, got, nil
		case err == nil:
			bar.show(run)
		case asFailure(err).code == exitNotFound && waited < untaken:
			if a.screen || waited > slow {
				bar.say("waiting for the function directorysync")
			}
		case asFailure(err).code == exitNotFound:
			return run, nil, failf(exitUnavailable,
				"nothing took the run %s up within %v; is the function directorysync running? Look at: rollcall dead-letter list", id, untaken)
		case asFailure(err).code == exitUnavailable:
			bar.say("waiting for the server")
		default:
			return run, nil, err
		}
		if a.wait(ctx, pause) != nil {
			return run, nil, a.leave(ctx, bar, id)
		}
		waited += pause
	}
}

// leave says that a run goes on without whoever waited for it.
func (a *app) leave(ctx context.Context, bar *progress, id string) error {
	bar.clear()
	a.say("The run %s goes on. How it stands: %s", id, a.hint("status"))
	return ctx.Err()
}

// progress tells a person at a terminal how far a run is, and elsewhere nothing but
// for what it waits.
type progress struct {
	app   *app
	bar   *progressbar.ProgressBar
	what  string
	total int
}

func (a *app) newProgress(id string) *progress {
	p := &progress{app: a}
	if !a.screen {
		a.say("Waiting for the run %s ...", id)
	}
	return p
}

var phaseWords = map[directory.Phase]string{
	directory.Planned: "beginning", directory.Collecting: "reading the directory", directory.Comparing: "comparing",
	directory.Confirming: "confirming who is absent", directory.Applying: "applying", directory.Finishing: "finishing",
}

// show tells of the run.
func (p *progress) show(run directory.Run) {
	if run.Reason != "" {
		p.say("waiting: " + run.Reason + ", " + run.Advice)
		return
	}
	done, total := 0, 0
	switch run.Phase {
	case directory.Confirming:
		done, total = run.Confirmed, run.Parts
	case directory.Applying:
		done, total = run.Applied, run.Parts
	}
	p.draw(phaseWords[run.Phase], done, total)
}

// say tells one thing, in words, once.
func (p *progress) say(what string) {
	if !p.app.screen && what != p.what {
		p.what = what
		p.app.say("%s", clean(what))
		return
	}
	p.draw(what, 0, 0)
}

// draw shows a bar of total parts, or where total is 0 that something is going on.
func (p *progress) draw(what string, done, total int) {
	if !p.app.screen {
		return
	}
	if p.bar == nil || what != p.what || total != p.total {
		p.clear()
		p.what, p.total = what, total
		options := []progressbar.Option{
			progressbar.OptionSetWriter(p.app.errs), progressbar.OptionSetDescription(clean(what)),
			progressbar.OptionSetWidth(30), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetPredictTime(false),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true),
		}
		n := -1
		if total > 0 {
			n, options = total, append(options, progressbar.OptionShowCount())
		}
		p.bar = progressbar.NewOptions(n, options...)
	}
	if total > 0 {
		_ = p.bar.Set(done)
		return
	}
	_ = p.bar.Add(1)
}

// clear takes the bar from the screen.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// took says how long a run took.
func took(run directory.Run) string {
	if run.EndedAt.IsZero() {
		return ""
	}
	d := run.EndedAt.Sub(run.StartedAt)
	if d < time.Second {
		return "1s"
	}
	return fmt.Sprint(span(d))
}
