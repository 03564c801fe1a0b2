package token_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestToken_T4_Burst: the fourth token within a quarter of an hour is refused with
// the time to wait, at no cost to Google, and granted once that has passed.
func TestToken_T4_Burst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.UserAccount)
	for range 3 {
		p.open(p.ask())
		b.advance(time.Minute)
	}
	before := b.documents()
	if diff := cmp.Diff(refusal{http.StatusTooManyRequests, "token-limit", 12 * 60}, refusalOf(p.ask())); diff != "" {
		t.Errorf("the fourth token (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, b.documents()); diff != "" {
		t.Errorf("a refused call changed the store:\n%s", diff)
	}
	if n := len(b.sim.IssuedTokens()); n != 3 {
		t.Errorf("Google minted %d tokens, want 3", n)
	}
	b.advance(12 * time.Minute)
	p.open(p.ask())
}

// TestToken_T4_Daily: the eleventh token within a day holds the device until an
// operator releases it, and the trail says so.
func TestToken_T4_Daily(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.UserAccount)
	for range 10 {
		p.open(p.ask())
		b.advance(20 * time.Minute)
	}
	directive := p.row().Desired.AddID()
	want := refusal{Status: http.StatusForbidden, Reason: "needs-operator"}
	if diff := cmp.Diff(want, refusalOf(p.ask())); diff != "" {
		t.Errorf("the eleventh token (-want +got):\n%s", diff)
	}
	held, records := p.row().Desired, b.trail()
	if held.Hold != device.NeedsOperator {
		t.Errorf("hold %q, want needs-operator", held.Hold)
	}
	last := line{"device:" + p.id, "token.refuse", "account:" + held.AccountID, "needs-operator"}
	if diff := cmp.Diff(last, records[len(records)-1]); diff != "" {
		t.Errorf("the trail's last record (-want +got):\n%s", diff)
	}
	b.advance(25 * time.Hour) // time alone does not lift it
	if diff := cmp.Diff(want, refusalOf(p.send(p.proved(directive)))); diff != "" {
		t.Errorf("a day later (-want +got):\n%s", diff)
	}
	if ds := p.report("", ""); len(ds) != 0 {
		t.Errorf("a held device is told %v", ds)
	}
	b.put(func(tx *record.Tx) error { // as the workflow release does
		d, err := tx.Device(p.id)
		if err != nil {
			return err
		}
		d.Desired.Release()
		return tx.PutDevice(d)
	})
	p.open(p.ask())
}

// TestToken_StaleDirective: only what the device is to do now gets a token.
func TestToken_StaleDirective(t *testing.T) {
	t.Parallel()
	stale := refusal{Status: http.StatusConflict, Reason: "directive-stale"}
	for _, tc := range []struct {
		name   string
		change func(*device.Device)
		want   refusal
	}{
		{"an earlier attempt's", func(d *device.Device) { d.Desired.Generation++ }, stale},
		{"another account's", func(d *device.Device) { d.UseOwnAccount() }, stale},
		{"the account is there", func(d *device.Device) { d.Desired.AccountName = "n" }, stale},
		{"revoked", func(d *device.Device) { d.Desired.Withdraw(device.Revoked) }, stale},
		{"retired", func(d *device.Device) { d.State = device.Retired; d.Desired.Want("") }, stale},
		{"over the device limit", func(d *device.Device) { d.Desired.Withdraw(device.DeviceLimit) },
			refusal{Status: http.StatusConflict, Reason: "device-limit"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.phone(account.UserAccount)
			body, jwt := p.proved(p.row().Desired.AddID())
			d := p.row()
			tc.change(&d)
			b.put(func(tx *record.Tx) error { return tx.PutDevice(d) })
			if diff := cmp.Diff(tc.want, refusalOf(b.send(body, jwt))); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			if n := b.sim.UserCount(b.playID); n != 0 {
				t.Errorf("Google has %d accounts", n)
			}
			if len(b.trail()) != 0 {
				t.Errorf("a stale directive is in the trail: %v", b.trail())
			}
		})
	}
}

// TestToken_P5_EleventhDevice: ten devices of a person share the account; the next
// is held, or gets an account of its own, as policy says.
func TestToken_P5_EleventhDevice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy enterprise.DeviceLimit
		want   refusal
		hold   device.Hold
	}{
		{"", refusal{Status: http.StatusConflict, Reason: "device-limit"}, device.DeviceLimit},
		{enterprise.Refuse, refusal{Status: http.StatusConflict, Reason: "device-limit"}, device.DeviceLimit},
		{enterprise.UseDeviceAcct, refusal{Status: http.StatusConflict, Reason: "directive-stale"}, device.NoHold},
	} {
		t.Run("policy "+string(tc.policy), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.policy(enterprise.Policy{DeviceLimit: tc.policy})
			for range 10 {
				p := b.phone(account.UserAccount)
				if ds := p.report(p.add(), ""); len(ds) != 0 {
					t.Fatalf("a device that did everything is told %v", ds)
				}
			}
			p := b.phone(account.UserAccount)
			if diff := cmp.Diff(tc.want, refusalOf(p.ask())); diff != "" {
				t.Errorf("the eleventh device (-want +got):\n%s", diff)
			}
			if n := len(b.only().Devices); n != 10 {
				t.Errorf("Google has the account on %d devices, want 10", n)
			}
			d, records := p.row(), b.trail()
			last := line{"device:" + p.id, "token.refuse", "account:" + d.Desired.AccountID, tc.want.Reason}
			if diff := cmp.Diff(last, records[len(records)-1]); diff != "" {
				t.Errorf("the trail's last record (-want +got):\n%s", diff)
			}
			if d.Desired.Hold != tc.hold {
				t.Errorf("hold %q, want %q", d.Desired.Hold, tc.hold)
			}
			if tc.hold != device.NoHold {
				if ds := p.report("", ""); len(ds) != 0 {
					t.Errorf("a held device is told %v", ds)
				}
				return
			}
			ds := p.report("", "")
			if len(ds) != 1 || ds[0].Kind != protocol.AddAccount || ds[0].AccountType != string(account.DeviceAccount) {
				t.Fatalf("the device is told %v, want to add a device account", ds)
			}
			p.report(p.add(), "")
			if got := p.account(); got.Type != account.DeviceAccount || got.Subject != (account.Subject{Kind: account.Device, ID: p.id}) {
				t.Errorf("the device has a %s of %v, want its own", got.Type, got.Subject)
			}
			if n := b.sim.UserCount(b.playID); n != 2 {
				t.Errorf("Google has %d accounts, want 2", n)
			}
		})
	}
}
