package enterprise_test

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func TestValidate_NamesTheField(t *testing.T) {
	t.Parallel()
	type change func(*enterprise.Enterprise)
	for _, tc := range []struct {
		field string
		do    change
	}{
		{"", func(*enterprise.Enterprise) {}},
		{"id", func(e *enterprise.Enterprise) { e.ID = "Acme" }},
		{"id", func(e *enterprise.Enterprise) { e.ID = "a" }},
		{"id", func(e *enterprise.Enterprise) { e.ID = "1acme" }},
		{"name", func(e *enterprise.Enterprise) { e.Name = "" }},
		{"name", func(e *enterprise.Enterprise) { e.Name = strings.Repeat("ä", 61) }},
		{"play", func(e *enterprise.Enterprise) { e.Play = "LC 1" }},
		{"policy.accountType", func(e *enterprise.Enterprise) { e.Policy.AccountType = "userType" }},
		{"policy.labelAccountType.Kiosk", func(e *enterprise.Enterprise) {
			e.Policy.LabelAccountType = map[string]account.Type{"Kiosk": account.DeviceAccount}
		}},
		{"policy.labelAccountType.kiosk", func(e *enterprise.Enterprise) {
			e.Policy.LabelAccountType = map[string]account.Type{"kiosk": ""}
		}},
		{"policy.deviceLimit", func(e *enterprise.Enterprise) { e.Policy.DeviceLimit = "evict" }},
		{"policy.checkInSeconds", func(e *enterprise.Enterprise) { e.Policy.CheckInSeconds = 59 }},
		{"policy.checkInSeconds", func(e *enterprise.Enterprise) { e.Policy.CheckInSeconds = 604801 }},
	} {
		e := enterprise.Enterprise{ID: "acme", Name: "Acme", Play: "LC03abcd12"}
		tc.do(&e)
		got := ""
		if f := fault.As(e.Validate()); f != nil {
			got = f.Field
		}
		if got != tc.field {
			t.Errorf("%+v: refused field %q, want %q", e, got, tc.field)
		}
	}
}

func TestPolicy_P5_AccountTypeByLabel(t *testing.T) {
	t.Parallel()
	const user, device = account.UserAccount, account.DeviceAccount
	p := enterprise.Policy{LabelAccountType: map[string]account.Type{"kiosk": device, "sales": user}}
	forced := p
	forced.AccountType = device
	for _, tc := range []struct {
		name   string
		policy enterprise.Policy
		labels string
		want   account.Type
	}{
		{"no policy", enterprise.Policy{}, "kiosk", user},
		{"default", p, "", user},
		{"a label that says nothing", p, "north", user},
		{"label", p, "north kiosk", device},
		{"two labels that disagree", p, "sales kiosk", device},
		{"label over default", forced, "sales", user},
		{"default of the enterprise", forced, "north", device},
	} {
		if got := tc.policy.AccountTypeFor(strings.Fields(tc.labels)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
