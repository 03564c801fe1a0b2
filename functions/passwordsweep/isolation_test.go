package passwordsweep_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/passwordsweep"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// TestSweep_DamagedRowsStopNobody: more of them than a page has, before all others of
// their shard.
func TestSweep_DamagedRowsStopNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 100, nil)
	b.people(ent, 40, nil)
	for shard := range password.DueShards {
		from, _ := password.DueRange(shard, noon)
		n := 1
		if shard == 3 {
			n = 140
		}
		b.must(b.driver.Update(t.Context(), func(tx store.Txn) error {
			for i := range n {
				doc := store.Document{Key: store.Key{Kind: record.Passwords, ID: fmt.Sprintf("broken-%d-%d", shard, i)},
					Body: []byte(`{"state":7}`), Index: map[string]string{"due": from + "2000"}}
				if err := tx.Put(doc); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	if sum, _ := b.sweep(); sum != (passwordsweep.Summary{Due: 40, Told: 40, Damaged: 155}) {
		t.Errorf("%+v, want 40 told and 155 damaged", sum)
	}
}

// TestSweep_OneEnterpriseStopsNoOther: without a policy, with a damaged one or without
// the key, rotations are called off or put off by hours, and not read every minute.
func TestSweep_OneEnterpriseStopsNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, nil)
	b.people(ent, 10, accepted(noon))
	b.people("beta", 10, accepted(noon))
	b.people("off", 10, accepted(noon))
	b.must(b.driver.Update(t.Context(), func(tx store.Txn) error {
		return tx.Put(store.Document{Key: store.Key{Kind: record.PasswordPolicies, ID: "beta"}, Body: []byte(`{"length":"long"}`)})
	}))
	if sum, _ := b.sweep(); sum != (passwordsweep.Summary{Due: 30, Rotated: 20, Failed: 10}) {
		t.Errorf("%+v, want acme's rotated, off's called off and beta's put off", sum)
	}
	b.pass(30 * time.Minute)
	if sum, ops := b.sweep(); sum.Due != 0 || ops.Reads.Load() != password.DueShards {
		t.Errorf("half an hour later %+v, %d reads", sum, ops.Reads.Load())
	}
	b.must(b.driver.Update(t.Context(), func(tx store.Txn) error { // what cannot be read is begun anew
		return tx.Put(store.Document{Key: store.Key{Kind: record.PasswordTurns, ID: "off"}, Body: []byte(`{"next":7}`)})
	}))
	b.people("off", 10, nil)
	if sum, _ := b.sweep(); sum.Told != 10 {
		t.Errorf("%+v, want 10 told", sum)
	}
	b.deliver(t.Context()) // and there is no policy
	if l := b.row("off", 0); l.State != password.Retry || l.Last != password.ReasonOff || l.Due().Sub(b.clock()) < 30*time.Minute || b.google.calls != 0 {
		t.Errorf("%d calls, %+v", b.google.calls, l)
	}
}

// TestSweep_IsBoundedInTime: what a run has no time for is left to the next.
func TestSweep_IsBoundedInTime(t *testing.T) {
	t.Parallel()
	const many = 150 // of one shard: more than a page
	b := newBench(t, 1000, nil)
	b.put(func(tx *record.Tx) error {
		for i, n := 0, 0; n < many; i++ {
			l := password.New(ent, key(ent, i))
			f := password.Fresh{Sealed: "x", Length: 16, For: l.NextBound()}
			if l = l.Want(noon, f); l.DueKey()[:2] != "05" {
				continue
			}
			n++
			if err := tx.PutPassword(l); err != nil {
				return err
			}
		}
		return nil
	})
	b.sweeper.Now = func() time.Time { defer b.pass(time.Minute); return b.clock() }
	first, _ := b.sweep()
	if !first.Left || first.Told == 0 || first.Told >= many {
		t.Errorf("%+v, want a part of %d told and the rest left", first, many)
	}
	b.sweeper.Now = b.clock
	if second, _ := b.sweep(); second.Left || first.Told+second.Told != many {
		t.Errorf("%+v, then %+v; want %d told in all", first, second, many)
	}
}

// TestSweep_TheBusFails: the error comes back, and who was not told is told later.
func TestSweep_TheBusFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10, nil)
	b.people(ent, 50, nil)
	b.bus.err = backend()
	if err := b.sweeper.Handle(t.Context(), noEvent); err == nil {
		t.Error("nothing is said of a bus that fails")
	}
	b.bus.err = nil
	b.pass(password.TurnTime)
	b.sweep()
	if n := b.deliver(t.Context()); n != 50 {
		t.Errorf("%d of 50 were told", n)
	}
}

// TestHandle_SaysWhatItDid: one line a run, and nothing of a password.
func TestHandle_SaysWhatItDid(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1, nil)
	var log bytes.Buffer
	b.sweeper.Log = slog.New(slog.NewJSONHandler(&log, nil))
	b.people(ent, 70, nil)
	b.people("beta", 3, accepted(noon))
	b.must(b.sweeper.Handle(t.Context(), noEvent))
	var got map[string]any
	b.must(json.Unmarshal(log.Bytes(), &got))
	delete(got, "time")
	want := map[string]any{"level": "INFO", "msg": "passwords swept", "due": 73.0, "told": 60.0, "postponed": 10.0,
		"rotated": 3.0, "unrotated": 0.0, "damaged": 0.0, "left": false, "failed": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
