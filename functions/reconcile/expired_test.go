package reconcile_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/audit"
	rules "github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// silent is a Google that has nothing to tell.
type silent struct{}

func (silent) PullNotifications(context.Context) (play.Notifications, error) {
	return play.Notifications{}, nil
}
func (silent) Acknowledge(context.Context, string) error { return nil }

// TestReconcile_DropsWhatExpired: audit records live as long as the setting says and
// directory runs 90 days, on a store that does not drop them by itself.
func TestReconcile_DropsWhatExpired(t *testing.T) {
	t.Parallel()
	file, err := embedded.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	n := 0
	db := record.New(store.Count(file), func() string { n++; return fmt.Sprintf("a%06d", n) }).KeepAudit(100 * 24 * time.Hour)
	err = db.Update(t.Context(), func(tx *record.Tx) error {
		for i := range 250 {
			if err := tx.Audit(audit.Record{Enterprise: "acme", At: noon.Add(time.Duration(i) * time.Second)}); err != nil {
				return err
			}
		}
		if err := tx.Audit(audit.Record{Enterprise: "acme", At: noon.AddDate(0, 0, 50)}); err != nil {
			return err
		}
		return tx.PutRun(rules.Run{ID: "run", Enterprise: "acme", StartedAt: noon})
	})
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	s := &reconcile.Sweeper{DB: db, Google: silent{}, Now: func() time.Time { return now }, Log: log}
	s.Settler = &access.Settler{DB: db, Now: s.Now, Log: log}
	trail := func() int {
		rs, _, err := db.Audit(t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(rs)
	}
	for _, step := range []struct {
		days, trail int
		run         bool
	}{{0, 251, true}, {89, 251, true}, {91, 251, false}, {101, 1, false}, {151, 0, false}} {
		now = noon.AddDate(0, 0, step.days)
		if err := s.Handle(t.Context(), event.Event{Topic: event.Reconcile}); err != nil {
			t.Fatal(err)
		}
		_, err := db.Run(t.Context(), "run")
		if got := trail(); got != step.trail || (fault.KindOf(err) == fault.NotFound) == step.run {
			t.Errorf("after %d days: %d audit records and the run %v; want %d and the run kept %v", step.days, got, err, step.trail, step.run)
		}
	}
}
