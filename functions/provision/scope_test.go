package provision_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestProvision_EveryOpOverOneManyAll: each operation takes one, several, or all
// of an enterprise, the last in events of 25 each, and leaves the rest alone.
func TestProvision_EveryOpOverOneManyAll(t *testing.T) {
	t.Parallel()
	const fleet = 53 // three events' worth
	for _, op := range []workflow.Op{workflow.Create, workflow.Rename, workflow.Revoke, workflow.Delete, workflow.Retire, workflow.Release} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 3, fleet} {
				b := newBench(t)
				ids := b.rows(fleet, op)
				var named []string
				if n < fleet {
					named = ids[:n]
				}
				b.do(command(op, named...))
				if got := b.touched(ids, op); got != n {
					t.Errorf("asked for %d: %d were done", n, got)
				}
				wantEvents := 2 // one, delivered twice
				if n == fleet {
					// Each event is delivered twice and each time publishes the rest:
					// 2, 4 and 8 deliveries.
					wantEvents = 14
				}
				if b.handled != wantEvents {
					t.Errorf("asked for %d: %d events, want %d", n, b.handled, wantEvents)
				}
			}
		})
	}
}

// rows stores n devices with accounts that op has something to do with, and
// returns the ids that op takes.
func (b *bench) rows(n int, op workflow.Op) []string {
	b.t.Helper()
	var ids []string
	b.put(func(tx *record.Tx) error {
		ids = nil
		for i := range n {
			a := account.Account{ID: fmt.Sprintf("a%03d", i), Enterprise: "acme", PlayEnterprise: b.playID, Type: account.UserAccount,
				Subject: account.Subject{Kind: account.Person, ID: fmt.Sprint(i)}, State: account.Creating, DisplayName: "Acme"}
			d := device.Device{ID: fmt.Sprintf("d%03d", i), Enterprise: "acme", State: device.Active, EncryptionKey: []byte(`{}`),
				Subject: a.Subject, Desired: device.Desired{AccountID: a.ID, AccountType: a.Type}}
			if op == workflow.Release {
				d.Desired.Hold = device.Revoked
			}
			if err := tx.PutAccount(a); err != nil {
				return err
			}
			if err := tx.PutDevice(d); err != nil {
				return err
			}
			if op.OnDevices() {
				ids = append(ids, d.ID)
			} else {
				ids = append(ids, a.ID)
			}
		}
		return nil
	})
	return ids
}

// touched counts on how many of the rows op shows.
func (b *bench) touched(ids []string, op workflow.Op) int {
	b.t.Helper()
	n := 0
	for _, id := range ids {
		var shows bool
		if op.OnDevices() {
			d, err := b.db.Device(b.t.Context(), id)
			if err != nil {
				b.t.Fatal(err)
			}
			shows = op == workflow.Retire && d.State == device.Retired || op == workflow.Release && d.Desired.Hold == device.NoHold
		} else {
			a, err := b.db.Account(b.t.Context(), id)
			if err != nil {
				b.t.Fatal(err)
			}
			d, err := b.db.Device(b.t.Context(), "d"+id[1:])
			if err != nil {
				b.t.Fatal(err)
			}
			switch op {
			case workflow.Create:
				shows = a.State == account.Active
			case workflow.Rename:
				shows = a.DisplayName == "Acme Ltd"
			case workflow.Revoke:
				shows = d.Desired.Hold == device.Revoked
			case workflow.Delete:
				shows = a.State == account.Deleted && d.Desired.Hold == device.AccountGone
			}
		}
		if shows {
			n++
		}
	}
	return n
}

