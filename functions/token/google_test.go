package token_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// TestToken_T4_GoogleGivesNone: the device hears whether and when to come back,
// nothing is left outstanding, and the next call after the trouble succeeds.
func TestToken_T4_GoogleGivesNone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script googletest.Script
		want   refusal
	}{
		{"down, and says for how long", googletest.Script{Method: insert, Mode: googletest.Refuse, RetryAfter: "7"},
			refusal{http.StatusServiceUnavailable, "google-backend", 7}},
		{"down", googletest.Script{Method: insert, Mode: googletest.Refuse}, refusal{http.StatusServiceUnavailable, "google-backend", 10}},
		{"down at the token", googletest.Script{Method: mint, Mode: googletest.Refuse}, refusal{http.StatusServiceUnavailable, "google-backend", 10}},
		{"not reached", googletest.Script{Method: "*", Mode: googletest.DropBefore}, refusal{http.StatusServiceUnavailable, "google-network", 10}},
		{"too many calls", googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 429, RetryAfter: "20"},
			refusal{http.StatusTooManyRequests, "google-quota", 20}},
		{"access token not accepted", googletest.Script{Method: insert, Mode: googletest.Refuse, Status: 401},
			refusal{http.StatusServiceUnavailable, "google-token-rejected", 10}},
		{"forbidden", googletest.Script{Method: insert, Mode: googletest.Refuse, Status: 403},
			refusal{Status: http.StatusBadGateway, Reason: "google-forbidden"}},
		{"request wrong", googletest.Script{Method: insert, Mode: googletest.Refuse, Status: 400},
			refusal{Status: http.StatusBadGateway, Reason: "google-invalid"}},
		{"the answer with the token is lost", googletest.Script{Method: mint, Mode: googletest.DropAfter},
			refusal{http.StatusServiceUnavailable, "google-network", 10}},
		{"the new account is not known everywhere", googletest.Script{Method: mint, Mode: googletest.Refuse, Status: 404},
			refusal{http.StatusServiceUnavailable, "play-user-missing", 10}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.phone(account.DeviceAccount)
			b.sim.Faults.Add(tc.script)
			if diff := cmp.Diff(tc.want, refusalOf(p.ask())); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			row, records := p.account(), b.trail()
			if m := row.Bindings[0].Tokens[0]; m.State != token.Withheld || m.Reason != tc.want.Reason {
				t.Errorf("the attempt is %s (%s), want withheld (%s)", m.State, m.Reason, tc.want.Reason)
			}
			if row.Reason != tc.want.Reason {
				t.Errorf("the row's reason is %q, want %q", row.Reason, tc.want.Reason)
			}
			last := line{"device:" + p.id, "token.withhold", "account:" + row.ID, tc.want.Reason}
			if diff := cmp.Diff(last, records[len(records)-1]); diff != "" {
				t.Errorf("the trail's last record (-want +got):\n%s", diff)
			}

			b.sim.Faults.Clear()
			b.advance(time.Minute)
			p.report(p.add(), "")
			if row = p.account(); row.State != account.Active || row.Reason != "" || row.UserID != b.only().ID {
				t.Errorf("after the trouble: %s %q, user %s; Google has %s", row.State, row.Reason, row.UserID, b.only().ID)
			}
		})
	}
}

// TestToken_P2_LostAnswerOfInsert: Google made the account and nobody heard; the
// repeated call finds it.
func TestToken_P2_LostAnswerOfInsert(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults.Add(googletest.Script{Method: insert, Mode: googletest.DropAfter, Times: 1})
	p := b.phone(account.UserAccount)
	p.add()
	if got := p.account().UserID; got != b.only().ID {
		t.Errorf("the row names %s, Google %s", got, b.only().ID)
	}
}

// TestToken_T5_AccountDeletedAtGoogle: an account that Google lost is made anew
// under its identifier, in the request that finds it missing.
func TestToken_T5_AccountDeletedAtGoogle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.UserAccount)
	p.report(p.add(), "")
	before := b.only()
	b.sim.DeleteUser(b.playID, before.ID)
	if ds := p.report("", ""); len(ds) != 2 {
		t.Fatalf("a device whose account is gone is told %v, want to remove and to add", ds)
	}
	if err := p.play.RemoveAccount(t.Context(), before.AccountName); err != nil {
		t.Fatal(err)
	}
	known := len(b.trail())
	if ds := p.report(p.add(), ""); len(ds) != 0 {
		t.Errorf("a device that did everything is told %v", ds)
	}
	after, row := b.only(), p.account()
	if after.ID == before.ID || after.Identifier != before.Identifier {
		t.Errorf("Google has %s for %s, want another user under %s", after.ID, after.Identifier, before.Identifier)
	}
	if row.UserID != after.ID || row.Incarnation != 1 || row.Name != after.AccountName {
		t.Errorf("row: user %s, incarnation %d, name %s; want %s, 1, %s", row.UserID, row.Incarnation, row.Name, after.ID, after.AccountName)
	}
	who, whom := "device:"+p.id, "account:"+row.ID
	want := []line{{who, "token.request", whom, "ok"}, {who, "account.lost", whom, "play-user-missing"}, {who, "account.create", whom, "ok"}}
	if diff := cmp.Diff(want, b.trail()[known:]); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestToken_T5_EnterpriseGone: whether deleted or unbound, before the account was
