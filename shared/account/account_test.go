package account_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestIdentifier_P3_OpaqueAndApart(t *testing.T) {
	t.Parallel()
	key := secret.New(strings.Repeat("k", 32))
	person := account.Subject{Kind: account.Person, ID: "jane.doe"}
	form := regexp.MustCompile(`^[a-z2-7]{32}$`)
	seen := map[string]string{}
	for _, tc := range []struct {
		name string
		id   string
	}{
		{"base", account.Identifier(key, "acme", account.UserAccount, person)},
		{"another key", account.Identifier(secret.New(strings.Repeat("x", 32)), "acme", account.UserAccount, person)},
		{"another enterprise", account.Identifier(key, "acme2", account.UserAccount, person)},
		{"another type", account.Identifier(key, "acme", account.DeviceAccount, person)},
		{"another kind", account.Identifier(key, "acme", account.UserAccount, account.Subject{Kind: account.Device, ID: "jane.doe"})},
		{"another person", account.Identifier(key, "acme", account.UserAccount, account.Subject{Kind: account.Person, ID: "jane.dof"})},
	} {
		if !form.MatchString(tc.id) {
			t.Errorf("%s: %q has the wrong form", tc.name, tc.id)
		}
		if strings.Contains(tc.id, "jane") || strings.Contains(tc.id, "doe") {
			t.Errorf("%s: %q shows the subject", tc.name, tc.id)
		}
		if other, ok := seen[tc.id]; ok {
			t.Errorf("%s and %s have the same identifier", tc.name, other)
		}
		seen[tc.id] = tc.name
	}
	if again := account.Identifier(key, "acme", account.UserAccount, person); seen[again] != "base" {
		t.Errorf("the identifier is not the same the second time: %s", again)
	}
}

func TestBind_P5_EleventhDevice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind account.Type
		room int
	}{{account.UserAccount, 10}, {account.DeviceAccount, 1}} {
		a := account.Account{Type: tc.kind}
		for i := range tc.room {
			if _, err := a.Bind(fmt.Sprint(i), noon); err != nil {
				t.Fatalf("%s: device %d: %v", tc.kind, i+1, err)
			}
		}
		if _, err := a.Bind("0", noon); err != nil {
			t.Errorf("%s: a bound device was refused: %v", tc.kind, err)
		}
		_, err := a.Bind("more", noon)
		if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != account.ReasonDeviceLimit {
			t.Errorf("%s: device %d: %v, want device-limit", tc.kind, tc.room+1, err)
		}
		if changed, kept := a.Vacate(noon, func(b account.Binding) bool { return b.DeviceID == "0" }); !changed || kept {
			t.Errorf("%s: leaving: changed %t, kept %t", tc.kind, changed, kept)
		}
		if _, err := a.Bind("more", noon); err != nil {
			t.Errorf("%s: no room after a device left: %v", tc.kind, err)
		}
	}
}

func TestAcknowledge_P4_LearnsTheName(t *testing.T) {
	t.Parallel()
	ledger, err := token.Ledger(nil).Begin(noon, "add-1", token.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a := account.Account{Bindings: []account.Binding{{DeviceID: "d1", Tokens: ledger}}}
	if a.Acknowledge("d2", account.Answer{DirectiveID: "add-1", Added: true, AccountName: "n"}, noon) {
		t.Error("a device that is not bound changed the row")
	}
	before := a.Bindings
	if !a.Acknowledge("d1", account.Answer{DirectiveID: "add-1", Added: true, AccountName: "n"}, noon) {
		t.Fatal("the answer changed nothing")
	}
	if a.Name != "n" || a.Bindings[0].Tokens[0].State != token.Added {
		t.Errorf("name %q, token %s", a.Name, a.Bindings[0].Tokens[0].State)
	}
	if before[0].Tokens[0].State != token.Outstanding {
		t.Error("the ledger that was there before was changed in place")
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	ledger, _ := token.Ledger(nil).Begin(noon, "add-1", token.Limits{})
	for _, tc := range []struct {
		name string
		row  account.Account
		want time.Time
	}{
		{"active, nothing open", account.Account{State: account.Active}, time.Time{}},
		{"token open", account.Account{State: account.Active, Bindings: []account.Binding{{}, {Tokens: ledger}}}, noon.Add(5 * time.Minute)},
		{"creating", account.Account{State: account.Creating, UpdatedAt: noon}, noon.Add(2 * time.Minute)},
		{"deleting in vain", account.Account{State: account.Deleting, UpdatedAt: noon, Attempts: 3}, noon.Add(16 * time.Minute)},
		{"ever more rarely, but never later than six hours", account.Account{State: account.Creating, UpdatedAt: noon, Attempts: 99}, noon.Add(6 * time.Hour)},
		{"deleted", account.Account{State: account.Deleted, UpdatedAt: noon}, time.Time{}},
	} {
		if got := tc.row.Due(); !got.Equal(tc.want) {
			t.Errorf("%s: due %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestIntend_P1(t *testing.T) {
	t.Parallel()
	missing := fault.New(fault.NotFound, "not-found", "")
	want := account.Account{ID: "a", Enterprise: "acme", Type: account.UserAccount, DisplayName: "Acme"}
	with := func(s account.State) account.Account {
		a := want
		a.State, a.UserID, a.Name = s, "u1", "n1"
		return a
	}
	type result struct {
		State       account.State
		UserID      string
		Incarnation int
		Dirty       bool
		Reason      string
	}
	foreign := with(account.Active)
	foreign.Enterprise = "other"
	for _, tc := range []struct {
		name string
		row  account.Account
		err  error
		want result
	}{
		{"new", account.Account{}, missing, result{State: account.Creating, Dirty: true}},
		{"creating", with(account.Creating), nil, result{State: account.Creating, UserID: "u1"}},
		{"active", with(account.Active), nil, result{State: account.Active, UserID: "u1"}},
		{"returns", with(account.Deleted), nil, result{State: account.Creating, Incarnation: 1, Dirty: true}},
		{"being deleted", with(account.Deleting), nil, result{Reason: "account-deleting"}},
		{"another's row", foreign, nil, result{Reason: "identifier-clash"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			row, dirty, err := account.Intend(tc.row, tc.err, want, noon)
			got := result{row.State, row.UserID, row.Incarnation, dirty, fault.ReasonOf(err)}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Intend (-want +got):\n%s", diff)
			}
		})
	}
}
