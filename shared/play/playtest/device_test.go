package playtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestTokenRules(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	u := b.insert(t, "person", "userAccount")
	d := b.NewDevice("a1")

	used := b.mint(t, u.Id)
	name, err := d.AddAccount(t.Context(), used)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(name, "@") || strings.Contains(name, "person") {
		t.Errorf("account name %q", name)
	}
	_, err = b.NewDevice("a2").AddAccount(t.Context(), used)
	wantReason(t, err, playtest.InvalidToken)
	_, err = d.AddAccount(t.Context(), secret.New("made up"))
	wantReason(t, err, playtest.InvalidToken)

	late := b.mint(t, u.Id)
	b.clock.Advance(5 * time.Minute)
	_, err = d.AddAccount(t.Context(), late)
	wantReason(t, err, playtest.InvalidToken)

	kiosk := b.insert(t, "kiosk", "deviceAccount")
	old, fresh := b.mint(t, kiosk.Id), b.mint(t, kiosk.Id)
	_, err = d.AddAccount(t.Context(), old)
	wantReason(t, err, playtest.InvalidToken)
	if _, err := d.AddAccount(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	b.mint(t, u.Id)
	got := map[playtest.TokenState]int{}
	for _, s := range []playtest.TokenState{playtest.TokenIssued, playtest.TokenConsumed, playtest.TokenExpired, playtest.TokenSuperseded} {
		got[s] = b.TokenCount(s)
	}
	want := map[playtest.TokenState]int{"issued": 1, "consumed": 2, "expired": 1, "superseded": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if n := len(b.IssuedTokens()); n != 5 {
		t.Errorf("issued: %d, want 5", n)
	}
}

func TestDeviceLimit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limit  playtest.LimitBehaviour
		reason string
		first  protocol.AccountState
	}{
		{playtest.Reject, playtest.TooManyDevices, protocol.AccountReady},
		{playtest.Evict, "", protocol.AccountInvalidated},
	} {
		t.Run(fmt.Sprint(tc.limit), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, playtest.Options{Limit: tc.limit})
			u := b.insert(t, "person", "userAccount")
			first := b.NewDevice("d0")
			b.add(t, first, u.Id)
			for i := 1; i < 10; i++ {
				b.add(t, b.NewDevice(fmt.Sprintf("d%d", i)), u.Id)
			}
			// A device that has the account already is not an eleventh.
			b.add(t, first, u.Id)
			if tc.limit == playtest.Evict {
				b.add(t, b.NewDevice("d1"), u.Id)
				for i := 2; i < 10; i++ {
					b.add(t, b.NewDevice(fmt.Sprintf("d%d", i)), u.Id)
				}
			}
			_, err := b.NewDevice("d10").AddAccount(t.Context(), b.mint(t, u.Id))
			if tc.reason != "" {
				wantReason(t, err, tc.reason)
			} else if err != nil {
				t.Error(err)
			}
			if got := accounts(t, first)[0].State; got != tc.first {
				t.Errorf("first device: %s, want %s", got, tc.first)
			}
		})
	}
}

// Each cause of an invalidated account, as the device sees it (invariant T5).
func TestInvalidation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		typ   string
		cause func(t *testing.T, b *bench, d *playtest.Device, userID, account string)
	}{
		{"sign-in lost", "userAccount", func(_ *testing.T, _ *bench, d *playtest.Device, _, account string) { d.LoseSignIn(account) }},
		{"account deleted", "userAccount", func(_ *testing.T, b *bench, _ *playtest.Device, userID, _ string) { b.DeleteUser(b.ent, userID) }},
		{"enterprise deleted", "userAccount", func(_ *testing.T, b *bench, _ *playtest.Device, _, _ string) { b.DeleteEnterprise(b.ent) }},
		{"enterprise unbound", "userAccount", func(t *testing.T, b *bench, _ *playtest.Device, _, _ string) {
			if err := b.api.Enterprises.Unenroll(b.ent).Do(); err != nil {
				t.Fatal(err)
			}
		}},
		{"access revoked", "userAccount", func(t *testing.T, b *bench, _ *playtest.Device, userID, _ string) {
			if err := b.api.Users.RevokeDeviceAccess(b.ent, userID).Do(); err != nil {
				t.Fatal(err)
			}
		}},
		{"device account moved", "deviceAccount", func(t *testing.T, b *bench, _ *playtest.Device, userID, _ string) {
			b.add(t, b.NewDevice("other"), userID)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, playtest.Options{})
			u := b.insert(t, "subject", tc.typ)
			d := b.NewDevice("a1")
			name := b.add(t, d, u.Id)
			want := []protocol.Account{{Name: name, State: protocol.AccountReady}}
			if diff := cmp.Diff(want, accounts(t, d)); diff != "" {
				t.Errorf("before (-want +got):\n%s", diff)
			}
			tc.cause(t, b, d, u.Id, name)
			want[0].State = protocol.AccountInvalidated
			if diff := cmp.Diff(want, accounts(t, d)); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReauthenticationRestoresTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	u := b.insert(t, "person", "userAccount")
	d := b.NewDevice("a1")
	name := b.add(t, d, u.Id)
	d.LoseSignIn(name)
	if err := d.RemoveAccount(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	wantReason(t, d.RemoveAccount(t.Context(), name), playtest.NoSuchAccount)
	if got := b.Users(b.ent)[0].Devices; len(got) != 0 {
		t.Errorf("devices after removal: %v", got)
	}
	d.FailAdd("ENSURING_WORKING_ENVIRONMENT_FAILED")
	auth := b.mint(t, u.Id)
	_, err := d.AddAccount(t.Context(), auth)
	wantReason(t, err, "ENSURING_WORKING_ENVIRONMENT_FAILED")
	again, err := d.AddAccount(t.Context(), auth)
	if err != nil || again != name {
		t.Errorf("added %q, %v; want %q", again, err, name)
	}
	if diff := cmp.Diff([]protocol.Account{{Name: name, State: protocol.AccountReady}}, accounts(t, d)); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestDevicesAsGoogleTells(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	u := b.insert(t, "person", "userAccount")
	b.add(t, b.NewDevice("a1"), u.Id)
	list, err := b.api.Devices.List(b.ent, u.Id).Do()
	if err != nil || len(list.Device) != 1 || list.Device[0].AndroidId != "a1" {
		t.Fatalf("list: %+v, %v", list, err)
	}
	if _, err := b.api.Devices.Get(b.ent, u.Id, "a1").Do(); err != nil {
		t.Error(err)
	}
	_, err = b.api.Devices.Get(b.ent, u.Id, "a2").Do()
	wantStatus(t, err, 404, "notFound")
	state := func() string {
		got, err := b.api.Devices.GetState(b.ent, u.Id, "a1").Do()
		if err != nil {
			t.Fatal(err)
		}
		return got.AccountState
	}
	if got := state(); got != "disabled" {
		t.Errorf("new device: %s", got)
	}
	if _, err := b.api.Devices.SetState(b.ent, u.Id, "a1", &androidenterprise.DeviceState{AccountState: "enabled"}).Do(); err != nil {
		t.Error(err)
	}
	if got := state(); got != "enabled" {
		t.Errorf("after setState: %s", got)
	}
}

func TestDeviceHonoursContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := b.NewDevice("a1")
	_, err := d.AddAccount(ctx, secret.New("x"))
	_, err2 := d.Accounts(ctx)
	for _, err := range []error{err, err2, d.RemoveAccount(ctx, "x")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}
