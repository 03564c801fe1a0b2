package stack_test

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestToken_P2_AThousandRequestsMakeOneAccount: ten devices of one person ask for
// their tokens a hundred times each, all at once, for an account that nobody has
// made yet.
func TestToken_P2_AThousandRequestsMakeOneAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const devices, requests, burst = account.MaxDevices, 100, 8
	w.config.TokenBurst, w.config.TokenDaily = burst, 1000
	w.restart()
	enrollment := w.enrollmentToken("person-1", devices)

	type caller struct {
		client    *agent.Client
		directive string
	}
	var callers []caller
	for range devices {
		k, err := agent.GenerateKeys(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c, err := agent.NewClient(k, &agent.Options{Tries: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Enroll(t.Context(), w.URL+"/enroll", enrollment, protocol.DeviceInfo{}); err != nil {
			t.Fatal(err)
		}
		r, err := c.CheckIn(t.Context(), w.URL+"/checkin", protocol.CheckInRequest{Accounts: []protocol.Account{}})
		if err != nil || len(r.Directives) != 1 {
			t.Fatalf("check-in: %v, %d directives", err, len(r.Directives))
		}
		callers = append(callers, caller{c, r.Directives[0].ID})
	}

	var minted atomic.Int64
	var refused sync.Map
	start := make(chan struct{})
	var wg sync.WaitGroup
	for _, c := range callers {
		for range requests {
			wg.Go(func() {
				<-start
				if _, err := c.client.Token(t.Context(), w.URL+"/token", protocol.TokenRequest{DirectiveID: c.directive}); err != nil {
					refused.Store(err.Error(), true)
					return
				}
				minted.Add(1)
			})
		}
	}
	close(start)
	wg.Wait()
	refused.Range(func(text, _ any) bool {
		t.Logf("refused: %v", text)
		return true
	})
	rows, _, err := w.db().Accounts(t.Context(), "acme", record.Page{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || w.play.UserCount(w.ent) != 1 {
		t.Errorf("%d rows and %d accounts at Google, want one of each", len(rows), w.play.UserCount(w.ent))
	}
	// A proof that is older than the last change is refused, so a device may get
	// fewer tokens than its limit allows.
	if n := minted.Load(); n < devices || n > devices*burst {
		t.Errorf("%d tokens, want %d to %d", n, devices, devices*burst)
	}
	if n := w.play.InsertCalls(); n > 20 {
		t.Errorf("%d calls to Users.insert; requests that wait together must share one", n)
	}
}

// TestStoreOperations_C4 holds what each request costs.
func TestStoreOperations_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.phone(w.enrollmentToken("person-1", 2))
	type cost struct {
		Function      string
		Reads, Writes int64
	}
	costs := func() []cost {
		var cs []cost
		for _, s := range w.take() {
			cs = append(cs, cost{s.Function, s.Reads, s.Writes})
		}
		return cs
	}
	w.take()
	p.settle()
	want := []cost{
		{"enroll", 6, 3},  // token, enterprise, directory, device, person, shard; device, shard, trail
		{"checkin", 1, 0}, // these two together
		{"token", 3, 4},   // stay within 4 reads and 4 writes
		{"checkin", 3, 3}, // device twice, account; both, trail
	}
	if diff := cmp.Diff(want, costs()); diff != "" {
		t.Errorf("a new device (-want +got):\n%s", diff)
	}
	p.settle()
	if diff := cmp.Diff([]cost{{"checkin", 1, 0}}, costs()); diff != "" {
		t.Errorf("a steady check-in (-want +got):\n%s", diff)
	}
	second := w.phone(p.token)
	second.settle()
	want = []cost{{"enroll", 6, 3}, {"checkin", 1, 0}, {"token", 2, 2}, {"checkin", 3, 3}}
	if diff := cmp.Diff(want, costs()); diff != "" {
		t.Errorf("a second device of the person (-want +got):\n%s", diff)
	}
}

// TestFlow_P5_ElevenDevicesOfOnePerson: the eleventh gets an account of its own,
// as the enterprise's policy says.
func TestFlow_P5_ElevenDevicesOfOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	enrollment := w.enrollmentToken("person-1", account.MaxDevices+1)
	for range account.MaxDevices + 1 {
		w.phone(enrollment).settle()
	}
	got := map[string]int{}
	for _, u := range w.play.Users(w.ent) {
		got[fmt.Sprintf("%s on %d", u.Type, len(u.Devices))]++
	}
	want := map[string]int{"userAccount on 10": 1, "deviceAccount on 1": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts at Google (-want +got):\n%s", diff)
	}
}

// TestFlow_LostSignInAndDeletedAccount: a device whose sign-in is lost, and one
// whose account was deleted at Google, come back by themselves.
func TestFlow_LostSignInAndDeletedAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.phone(w.enrollmentToken("person-1", 1))
	p.settle()
	before := w.play.Users(w.ent)[0]

	p.play.LoseSignIn(before.AccountName)
	p.settle()
	if u := w.play.Users(w.ent)[0]; u.ID != before.ID {
		t.Errorf("a lost sign-in made another account: %s, was %s", u.ID, before.ID)
	}
	w.play.DeleteUser(w.ent, before.ID)
	p.settle()
	after := w.play.Users(w.ent)
	if len(after) != 1 || after[0].ID == before.ID || after[0].Identifier != before.Identifier {
		t.Errorf("after the deletion Google has %+v; want a new account under the identifier %s", after, before.Identifier)
	}
	w.check(p)

	w.play.DeleteEnterprise(w.ent)
	for range 3 {
		_, _ = p.once(t.Context())
	}
	devices, _, err := w.db().Devices(t.Context(), "acme", record.Page{})
	if err != nil {
		t.Fatal(err)
	}
	if s := devices[0].Status(); s != "held" || string(devices[0].Desired.Hold) != account.ReasonEnterpriseMissing {
		t.Errorf("with the enterprise gone the device is %s (%s)", s, devices[0].Desired.Hold)
	}
}

// TestAgents_KeepGoingWithTheServerDown: a check-in against nothing is an error
// that a later one mends.
func TestAgents_KeepGoingWithTheServerDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.phone(w.enrollmentToken("person-1", 1))
	p.settle()
	if err := w.Stack.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.once(t.Context()); err == nil {
		t.Error("a check-in without a server succeeded")
	}
	w.start()
	p.settle()
}
