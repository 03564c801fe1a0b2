package checkin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/token"
)

const accountName = "a1b2c3@managed-play.example"

func notFound() error { return fault.New(fault.NotFound, "not-found", "") }

func holding(state protocol.AccountState) []protocol.Account {
	return []protocol.Account{{Name: accountName, State: state}}
}

// done is a report of the current directive's success.
func (p *phone) done() protocol.CheckInRequest {
	return protocol.CheckInRequest{Accounts: holding(protocol.AccountReady), Outcomes: []protocol.Outcome{
		{DirectiveID: p.row().Desired.AddID(), Result: protocol.Done, AccountName: accountName}}}
}

func (p *phone) failed() protocol.CheckInRequest {
	return protocol.CheckInRequest{Outcomes: []protocol.Outcome{
		{DirectiveID: p.row().Desired.AddID(), Result: protocol.Failed, Reason: "INVALID_TOKEN"}}}
}

// TestCheckIn_T4_AnswersReachTheLedger: what a device says of a token is in the
// ledger and in the trail, once.
func TestCheckIn_T4_AnswersReachTheLedger(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		after  time.Duration
		report func(*phone) protocol.CheckInRequest
		state  token.State
		reason string
		line   *line
	}{
		{"added", time.Minute, (*phone).done, token.Added, "", &line{Action: "token.added", Result: "ok"}},
		{"failed", time.Minute, (*phone).failed, token.Failed, "INVALID_TOKEN", &line{Action: "token.failed", Result: "INVALID_TOKEN"}},
		{"added, said late", time.Hour, (*phone).done, token.Added, "", &line{Action: "token.added", Result: "ok"}},
		{"failed, said late", time.Hour, (*phone).failed, token.Expired, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newBench(t).phone()
			p.asked()
			if tc.after >= 5*time.Minute {
				p.expire(tc.after)
			}
			p.now = noon.Add(tc.after)
			report := tc.report(p)
			p.report(report)
			p.report(report) // a lost reply has it said again
			mint := p.account().Bindings[0].Tokens[0]
			if mint.State != tc.state || mint.Reason != tc.reason {
				t.Errorf("the token is %s (%s), want %s (%s)", mint.State, mint.Reason, tc.state, tc.reason)
			}
			want := []line{}
			if tc.line != nil {
				want = append(want, line{"device:" + p.id, tc.line.Action, "account:" + p.account().ID, tc.line.Result})
			}
			if diff := cmp.Diff(want, p.trail()); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// expire gives the token up, as the function reconcile does at its deadline.
func (p *phone) expire(after time.Duration) {
	p.t.Helper()
	a := p.account()
	a.Bindings[0].Tokens = a.Bindings[0].Tokens.Expire(noon.Add(after))
	p.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
}

// TestCheckIn_P4_AccountIsFoundByName: from the device's word on, whoever word of
// the token came first.
func TestCheckIn_P4_AccountIsFoundByName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before func(*phone)
	}{
		{"the device speaks first", func(*phone) {}},
		{"Google's notification came before", func(p *phone) {
			a := p.account()
			b := &a.Bindings[0]
			b.Tokens, _ = b.Tokens.Acknowledge(p.now, b.Tokens[0].DirectiveID, true, "")
			p.put(func(tx *record.Tx) error { return tx.PutAccount(a) })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newBench(t).phone()
			p.asked()
			tc.before(p)
			if reply := p.report(p.done()); len(reply.Directives) != 0 {
				t.Errorf("a device that did everything is told %v", reply.Directives)
			}
			found, _, err := p.db.AccountsByName(t.Context(), "acme", accountName, record.Page{})
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v, %v", found, err)
			}
			if want := p.row().Desired.AccountID; found[0].ID != want {
				t.Errorf("found %s, want %s", found[0].ID, want)
			}
		})
	}
}

