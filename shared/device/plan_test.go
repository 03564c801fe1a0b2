package device_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

func ready(name string) protocol.Account {
	return protocol.Account{Name: name, State: protocol.AccountReady}
}

func invalid(name string) protocol.Account {
	return protocol.Account{Name: name, State: protocol.AccountInvalidated}
}

// step is a directive without its id.
type step struct {
	Kind protocol.DirectiveKind
	Name string
}

func steps(ds []protocol.Directive) []step {
	var out []step
	for _, d := range ds {
		out = append(out, step{d.Kind, d.AccountName})
	}
	return out
}

func TestPlan_C3_Table(t *testing.T) {
	t.Parallel()
	add, rm := protocol.AddAccount, protocol.RemoveAccount
	wants := device.Desired{AccountID: "a", AccountType: account.UserAccount}
	has := device.Desired{AccountID: "a", AccountName: "n1"}
	for _, tc := range []struct {
		name string
		want device.Desired
		have []protocol.Account
		plan []step
	}{
		{"nothing wanted, nothing there", device.Desired{}, nil, nil},
		{"nothing wanted, one there", device.Desired{}, []protocol.Account{ready("x")}, []step{{rm, "x"}}},
		{"wanted and missing", wants, nil, []step{{add, ""}}},
		{"wanted and held back", device.Desired{AccountID: "a", Hold: device.DeviceLimit}, nil, nil},
		{"held back, old one there", device.Desired{AccountID: "a", Hold: device.Revoked}, []protocol.Account{ready("x")}, []step{{rm, "x"}}},
		{"there and ready", has, []protocol.Account{ready("n1")}, nil},
		{"there but a foreign one too", has, []protocol.Account{ready("n1"), ready("x")}, []step{{rm, "x"}}},
		{"a foreign one goes before the wanted one comes", wants, []protocol.Account{ready("x")}, []step{{rm, "x"}, {add, ""}}},
		{"an invalidated one goes", wants, []protocol.Account{invalid("n1")}, []step{{rm, "n1"}, {add, ""}}},
		{"nothing wanted, invalidated one there", device.Desired{}, []protocol.Account{invalid("n1")}, []step{{rm, "n1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := device.Plan(tc.want, tc.have)
			if diff := cmp.Diff(tc.plan, steps(got)); diff != "" {
				t.Errorf("Plan (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, device.Plan(tc.want, tc.have)); diff != "" {
				t.Errorf("a second Plan differs (-first +second):\n%s", diff)
			}
		})
	}
}

func TestDesired_EachAttemptIsAnotherDirective(t *testing.T) {
	t.Parallel()
	d := device.Desired{AccountID: "a"}
	seen := map[string]bool{d.AddID(): true}
	for _, change := range []struct {
		name string
		do   func()
	}{
		{"withdraw", func() { d.Withdraw(device.Revoked) }},
		{"release", d.Release},
		{"another account", func() { d.Want("b") }},
		{"back again", func() { d.Want("a") }},
	} {
		change.do()
		if seen[d.AddID()] {
			t.Errorf("%s: the directive's id %s was used before", change.name, d.AddID())
		}
		seen[d.AddID()] = true
	}
	before := d
	d.Want("a")
	d.Release()
	if diff := cmp.Diff(before, d); diff != "" {
		t.Errorf("wanting the same again changed it (-before +after):\n%s", diff)
	}
}
