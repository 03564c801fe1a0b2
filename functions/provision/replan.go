package provision

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// replan brings a page of an enterprise's passwords in line with its policy as it is
// by now. What it makes of a row is a function of row and policy, so any number of
// these commands end as the last policy says.
func (w *Worker) replan(ctx context.Context, cmd workflow.Command) error {
	plan := func(l password.Ledger) (password.Ledger, password.Effect) { return l.Unplan(w.Now().UTC()) }
	p, err := w.DB.PasswordPolicy(ctx, cmd.Enterprise) // before the rows, see planned
	switch {
	case err == nil:
		plan = func(l password.Ledger) (password.Ledger, password.Effect) { return l.Replan(w.Now().UTC(), p) }
	case known(err) != nil:
		return err
	}
	revision, cursor := p.Revision, ""
	if cmd.Next != "" {
		if revision, cursor, err = walk(cmd.Next); err != nil {
			return err
		}
	}
	rows, damaged, next, err := w.DB.EveryPassword(ctx, cmd.Enterprise, record.Page{Next: cursor, Limit: scanSize})
	if err != nil {
		return err
	}
	w.damaged(ctx, cmd, "passwords", damaged)
	var keys []string
	for _, l := range rows {
		if planned, _ := plan(l); planned != l {
			keys = append(keys, l.Person)
		}
	}
	effects := map[password.Effect]int{}
	err = w.items(ctx, cmd, "person:", keys, func(ctx context.Context, cmd workflow.Command, key string) error {
		effect, err := w.replanPerson(ctx, cmd, key)
		if err == nil {
			effects[effect]++
		}
		return err
	})
	w.Log.LogAttrs(ctx, slog.LevelInfo, "passwords replanned", slog.String("enterprise", cmd.Enterprise), slog.Int("read", len(rows)),
		slog.Int("moved", effects[password.Moved]), slog.Int("tooOld", effects[password.TooOld]),
		slog.Int("tooShort", effects[password.TooShort]), slog.Int("usedUp", effects[password.UsedUp]), slog.Bool("failed", err != nil))
	switch {
	case err != nil:
		return err
	case next != "":
		cmd.Next = fmt.Sprintf("%d_%s", revision, next)
		return w.goOn(ctx, cmd)
	}
	return w.planned(ctx, cmd, revision)
}

// walk reads a replan's Next: the revision of the policy that the walk over all
// passwords began with, and where it goes on.
func walk(next string) (revision int, cursor string, err error) {
	number, cursor, _ := strings.Cut(next, "_")
	if revision, err = strconv.Atoi(number); err != nil || cursor == "" {
		return 0, "", fault.Field("next", "give the next value of the page before, unchanged")
	}
	return revision, cursor, nil
}

// planned notes that a walk is through, in the trail, and in the policy unless it is
// another than the one that the walk began with: that one has a walk of its own.
func (w *Worker) planned(ctx context.Context, cmd workflow.Command, revision int) error {
	return w.DB.Update(ctx, func(tx *record.Tx) error {
		p, err := tx.PasswordPolicy(cmd.Enterprise)
		if known(err) != nil {
			return err
		}
		if err == nil && p.Revision == revision && !p.ReplanAt.IsZero() {
			p.ReplanAt = time.Time{}
			if err := tx.PutPasswordPolicy(p); err != nil {
				return err
			}
		}
		return tx.Audit(w.note(cmd, "enterprise:"+cmd.Enterprise, audit.OK))
	})
}

// replanPerson replans one row by the policy of that very moment: by one that was
// read before, a command that is late could have the last word.
func (w *Worker) replanPerson(ctx context.Context, cmd workflow.Command, key string) (effect password.Effect, err error) {
	err = w.DB.Update(ctx, func(tx *record.Tx) error {
		effect = password.Unaffected
		l, err := tx.Password(cmd.Enterprise, key)
		if err != nil {
			return err
		}
		p, err := tx.PasswordPolicy(cmd.Enterprise)
		off := fault.KindOf(err) == fault.NotFound
		if err != nil && !off {
			return err
		}
		var planned password.Ledger
		if planned, effect = l.Replan(w.Now().UTC(), p); off {
			planned, effect = l.Unplan(w.Now().UTC())
		}
		if planned == l {
			return nil
		}
		if err := tx.PutPassword(planned); err != nil || planned.State != password.Failed {
			return err
		}
		return tx.Audit(w.note(cmd, "person:"+key, planned.Reason))
	})
	return effect, err
}
