package directorysync

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// schedule has the schedule come by, and everything done that follows.
func (b *watchBench) schedule() (settle []string) {
	b.t.Helper()
	if err := b.engine.publish(b.t.Context(), directory.Command{Enterprise: "acme", Op: directory.Schedule}); err != nil {
		b.t.Fatal(err)
	}
	return b.deliver()
}

func open(u *workspacetest.User)   { u.Suspended = false }
func rename(u *workspacetest.User) { u.FamilyName = "Renamed" }

// TestRefresh_D7_AWalkUndoesNothing: a full walk lists a user, is interrupted
// wherever it may be, and goes on after the user changed and a notification told
// of it. What the notification brought holds.
func TestRefresh_D7_AWalkUndoesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		imported func(*workspacetest.User) // how the user was at first
		listed   func(*workspacetest.User) // how the walk finds the user
		changed  func(*watchBench, string) // what happens then
		want     person.State
	}{
		"suspended, then open": {open, suspend, func(b *watchBench, id string) { b.edit(id, open) }, person.Active},
		"open, then suspended": {suspend, open, func(b *watchBench, id string) { b.edit(id, suspend) }, person.Disabled},
		"there, then deleted":  {open, rename, func(b *watchBench, id string) { b.sim.Remove(id) }, person.Leaving},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k := 1; ; k++ {
				b := newWatchBench(t)
				id := b.user("anna@example.com")
				b.edit(id, tt.imported)
				b.schedule()
				b.advance(25 * time.Hour) // no channel is open any more, and a full walk due
				b.edit(id, tt.listed)
				b.engine.watch(t.Context(), "acme")
				b.faulty.Crash(k, storetest.After)
				err := b.engine.Do(t.Context(), directory.Command{Enterprise: "acme", Op: directory.Schedule})
				fired := b.faulty.Fired()
				b.faulty.Fail(0, storetest.Before)
				if !fired {
					if err != nil {
						t.Error(err)
					}
					if k < 10 {
						t.Errorf("the walk has %d operations alone; nothing was interrupted", k)
					}
					break
				}
				b.advance(time.Second)
				tt.changed(b, id)
				b.deliver()
				if got := b.person(id).State; got != tt.want {
					t.Fatalf("interrupted at %d: %s after the notification, want %s", k, got, tt.want)
				}
				for range 3 {
					b.advance(2 * time.Minute)
					b.schedule()
				}
				if st := b.state(); st.LastDone.Before(watchNoon.Add(24 * time.Hour)) {
					t.Fatalf("interrupted at %d: the walk did not go on: %+v", k, st)
				}
				if got := b.person(id).State; got != tt.want {
					t.Fatalf("interrupted at %d: %s after the walk, want %s", k, got, tt.want)
				}
				b.advance(25 * time.Hour)
				b.schedule()
				if got := b.person(id).State; got != tt.want {
					t.Fatalf("interrupted at %d: %s after another walk, want %s", k, got, tt.want)
				}
			}
		})
	}
}

// TestRefresh_D7_ALostNotificationIsMadeUpFor by the next walk, also where it brings
// the user back to what the walk before had listed.
func TestRefresh_D7_ALostNotificationIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		told, lost func(*watchBench, string)
		add        bool // anna is there from the start
		want       person.State
	}{
		"suspended and open again": {func(b *watchBench, id string) { b.edit(id, suspend) },
			func(b *watchBench, id string) { b.edit(id, open) }, false, person.Active},
		"added and deleted": {func(b *watchBench, id string) { b.edit(id, rename) },
			func(b *watchBench, id string) { b.sim.Remove(id) }, true, person.Leaving},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			var id string
			if !tt.add {
				id = b.user("anna@example.com")
			}
			b.schedule()
			if tt.add {
				id = b.user("anna@example.com")
			}
			tt.told(b, id)
			b.deliver()
			if p := b.person(id); p.Key == "" || p.State == tt.want {
				t.Fatalf("told: %+v", p)
			}
			for _, ch := range b.rows() { // what comes is refused
				b.put(func(tx *record.Tx) error { return tx.DeleteChannel(ch.ID) })
			}
			tt.lost(b, id)
			b.deliver()
			b.advance(25 * time.Hour)
			b.schedule()
			if got := b.person(id).State; got != tt.want {
				t.Errorf("after the next walk: %s, want %s", got, tt.want)
			}
			if st := b.state(); len(st.Stirred) != 0 {
				t.Errorf("still to look at: %v", st.Stirred)
			}
		})
	}
}

// TestRefresh_ToldAtOnce: from the change at Google to the event that brings the
// devices in line, and no listing in between.
func TestRefresh_ToldAtOnce(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	id := b.user("anna@example.com")
	b.schedule()
	b.advance(5 * time.Minute)
	b.schedule() // Google was listed since the channel is open: nothing to do
	listed := b.sim.Faults.Calls("directory.users.list")
	b.advance(15 * time.Minute)
	b.edit(id, suspend)
	settle := b.deliver()
	p := b.person(id)
	if p.State != person.Disabled || !slices.Equal(settle, []string{p.Key}) {
		t.Errorf("%s, to settle %v", p.State, settle)
	}
	b.schedule()
	if n := b.sim.Faults.Calls("directory.users.list") - listed; n != 0 {
		t.Errorf("Google was listed with %d calls", n)
	}
}
