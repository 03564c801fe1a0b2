package stack_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/reconcile"
	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// end is what every flow must come to, whatever broke on the way.
type end struct {
	GoogleAccounts, Rows, Devices int
	State                         account.State
	SameUser                      bool
	Bound                         []string // Android IDs at Google
	Status                        string
	OutstandingHere               int
	IssuedThere                   int
}

// check brings the clocks past every deadline, reconciles, and compares where the
// flow of one device of one person ended.
func (w *world) check(p *phone) {
	w.t.Helper()
	w.pass(time.Hour)
	if err := w.reconcileAt(time.Hour); err != nil {
		w.t.Errorf("reconcile: %v", err)
	}
	db, ctx := w.db(), w.t.Context()
	rows, _, err := db.Accounts(ctx, "acme", record.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	devices, _, err := db.Devices(ctx, "acme", record.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	users := w.play.Users(w.ent)
	got := end{GoogleAccounts: len(users), Rows: len(rows), Devices: len(devices), IssuedThere: w.play.TokenCount(playtest.TokenIssued)}
	if len(rows) == 1 && len(users) == 1 && len(devices) == 1 {
		got.State, got.SameUser = rows[0].State, rows[0].UserID == users[0].ID
		got.Bound, got.Status = users[0].Devices, devices[0].Status()
		for _, b := range rows[0].Bindings {
			for _, m := range b.Tokens {
				if m.State == token.Outstanding {
					got.OutstandingHere++
				}
			}
		}
	}
	want := end{GoogleAccounts: 1, Rows: 1, Devices: 1, State: account.Active, SameUser: true,
		Bound: []string{p.play.AndroidID()}, Status: "ready"}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("the end state (-want +got):\n%s", diff)
	}
}

// reconcileAt runs the function reconcile as if d had passed.
func (w *world) reconcileAt(d time.Duration) error {
	s, err := reconcile.NewSweeper(w.t.Context(), w.Process)
	if err != nil {
		return err
	}
	s.Now = func() time.Time { return time.Now().Add(d) }
	return s.Handle(w.t.Context(), event.Event{Topic: event.Reconcile})
}

// TestFlow_P2T4_CrashAtEveryStoreOperation: enrolment, check-in, provisioning,
// token and acknowledgement, with the store failing at each of its operations in
// turn, before and after the commit, once or (as in a crash) from then on. After
// a restart the device goes on and ends with one account, one row and no token
// outstanding.
func TestFlow_P2T4_CrashAtEveryStoreOperation(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("after=%v crash=%v", when == storetest.After, crash), func(t *testing.T) {
				t.Parallel()
				steps := 0
				for k := 1; ; k++ {
					w := newWorld(t)
					p := w.phone(w.enrollmentToken("person-1", 1))
					if crash {
						w.faulty.Crash(k, when)
					} else {
						w.faulty.Fail(k, when)
					}
					for range 3 {
						_, _ = p.once(t.Context())
					}
					fired := w.faulty.Fired()
					w.faulty.Fail(0, when)
					w.restart()
					p.settle()
					w.check(p)
					if t.Failed() {
						t.Fatalf("with the store failing at its operation %d", k)
					}
					if !fired {
						break
					}
					steps++
				}
				// Guards the test itself: the flow cannot have so few operations.
				if steps < 8 {
					t.Errorf("only %d operations failed", steps)
				}
			})
		}
	}
}

// TestFlow_P2T4_EveryCallToGoogleFails: the same with each kind of call to Google
// failing in each way, once and twice in a row.
func TestFlow_P2T4_EveryCallToGoogleFails(t *testing.T) {
	t.Parallel()
	for _, method := range []string{googletest.TokenMethod, "androidenterprise.users.insert", "androidenterprise.users.generateAuthenticationToken"} {
		for name, mode := range map[string]googletest.Script{
			"dropped before":      {Mode: googletest.DropBefore},
			"dropped after":       {Mode: googletest.DropAfter},
			"malformed":           {Mode: googletest.Malformed},
			"unavailable":         {Mode: googletest.Refuse, Status: 503},
			"quota":               {Mode: googletest.Refuse, Status: 429, RetryAfter: "7"},
			"web page":            {Mode: googletest.HTML, Status: 502},
			"echoing the request": {Mode: googletest.Echo, Status: 500},
		} {
			for _, times := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s/%s/%d", method, name, times), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					p := w.phone(w.enrollmentToken("person-1", 1))
					script := mode
					script.Method, script.Times = method, times
					w.play.Faults.Add(script)
					for range times {
						if done, _ := p.once(t.Context()); done {
							t.Fatal("the fault did not strike")
						}
					}
					w.restart()
					p.settle()
					w.check(p)
				})
			}
		}
	}
}
