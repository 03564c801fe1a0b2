package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/dispatch"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type told []string

func (t *told) Publish(_ context.Context, topic event.Topic, data []byte) (string, error) {
	n, err := password.ParseNudge(data)
	if topic != event.Password {
		err = errors.Join(err, errors.New("the topic is another"))
	}
	*t = append(*t, n.Person)
	return "id", err
}

// TestOffer: of all rows those that are due and that nobody has are told of or
// postponed, by what they are in the store and not by what the caller read; the
// function passwordsweep shows it for many.
func TestOffer(t *testing.T) {
	t.Parallel()
	due := password.Ledger{Person: "p", Enterprise: "acme", State: password.Pending, Version: 1, NextAt: noon}
	with := func(change func(*password.Ledger)) password.Ledger {
		l := due
		change(&l)
		return l
	}
	leased := with(func(l *password.Ledger) {
		l.State, l.NextAt, l.Until = password.Leased, time.Time{}, noon.Add(time.Minute)
	})
	for _, tc := range []struct {
		name         string
		read, stored password.Ledger
		busy         time.Duration // for how long others have places
		want         dispatch.Summary
		until        time.Time // Due afterwards
	}{
		{"due", due, due, 0, dispatch.Summary{Told: 1}, noon.Add(password.TurnTime)},
		{"due, behind others of the minute", due, due, 50 * time.Second, dispatch.Summary{Told: 1}, noon.Add(password.TurnTime)},
		{"due, behind many", due, due, 10 * time.Minute, dispatch.Summary{Postponed: 1}, noon.Add(9*time.Minute + time.Second)},
		{"its place has come", with(func(l *password.Ledger) { l.Turn = noon }), with(func(l *password.Ledger) { l.Turn = noon }), 10 * time.Minute,
			dispatch.Summary{Told: 1}, noon.Add(password.TurnTime)},
		{"not due", with(func(l *password.Ledger) { l.NextAt = noon.Add(1) }), due, 0, dispatch.Summary{}, noon},
		{"taken meanwhile", due, leased, 0, dispatch.Summary{}, noon.Add(time.Minute)},
		{"told by another meanwhile", due, due.HandOut(noon, noon.Add(time.Minute)), 0, dispatch.Summary{}, noon.Add(time.Minute)},
		{"a dead worker's", with(func(l *password.Ledger) { l.State, l.Until = password.Leased, noon }),
			with(func(l *password.Ledger) { l.State, l.Until = password.Leased, noon }), 0, dispatch.Summary{Told: 1}, noon.Add(password.TurnTime)},
		{"a rotation", with(func(l *password.Ledger) { l.State, l.RotateAt = password.Active, noon }), due, 0, dispatch.Summary{}, noon},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			engine, err := embedded.Open(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = engine.Close() })
			db := record.New(store.Count(storetest.Rerun(engine)), nil)
			err = db.Update(t.Context(), func(tx *record.Tx) error {
				return errors.Join(tx.PutPassword(tc.stored), tx.PutPasswordTurns(password.Turns{Enterprise: "acme", Next: noon.Add(tc.busy)}))
			})
			if err != nil {
				t.Fatal(err)
			}
			var bus told
			d := &dispatch.Dispatcher{DB: db, Bus: &bus, Rate: 1, Now: func() time.Time { return noon }}
			sum, err := d.Offer(t.Context(), "acme", []password.Ledger{tc.read})
			if diff := cmp.Diff(tc.want, sum); diff != "" || err != nil || len(bus) != sum.Told {
				t.Errorf("%v, told %v (-want +got):\n%s", err, bus, diff)
			}
			l, err := db.Password(t.Context(), "acme", "p")
			if err != nil || !l.Due().Equal(tc.until) {
				t.Errorf("due at %v, want %v; %v", l.Due(), tc.until, err)
			}
		})
	}
}