// TestCheckIn_P4_LongestName: the longest name that the protocol allows, in
// characters that take four bytes, is taken in and found.
func TestCheckIn_P4_LongestName(t *testing.T) {
	t.Parallel()
	p := newBench(t).phone()
	p.asked()
	name := strings.Repeat("\U0001F4F1", 254)
	report := p.done()
	report.Accounts[0].Name, report.Outcomes[0].AccountName = name, name
	p.report(report)
	found, _, err := p.db.AccountsByName(t.Context(), "acme", name, record.Page{})
	if err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

// TestCheckIn_T5_LostSignIn: the account is removed and added again under a
// directive that is new, and the trail tells of it.
func TestCheckIn_T5_LostSignIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		report  []protocol.Account
		removes bool
	}{
		{"ACCOUNT_REAUTH_REQUIRED", holding(protocol.AccountInvalidated), true},
		{"removed by hand", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newBench(t).phone()
			p.asked()
			first := p.row().Desired.AddID()
			p.report(p.done())
			reply := p.report(protocol.CheckInRequest{Accounts: tc.report})
			add := protocol.Directive{ID: p.row().Desired.AddID(), Kind: protocol.AddAccount, AccountType: "userAccount"}
			if add.ID == first {
				t.Error("the second addition has the first one's directive")
			}
			got := reply.Directives
			if tc.removes {
				if len(got) != 2 || got[0].Kind != protocol.RemoveAccount || got[0].AccountName != accountName {
					t.Fatalf("directives %v, want a removal and an addition", got)
				}
				got = got[1:]
			}
			if diff := cmp.Diff([]protocol.Directive{add}, got); diff != "" {
				t.Errorf("directives (-want +got):\n%s", diff)
			}
			trail := p.trail()
			want := line{"device:" + p.id, "account.invalidated", "account:" + p.account().ID, "ok"}
			if last := trail[len(trail)-1]; last != want {
				t.Errorf("trail ends with %v, want %v", last, want)
			}
			if again := p.report(protocol.CheckInRequest{Accounts: tc.report}); cmp.Diff(reply.Directives, again.Directives) != "" {
				t.Errorf("directives change although nothing did (C3): %v", again.Directives)
			}
		})
	}
}

// TestCheckIn_AfterAFailure: the device hears of another attempt under a new
// directive, and is to leave it for a while.
func TestCheckIn_AfterAFailure(t *testing.T) {
	t.Parallel()
	p := newBench(t).phone()
	p.asked()
	first := p.row().Desired.AddID()
	reply := p.report(p.failed())
	if ds := reply.Directives; len(ds) != 1 || ds[0].Kind != protocol.AddAccount || ds[0].ID == first {
		t.Errorf("directives %v, want one addition with a new id", ds)
	}
	if reply.NextCheckInSeconds != 900 {
		t.Errorf("next check-in in %d s, want 900", reply.NextCheckInSeconds)
	}
}

// TestCheckIn_AccountsThatAreNotWanted: whoever must not have an account gives up
// each that it reports, and is not told to add one.
func TestCheckIn_AccountsThatAreNotWanted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*device.Device)
	}{
		{"retired", func(d *device.Device) { d.State = device.Retired; d.Desired.Want("") }},
		{"revoked", func(d *device.Device) { d.Desired.Withdraw(device.Revoked) }},
		{"account deleted", func(d *device.Device) { d.Desired.Withdraw(device.AccountGone) }},
		{"enterprise gone", func(d *device.Device) { d.Desired.Withdraw(device.EnterpriseGone) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newBench(t).phone()
			p.asked()
			p.report(p.done())
			p.change(tc.change)
			reply := p.report(protocol.CheckInRequest{Accounts: holding(protocol.AccountReady)})
			if ds := reply.Directives; len(ds) != 1 || ds[0].Kind != protocol.RemoveAccount || ds[0].AccountName != accountName {
				t.Fatalf("directives %v, want one removal", ds)
			}
			if reply = p.report(protocol.CheckInRequest{}); len(reply.Directives) != 0 {
				t.Errorf("after it gave the account up it is told %v", reply.Directives)
			}
		})
	}
}

// TestCheckIn_AnEnterpriseThatCameBack: devices that were held because Google no
// longer knew the enterprise add their accounts again once it is bound, without an
// operator.
func TestCheckIn_AnEnterpriseThatCameBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone()
	p.change(func(d *device.Device) { d.Desired.Withdraw(device.EnterpriseGone) })
	if ds := p.report(protocol.CheckInRequest{}).Directives; len(ds) != 0 {
		t.Fatalf("just after it was held it is told %v", ds)
	}
	b.now = b.now.Add(15 * time.Minute)
	if ds := p.report(protocol.CheckInRequest{}).Directives; len(ds) != 1 || ds[0].Kind != protocol.AddAccount {
		t.Errorf("directives %v, want one addition", ds)
	}
}