// made or after, the device hears why and is held.
func TestToken_T5_EnterpriseGone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before bool // the account was made before
		unbind bool
	}{
		{"deleted before the account was made", false, false},
		{"deleted after", true, false},
		{"unbound before the account was made", false, true},
		{"unbound after", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.phone(account.UserAccount)
			if tc.before {
				p.open(p.ask())
			}
			directive := p.row().Desired.AddID()
			if tc.unbind {
				for _, method := range []string{insert, mint, "androidenterprise.enterprises.get"} {
					b.sim.Faults.Add(googletest.Script{Method: method, Mode: googletest.Refuse, Status: 403})
				}
			} else {
				b.sim.DeleteEnterprise(b.playID)
			}
			want := refusal{Status: http.StatusForbidden, Reason: "play-enterprise-missing"}
			if diff := cmp.Diff(want, refusalOf(p.send(p.proved(directive)))); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			if got := p.row().Desired.Hold; got != device.EnterpriseGone {
				t.Errorf("hold %q, want %q", got, device.EnterpriseGone)
			}
			if ds := p.report("", ""); len(ds) != 0 {
				t.Errorf("a held device is told %v", ds)
			}
			records := b.trail()
			last := line{"device:" + p.id, "token.withhold", "account:" + p.account().ID, "play-enterprise-missing"}
			if diff := cmp.Diff(last, records[len(records)-1]); diff != "" {
				t.Errorf("the trail's last record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestToken_T4_LateFailureSparesTheNextAttempt: a device that gave up waiting and
// asked again holds a token; that its first call fails afterwards must not mark
// the second one's token as withheld.
func TestToken_T4_LateFailureSparesTheNextAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.UserAccount)
	slow := &overtaken{provider: b.issuer.Accounts.Google}
	b.issuer.Accounts.Google = slow
	var second string
	slow.meanwhile = func() {
		b.advance(time.Second)
		second = p.open(p.ask()).Token
		b.sim.Faults.Add(googletest.Script{Method: mint, Mode: googletest.Refuse, Times: 1})
	}
	if got := refusalOf(p.ask()).Status; got != http.StatusServiceUnavailable {
		t.Errorf("the first call: status %d, want 503", got)
	}
	name, err := p.play.AddAccount(t.Context(), secret.New(second))
	if err != nil {
		t.Fatal(err)
	}
	p.report(name, "")
	states := []token.State{}
	for _, m := range p.account().Bindings[0].Tokens {
		states = append(states, m.State)
	}
	if diff := cmp.Diff([]token.State{token.Superseded, token.Added}, states); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// overtaken lets something happen while the first call for a token is under way.
type overtaken struct {
	provider
	once      sync.Once
	meanwhile func()
}

type provider interface {
	account.Provider
	account.Remover
}

func (o *overtaken) MintToken(ctx context.Context, ent, user string) (secret.Value, error) {
	var first bool
	o.once.Do(func() { first = true })
	if first {
		o.meanwhile()
	}
	return o.provider.MintToken(ctx, ent, user)
}

// hurried notes by when each call to Google has to end.
type hurried struct {
	account.Provider
	account.Remover
	ends []time.Time
}

func (h *hurried) note(ctx context.Context) {
	end, _ := ctx.Deadline()
	h.ends = append(h.ends, end)
}

func (h *hurried) Insert(ctx context.Context, ent string, s account.Spec) (string, error) {
	h.note(ctx)
	return h.Provider.Insert(ctx, ent, s)
}

func (h *hurried) MintToken(ctx context.Context, ent, user string) (secret.Value, error) {
	h.note(ctx)
	return h.Provider.MintToken(ctx, ent, user)
}

// TestToken_GoogleHasATime: Google is not waited for after the agent has given the
// request up, for nobody would receive the token.
func TestToken_GoogleHasATime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := &hurried{Provider: b.issuer.Accounts.Google, Remover: b.issuer.Accounts.Google}
	b.issuer.Accounts.Google = h
	latest := time.Now().Add(30 * time.Second)
	b.phone(account.UserAccount).add()
	if len(h.ends) != 2 {
		t.Fatalf("%d calls, want 2", len(h.ends))
	}
	for i, end := range h.ends {
		if end.IsZero() || end.After(latest) {
			t.Errorf("call %d may last until %v, want before %v", i+1, end, latest)
		}
	}
}