// TestProvision_AnotherEnterprisesIDs: an id of another enterprise is as good as
// unknown, and the attempt is in the trail of who asked.
func TestProvision_AnotherEnterprisesIDs(t *testing.T) {
	t.Parallel()
	for _, op := range []workflow.Op{workflow.Create, workflow.Rename, workflow.Revoke, workflow.Delete, workflow.Retire, workflow.Release} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.ready("jane", account.UserAccount)
			before, google := b.documents(), b.sim.Snapshot()
			id, target := p.account().ID, "account:"+p.account().ID
			if op.OnDevices() {
				id, target = p.id, "device:"+p.id
			}
			c := command(op, id)
			c.Enterprise = "other"
			b.do(c)
			if diff := cmp.Diff(before, b.documents()); diff != "" {
				t.Errorf("the store changed:\n%s", diff)
			}
			if diff := cmp.Diff(google, b.sim.Snapshot()); diff != "" {
				t.Errorf("Google changed:\n%s", diff)
			}
			records, _, err := b.db.Audit(t.Context(), "other", noon, record.Page{})
			if err != nil || len(records) == 0 {
				t.Fatalf("%d records, %v", len(records), err)
			}
			if r := records[0]; r.Target != target || r.Result != "not-found" || r.Actor != admin || r.Detail != "r1" {
				t.Errorf("trail %+v, want not-found for %s", r, target)
			}
		})
	}
}

// TestProvision_OneBadItem does not stop the others, and is in the trail with its
// reason.
func TestProvision_OneBadItem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, reason string
		arrange      func(b *bench, ids []string) []string
	}{
		{"unknown", "not-found", func(_ *bench, ids []string) []string { return []string{ids[0], "zz", ids[1]} }},
		{"refused by Google for good", "google-invalid", func(b *bench, ids []string) []string {
			b.sim.Faults.Add(googletest.Script{Method: "androidenterprise.users.insert", Mode: googletest.Refuse, Status: 400, Times: 1})
			return append([]string{"a002"}, ids[:2]...)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.rows(3, workflow.Create)
			if err := b.handle(command(workflow.Create, tc.arrange(b, ids)...)); err != nil {
				t.Fatalf("the event comes again for an item that is final: %v", err)
			}
			if got := b.touched(ids[:2], workflow.Create); got != 2 {
				t.Errorf("%d of the 2 good items were done", got)
			}
			failed := 0
			for _, l := range b.trail() {
				if l.Result == tc.reason && l.Action == "workflow.create" {
					failed++
				}
			}
			if failed != 1 {
				t.Errorf("%d records of the failure %s: %v", failed, tc.reason, b.trail())
			}
		})
	}
}

// TestProvision_E2_WholeCommandFails: what ends a command for good, beside any
// item, is in the trail too, for the admin sees nothing else of it.
func TestProvision_E2_WholeCommandFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		op      workflow.Op
		reason  string
		arrange func(b *bench)
	}{
		{workflow.Verify, "google-invalid", func(b *bench) {
			b.sim.Faults.Add(googletest.Script{Method: "androidenterprise.enterprises.get", Mode: googletest.Refuse, Status: 400})
		}},
		{workflow.Release, "record-damaged", func(b *bench) {
			err := b.driver.Update(b.t.Context(), func(tx store.Txn) error {
				return tx.Put(store.Document{Key: store.Key{Kind: record.Devices, ID: "d1"}, Body: []byte(`{"id":1}`),
					Index: map[string]string{"enterprise": "acme"}})
			})
			if err != nil {
				b.t.Fatal(err)
			}
		}},
	} {
		t.Run(string(tc.op), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			tc.arrange(b)
			if err := b.handle(command(tc.op)); err == nil || fault.Redeliver(err) {
				t.Errorf("%v, want a final error", err)
			}
			want := []line{{admin, "workflow." + string(tc.op), "enterprise:acme", tc.reason}}
			if diff := cmp.Diff(want, b.trail()); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProvision_Enterprise: verify notes what Google says; reconcile is passed on.
func TestProvision_Enterprise(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	reconciled := 0
	b.events().Subscribe(event.Reconcile, func(context.Context, event.Event) error { reconciled++; return nil })
	b.do(command(workflow.Reconcile))
	if reconciled == 0 {
		t.Error("nobody was told to reconcile")
	}
	b.sim.DeleteEnterprise(b.playID)
	b.do(command(workflow.Verify))
	e, err := b.db.Enterprise(t.Context(), "acme")
	if err != nil || e.State != enterprise.Gone || !e.CheckedAt.Equal(noon) {
		t.Errorf("enterprise %+v, %v, want gone", e, err)
	}
	want := []line{{admin, "enterprise.verify", "enterprise:acme", "gone"}}
	if diff := cmp.Diff(want, b.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}
