package device_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func TestHoldOf(t *testing.T) {
	t.Parallel()
	for s, want := range map[person.State]device.Hold{
		person.Active: device.NoHold, person.Missing: device.NoHold, person.Disabled: device.PersonDisabled,
		person.Leaving: device.PersonLeft, person.Gone: device.PersonLeft,
	} {
		if got := device.HoldOf(s); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}

// TestBar_D10_WhatADeviceIsTold: a barred device gives its account up, and gets it
// back with the person's return and with nothing else.
func TestBar_D10_WhatADeviceIsTold(t *testing.T) {
	t.Parallel()
	add, rm := protocol.AddAccount, protocol.RemoveAccount
	bar := func(h device.Hold) func(*device.Desired) { return func(d *device.Desired) { d.Bar(h) } }
	withdraw := func(h device.Hold) func(*device.Desired) { return func(d *device.Desired) { d.Withdraw(h) } }
	want := func(id string) func(*device.Desired) { return func(d *device.Desired) { d.Want(id) } }
	type changes []func(*device.Desired)
	release := (*device.Desired).Release
	held := []protocol.Account{ready("n1")}
	for _, tc := range []struct {
		name string
		do   changes
		hold device.Hold
		plan []step
	}{
		{"left", changes{bar(device.PersonLeft)}, device.PersonLeft, []step{{rm, "n1"}}},
		{"disabled", changes{bar(device.PersonDisabled)}, device.PersonDisabled, []step{{rm, "n1"}}},
		{"disabled, then left", changes{bar(device.PersonDisabled), bar(device.PersonLeft)}, device.PersonLeft, []step{{rm, "n1"}}},
		{"back", changes{bar(device.PersonLeft), bar(device.NoHold)}, device.NoHold, []step{{rm, "n1"}, {add, ""}}},
		{"an operator cannot release", changes{bar(device.PersonLeft), release}, device.PersonLeft, []step{{rm, "n1"}}},
		{"nor another account", changes{bar(device.PersonLeft), want("b")}, device.PersonLeft, []step{{rm, "n1"}}},
		{"revoked meanwhile and released", changes{bar(device.PersonLeft), withdraw(device.Revoked), release}, device.PersonLeft, []step{{rm, "n1"}}},
		{"revoked meanwhile and back", changes{bar(device.PersonLeft), withdraw(device.Revoked), bar(device.NoHold)}, device.Revoked, []step{{rm, "n1"}}},
		{"revoked before", changes{withdraw(device.Revoked), bar(device.PersonLeft)}, device.Revoked, []step{{rm, "n1"}}},
		{"revoked before and released", changes{withdraw(device.Revoked), bar(device.PersonLeft), release}, device.PersonLeft, []step{{rm, "n1"}}},
		{"revoked before, back and released", changes{withdraw(device.Revoked), bar(device.PersonLeft), bar(device.NoHold), release},
			device.NoHold, []step{{rm, "n1"}, {add, ""}}},
		{"never left", changes{bar(device.NoHold), release}, device.NoHold, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := device.Desired{AccountID: "a", AccountName: "n1", Generation: 4}
			for _, do := range tc.do {
				do(&d)
			}
			if d.Hold != tc.hold {
				t.Errorf("held for %q, want %q", d.Hold, tc.hold)
			}
			if diff := cmp.Diff(tc.plan, steps(device.Plan(d, held))); diff != "" {
				t.Errorf("the device is told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBar_D10_OnlyThePersonUnbars: whatever operators and Google do to a device, it
// is not to add an account while its person is away, and each addition that it is
// told is another directive.
func TestBar_D10_OnlyThePersonUnbars(t *testing.T) {
	t.Parallel()
	holds := rapid.SampledFrom([]device.Hold{device.DeviceLimit, device.NeedsOperator, device.AccountGone, device.Revoked, device.EnterpriseGone})
	persons := rapid.SampledFrom([]device.Hold{device.NoHold, device.PersonDisabled, device.PersonLeft})
	rapid.Check(t, func(t *rapid.T) {
		d := device.Desired{AccountID: "a"}
		away := device.NoHold
		told := map[string]bool{d.AddID(): true}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before := d
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				away = persons.Draw(t, "person")
				d.Bar(away)
				if d.Bar(away) {
					t.Fatal("barred twice for the same reason")
				}
			case 1:
				d.Withdraw(holds.Draw(t, "hold"))
			case 2:
				d.Release()
			case 3:
				d.Want(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account"))
			}
			if away != device.NoHold && d.AddPending() {
				t.Fatalf("told to add an account although %s: %+v", away, d)
			}
			if !before.AddPending() && d.AddPending() {
				if told[d.AddID()] {
					t.Fatalf("the directive %s was used before", d.AddID())
				}
				told[d.AddID()] = true
			}
		}
		d.Bar(device.NoHold)
		d.Release()
		if !d.AddPending() {
			t.Fatalf("never gets its account back: %+v", d)
		}
	})
}
