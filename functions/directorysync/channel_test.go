package directorysync

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// TestChannels_LifeOfADay: one channel follows the other, both tell for a while,
// and once Google was listed nothing needs to be listed any more.
func TestChannels_LifeOfADay(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	opened := 0
	for i := range 4 * 24 {
		before := b.open()
		live := b.keep()
		now := b.open()
		for _, id := range now {
			if !slices.Contains(before, id) {
				opened++
				if i > 0 && len(now) != 2 {
					t.Errorf("schedule %d: %v was stopped as soon as another was open", i, before)
				}
			}
		}
		if want := i > 0; live != want {
			t.Fatalf("schedule %d: live is %v, want %v", i, live, want)
		}
		b.walk(live)
		if len(now) == 0 || len(now) > 2 {
			t.Fatalf("schedule %d: %d channels are open", i, len(now))
		}
		b.advance(15 * time.Minute)
	}
	// One each six hours less the margin of an hour and a half.
	if opened < 5 || opened > 6 {
		t.Errorf("%d channels opened in a day, want 5 or 6", opened)
	}
	if rows := b.rows(); len(rows) > 2 {
		t.Errorf("rows left: %+v", rows)
	}
}

// TestChannels_NoChangeIsMissed: whatever schedules are missed, Google refuses or
// loses, and processes die, a change that no channel told of is listed.
func TestChannels_NoChangeIsMissed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			b := newWatchBench(t)
			id := b.user("anna@example.com")
			untold, skipped, gaps := 0, 0, 0
			for step := range 500 {
				b.advance(time.Duration(r.IntN(int(15 * time.Minute))))
				if r.IntN(40) == 0 {
					b.advance(time.Duration(r.IntN(int(9 * time.Hour)))) // nobody comes by
				}
				if r.IntN(2) == 0 {
					b.edit(id, func(u *workspacetest.User) { u.DisplayName = fmt.Sprint(step) })
					if len(b.take()) == 0 {
						untold, gaps = untold+1, gaps+1
					}
				}
				b.sim.Faults.Clear()
				switch r.IntN(12) {
				case 0:
					b.sim.Faults.Add(googletest.Script{Method: watchMethod, Mode: googletest.Refuse, Status: 403, Reason: "forbidden"})
				case 1:
					b.sim.Faults.Add(googletest.Script{Method: watchMethod, Mode: googletest.DropAfter})
				case 2:
					b.sim.Faults.Add(googletest.Script{Method: stopMethod, Mode: googletest.Refuse, Status: 503})
				}
				if r.IntN(6) == 0 {
					b.faulty.Crash(1+r.IntN(8), storetest.When(r.IntN(2)))
				}
				live, err := b.engine.channels(t.Context(), b.config)
				b.faulty.Fail(0, storetest.Before)
				switch {
				case live && err == nil && untold > 0:
					t.Fatalf("step %d: %d changes were told on no channel, and Google is not listed", step, untold)
				case live && err == nil:
					skipped++
				default:
					untold = 0
				}
				b.walk(live && err == nil)
				b.take()
			}
			if skipped < 200 || gaps == 0 {
				t.Errorf("%d listings of 500 were spared, %d changes met no channel: the test shows nothing", skipped, gaps)
			}
			for range 40 { // all that was left behind comes to its end
				b.sim.Faults.Clear()
				b.keep()
				b.advance(15 * time.Minute)
			}
			if n := len(b.rows()); n == 0 || n > 2 {
				t.Errorf("%d rows in the end", n)
			}
		})
	}
}

// TestChannels_CrashAtEveryStep leaves nothing behind that the next schedules do
// not clear away.
func TestChannels_CrashAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newWatchBench(t)
			b.keep()
			b.walk(false)
			b.advance(5 * time.Hour) // the channel is ending
			b.faulty.Crash(k, when)
			_, err := b.engine.channels(t.Context(), b.config)
			fired := b.faulty.Fired()
			b.faulty.Fail(0, storetest.Before)
			if !fired {
				if err != nil {
					t.Error(err)
				}
				break
			}
			for range 4 {
				b.advance(15 * time.Minute)
				b.walk(b.keep())
			}
			rows := b.rows()
			if len(rows) != 1 || !slices.Contains(b.open(), rows[0].ID) || !b.keep() {
				t.Errorf("died at operation %d (%v): rows %+v, open %v", k, when, rows, b.open())
			}
		}
	}
}

// TestChannels_WhatARunLeftUndone is found by another listing, so there is one.
func TestChannels_WhatARunLeftUndone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*directory.Run){
		"did not list Google":       func(r *directory.Run) { r.SkipGoogle = true },
		"was not complete":          func(r *directory.Run) { r.Incomplete = "size-limit" },
		"failed with people":        func(r *directory.Run) { r.Counts.Failed = 1 },
		"is to look again":          func(r *directory.Run) { r.Counts.Kept = 1 },
		"of another configuration":  func(r *directory.Run) { r.Revision = 0 },
		"began before the channel":  func(r *directory.Run) { r.StartedAt = watchNoon.Add(-time.Second) },
		"is not there":              func(r *directory.Run) { r.ID = "" },
		"began before what missed":  nil,
		"whose channel is not open": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			b.keep()
			r := directory.Run{ID: strings.Repeat("r", 26), Enterprise: "acme", StartedAt: watchNoon, Revision: 1}
			if change != nil {
				change(&r)
			}
			b.put(func(tx *record.Tx) error {
				err := tx.PutDirectoryState(directory.State{Enterprise: "acme", LastRun: strings.Repeat("r", 26)})
				if r.ID != "" {
					err = errors.Join(err, tx.PutRun(r))
				}
				return err
			})
			switch name {
			case "began before what missed":
				if err := b.engine.missed(t.Context(), "acme", watchNoon.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
			case "whose channel is not open":
				b.advance(7 * time.Hour)
			}
			if b.keep() {
				t.Error("Google is not listed")
			}
			b.advance(2 * time.Minute)
			b.walk(false)
			if !b.keep() {
				t.Error("Google was listed, and is listed again")
			}
		})
	}
}
