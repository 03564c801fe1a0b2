package device_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestApply(t *testing.T) {
	t.Parallel()
	adding := device.Device{ID: "d", LastSeen: noon, Desired: device.Desired{AccountID: "a", Generation: 3}}
	added := adding
	added.Desired.AccountName = "n1"
	added.Accounts = []protocol.Account{ready("n1")}
	done := protocol.Outcome{DirectiveID: adding.Desired.AddID(), Result: protocol.Done, AccountName: "n1"}
	failed := protocol.Outcome{DirectiveID: adding.Desired.AddID(), Result: protocol.Failed, Reason: "INVALID_TOKEN"}
	stale := protocol.Outcome{DirectiveID: "add-stale", Result: protocol.Done, AccountName: "n9"}

	type summary struct {
		Dirty      bool
		Name, Lost string
		Generation int
		Answer     *account.Answer
	}
	for _, tc := range []struct {
		name string
		row  device.Device
		req  protocol.CheckInRequest
		at   time.Duration
		want summary
	}{
		{"nothing new", adding, protocol.CheckInRequest{}, time.Minute, summary{Generation: 3}},
		{"nothing new for a quarter of an hour", adding, protocol.CheckInRequest{}, 15 * time.Minute, summary{Dirty: true, Generation: 3}},
		{"added", adding, protocol.CheckInRequest{Accounts: []protocol.Account{ready("n1")}, Outcomes: []protocol.Outcome{done}}, 0,
			summary{true, "n1", "", 3, &account.Answer{AccountID: "a", DirectiveID: done.DirectiveID, Added: true, AccountName: "n1"}}},
		{"failed", adding, protocol.CheckInRequest{Outcomes: []protocol.Outcome{failed}}, 0,
			summary{true, "", "", 4, &account.Answer{AccountID: "a", DirectiveID: done.DirectiveID, Reason: "INVALID_TOKEN"}}},
		{"said done but does not hold it", adding, protocol.CheckInRequest{Outcomes: []protocol.Outcome{done}}, 0,
			summary{true, "", "n1", 4, &account.Answer{AccountID: "a", DirectiveID: done.DirectiveID, Added: true, AccountName: "n1"}}},
		{"an old outcome", adding, protocol.CheckInRequest{Outcomes: []protocol.Outcome{stale}}, 0, summary{Generation: 3}},
		{"steady", added, protocol.CheckInRequest{Accounts: []protocol.Account{ready("n1")}}, time.Minute, summary{Name: "n1", Generation: 3}},
		{"sign-in lost", added, protocol.CheckInRequest{Accounts: []protocol.Account{invalid("n1")}}, 0, summary{true, "", "n1", 4, nil}},
		{"removed by hand", added, protocol.CheckInRequest{}, 0, summary{true, "", "n1", 4, nil}},
		{"a foreign account came", added, protocol.CheckInRequest{Accounts: []protocol.Account{ready("n1"), ready("x")}}, 0, summary{Dirty: true, Name: "n1", Generation: 3}},
		{"android id learned", added, protocol.CheckInRequest{AndroidID: "a1", Accounts: []protocol.Account{ready("n1")}}, 0, summary{Name: "n1", Generation: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := device.Apply(tc.row, tc.req, noon.Add(tc.at))
			got := summary{c.Dirty, c.Device.Desired.AccountName, c.Lost, c.Device.Desired.Generation, c.Answer}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Apply (-want +got):\n%s", diff)
			}
			again := device.Apply(c.Device, tc.req, noon.Add(tc.at))
			if again.Dirty || again.Answer != nil {
				t.Errorf("the same report once more changed the row again: %+v", again)
			}
		})
	}
}

// obedient does what it is told, except that adding fails now and then.
type obedient struct {
	held     []protocol.Account
	outcomes []protocol.Outcome
	names    int
}

func (o *obedient) follow(ds []protocol.Directive, fails bool) {
	for _, d := range ds {
		switch d.Kind {
		case protocol.RemoveAccount:
			kept := o.held[:0:0]
			for _, a := range o.held {
				if a.Name != d.AccountName {
					kept = append(kept, a)
				}
			}
			o.held = kept
			o.outcomes = append(o.outcomes, protocol.Outcome{DirectiveID: d.ID, Result: protocol.Done})
		case protocol.AddAccount:
			if fails {
				o.outcomes = append(o.outcomes, protocol.Outcome{DirectiveID: d.ID, Result: protocol.Failed, Reason: "NO"})
				continue
			}
			o.names++
			name := fmt.Sprintf("new-%d", o.names)
			o.held = append(o.held, ready(name))
			o.outcomes = append(o.outcomes, protocol.Outcome{DirectiveID: d.ID, Result: protocol.Done, AccountName: name})
		}
	}
}

// TestPlan_C3_ObedientDeviceSettles: from any state, a device that does what it
// is told has nothing left to do after two check-ins and one more for each time
// that adding failed, and then holds exactly what is desired.
func TestPlan_C3_ObedientDeviceSettles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"n1", "n2", "n3", "new-1"})
		reported := rapid.Custom(func(t *rapid.T) protocol.Account {
			return protocol.Account{
				Name:  names.Draw(t, "name"),
				State: rapid.SampledFrom([]protocol.AccountState{protocol.AccountReady, protocol.AccountInvalidated}).Draw(t, "state"),
			}
		})
		distinct := func(a protocol.Account) string { return a.Name }
		row := device.Device{
			ID: "d", LastSeen: noon,
			Desired: device.Desired{
				AccountID:   rapid.SampledFrom([]string{"", "a"}).Draw(t, "account"),
				AccountName: rapid.SampledFrom([]string{"", "n1"}).Draw(t, "known name"),
				Generation:  rapid.IntRange(0, 3).Draw(t, "generation"),
				Hold:        rapid.SampledFrom([]device.Hold{device.NoHold, device.DeviceLimit, device.Revoked}).Draw(t, "hold"),
			},
		}
		if row.Desired.AccountID == "" || row.Desired.Hold != device.NoHold {
			row.Desired.AccountName = "" // as Want and Withdraw leave it
		}
		phone := obedient{held: rapid.SliceOfNDistinct(reported, 0, 4, distinct).Draw(t, "held")}
		failures := rapid.IntRange(0, 3).Draw(t, "failures")

		rounds := 0
		for left := failures; ; rounds++ {
			if rounds > failures+2 {
				t.Fatalf("not settled after %d check-ins: %+v", rounds, row.Desired)
			}
			req := protocol.CheckInRequest{Accounts: phone.held, Outcomes: phone.outcomes}
			row = device.Apply(row, req, noon).Device
			phone.outcomes = nil
			ds := device.Plan(row.Desired, req.Accounts)
			if len(ds) == 0 {
				break
			}
			phone.follow(ds, left > 0)
			left--
		}
		var settled []protocol.Account
		if row.Desired.AccountID != "" && row.Desired.Hold == device.NoHold {
			settled = []protocol.Account{ready(row.Desired.AccountName)}
		}
		if diff := cmp.Diff(settled, phone.held, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("settled on the wrong accounts (-want +got):\n%s", diff)
		}
	})
}
