package directorysync

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestRefresh_OfTheYoung: a user of whom Google does not say enough comes again,
// for a while, and is then left to the next run.
func TestRefresh_OfTheYoung(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*watchBench) string{
		"not there":   func(*watchBench) string { return "1234567890" },
		"status hide": func(b *watchBench) string { id := b.user("anna@example.com"); b.sim.HideStatus(id, true); return id },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			b.watched()
			id := prepare(b)
			err := b.refreshNow(id)
			if !fault.Redeliver(err) || fault.ReasonOf(err) != "google-not-ready" || b.person(id).Key != "" {
				t.Fatalf("%v; person %+v", err, b.person(id))
			}
			b.sim.HideStatus(id, false)
			if name == "status hide" {
				b.told(id)
				if b.person(id).State != person.Active || b.listing() {
					t.Errorf("%+v", b.person(id))
				}
				return
			}
			b.hint(b.clock(), id)
			b.advance(16 * time.Minute)
			b.deliver()
			if !b.listing() {
				t.Error("the user is forgotten")
			}
		})
	}
	t.Run("a young person is not gone", func(t *testing.T) {
		t.Parallel()
		b := newWatchBench(t)
		id := b.user("anna@example.com")
		b.told(id)
		b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse, Status: 404, Reason: "notFound", Message: "Resource Not Found: userKey"})
		b.advance(10 * time.Minute)
		if err := b.refreshNow(id); !fault.Redeliver(err) || b.person(id).State != person.Active {
			t.Errorf("%v, %s", err, b.person(id).State)
		}
		b.advance(10 * time.Minute)
		if b.told(id); b.person(id).State != person.Leaving {
			t.Errorf("%s, though Google has had no such user for long", b.person(id).State)
		}
	})
}

// TestRefresh_D5_Limit: notifications withdraw no more people a day than one run
// may; the rest is for a run, which lists Google.
func TestRefresh_D5_Limit(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t, func(c *directory.Config) { c.Guard.Withdraw.Count = 2 })
	b.watched()
	var ids []string
	for _, name := range []string{"a", "b", "c", "d"} {
		ids = append(ids, b.user(name+"@example.com"))
	}
	b.told(ids...)
	b.advance(time.Minute)
	b.edit(ids[0], suspend)
	b.edit(ids[1], suspend)
	b.told(ids...)
	if b.listing() {
		t.Error("within the limit a run is asked for")
	}
	b.edit(ids[2], suspend)
	b.sim.Remove(ids[3])
	b.edit(ids[0], open)
	b.told(ids...)
	var got []person.State
	for _, id := range ids {
		got = append(got, b.person(id).State)
	}
	if diff := cmp.Diff([]person.State{person.Active, person.Disabled, person.Active, person.Active}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if !b.listing() || !strings.Contains(b.log.String(), "notification left to the next run") {
		t.Errorf("what is left is not told; log %s", &b.log)
	}
	b.advance(24 * time.Hour)
	b.told(ids...)
	if b.person(ids[2]).State != person.Disabled || b.person(ids[3]).State != person.Leaving {
		t.Error("the next day has no limit of its own")
	}
}

// TestRefresh_TooManyToRemember are left to the next run.
func TestRefresh_TooManyToRemember(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	b.watched()
	b.put(func(tx *record.Tx) error {
		st, err := tx.DirectoryState("acme")
		if err != nil {
			return err
		}
		for range directory.MaxStirred {
			st.Stir(b.engine.NewID(), watchNoon)
		}
		return tx.PutDirectoryState(st)
	})
	id := b.user("anna@example.com")
	b.told(id)
	if b.person(id).Key != "" || !b.listing() {
		t.Errorf("%+v", b.person(id))
	}
}

// TestRefresh_MoreThanAnybodyNames has the next run list Google.
func TestRefresh_MoreThanAnybodyNames(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	b.watched()
	err := b.engine.Do(t.Context(), directory.Command{Enterprise: "acme", Op: directory.Refresh, Full: true,
		RequestedBy: "system:directorywatch", RequestedAt: b.clock().Add(time.Minute)})
	if err != nil || b.keep() {
		t.Errorf("not listed: %v", err)
	}
	b.walk(false) // begins before that minute is over
	if b.keep() {
		t.Error("a walk that began before counts")
	}
	b.advance(time.Minute)
	b.walk(false)
	if !b.keep() {
		t.Error("a walk that began later does not count")
	}
}

// TestRefresh_DriftIsForTheNextRun: where accounts are made after people, a
// notification mirrors what somebody did at Google, and a run mends it.
func TestRefresh_DriftIsForTheNextRun(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t, func(c *directory.Config) { c.Mode = directory.ReadWrite })
	b.watched()
	e := person.Entry{ID: "uuid-1", Mail: "anna@example.com", GivenName: "Anna", FamilyName: "Example", Enabled: person.Yes}
	p, _ := b.config.Decide(person.Person{}, e.ID, directory.Facts{Entry: &e, EntryAt: watchNoon}, watchNoon)
	b.put(func(tx *record.Tx) error { return tx.PutPerson(p) })
	id := b.user("anna@example.com")
	if b.told(id); b.listing() {
		t.Error("nothing is to be mended")
	}
	b.edit(id, rename)
	b.told(id)
	if p, err := b.db.Person(t.Context(), p.Key); err != nil || p.Google.FamilyName != "Renamed" || !b.listing() {
		t.Errorf("%+v, %v", p.Google, err)
	}
	if u, _ := b.sim.UserOf(id); u.FamilyName != "Renamed" {
		t.Error("a notification changed the account")
	}
}

// TestRefresh_OfGooglesFailures: what time mends brings the event back, and all
// else is left to a run.
func TestRefresh_OfGooglesFailures(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	b.watched()
	id, other := b.user("anna@example.com"), b.user("bob@example.com")
	b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse, Times: 2})
	if err := b.refreshNow(id, other); !fault.Redeliver(err) || b.person(id).Key != "" || b.person(other).Key == "" {
		t.Errorf("%v; one user's failure stops another", err)
	}
	b.sim.Faults.Clear()
	b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse, Status: 400, Reason: "invalid"})
	if err := b.refreshNow(id); err != nil || !b.listing() {
		t.Errorf("%v", err)
	}
}

// TestRefresh_E2_StoreFailsAtEachOperation: the event comes back and is done once.
func TestRefresh_E2_StoreFailsAtEachOperation(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newWatchBench(t)
			id := b.user("anna@example.com")
			b.told(id)
			b.deliver()
			b.advance(time.Minute)
			b.edit(id, suspend)
			b.faulty.Fail(k, when)
			err := b.refreshNow(id)
			fired := b.faulty.Fired()
			b.faulty.Fail(0, storetest.Before)
			if fired && !fault.Redeliver(err) {
				t.Errorf("operation %d: %v is not redelivered", k, err)
			}
			if fired {
				b.told(id)
			}
			p := b.person(id)
			if p.State != person.Disabled || !slices.Contains(b.deliver(), p.Key) {
				t.Errorf("operation %d: %s, or nothing to settle", k, p.State)
			}
			if n := b.state().Hints.Withdrawn; n != 1 || len(b.trail()) != 1 {
				t.Errorf("operation %d: %d withdrawn, trail %v", k, n, b.trail())
			}
			if !fired {
				break
			}
		}
	}
}
