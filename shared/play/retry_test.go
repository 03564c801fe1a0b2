package play_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play"
)

// P2: an answer that is lost after Google has done the work.
func TestInsertAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]googletest.Mode{"drop": googletest.DropAfter, "malformed": googletest.Malformed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: mode, Times: 2})
			id := b.insert(t)
			users := b.sim.Users(b.ent)
			if len(users) != 1 || users[0].ID != id || b.sim.InsertCalls() != 3 {
				t.Errorf("%d inserts made %+v, returned %s", b.sim.InsertCalls(), users, id)
			}
		})
	}
}

func TestConcurrentInsertsMakeOneAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = b.Insert(t.Context(), b.ent, spec); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := b.sim.UserCount(b.ent); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if n := b.sim.Faults.Calls(googletest.TokenMethod); n != 1 {
		t.Errorf("%d token requests, want one for all", n)
	}
}

// T1, T3: minting is repeated only where nothing was minted.
func TestMintIsNotDoubled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script googletest.Script
		works  bool
		minted int
	}{
		{"429", googletest.Script{Method: mintMethod, Mode: googletest.Refuse, Status: 429, RetryAfter: "1"}, true, 1},
		{"401", googletest.Script{Method: mintMethod, Mode: googletest.Refuse, Status: 401}, true, 1},
		{"token endpoint down", googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Refuse}, true, 1},
		{"503", googletest.Script{Method: mintMethod, Mode: googletest.Refuse}, false, 0},
		{"HTML", googletest.Script{Method: mintMethod, Mode: googletest.HTML, Status: 502}, false, 0},
		{"drop before", googletest.Script{Method: mintMethod, Mode: googletest.DropBefore}, false, 0},
		{"drop after", googletest.Script{Method: mintMethod, Mode: googletest.DropAfter}, false, 1},
		{"malformed", googletest.Script{Method: mintMethod, Mode: googletest.Malformed}, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.insert(t)
			b.sim.Tokens.RevokeAll()
			// The rejected token makes the first try of Lookup fetch another.
			if _, err := b.Lookup(t.Context(), b.ent, id); err != nil {
				t.Fatal(err)
			}
			if tc.script.Method == googletest.TokenMethod {
				b.sim.Tokens.RevokeAll()
			}
			tc.script.Times = 1
			b.sim.Faults.Add(tc.script)
			token, err := b.MintToken(t.Context(), b.ent, id)
			if tc.works && (err != nil || token.Empty()) {
				t.Errorf("mint: %v", err)
			}
			if !tc.works {
				if fault.KindOf(err) != fault.Transient {
					t.Errorf("mint: %v, want a transient fault", err)
				}
			}
			if n := len(b.sim.IssuedTokens()); n != tc.minted {
				t.Errorf("minted %d, want %d", n, tc.minted)
			}
		})
	}
}

// P2 under a storm: one call in ten loses its answer after the work is done, one
// in ten its request, and one in ten meets a limit or an outage.
func TestStormMakesNoDuplicates(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *play.Options) {
		o.Caller = google.NewCaller(google.Options{
			Attempts: 20, BreakerFailures: 1000,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		})
	})
	for _, s := range []googletest.Script{
		{Mode: googletest.DropAfter}, {Mode: googletest.DropBefore}, {Mode: googletest.Malformed},
		{Mode: googletest.Refuse, Status: 429, RetryAfter: "2"}, {Mode: googletest.Refuse, Status: 503}, {Mode: googletest.HTML, Status: 502},
	} {
		s.Method, s.Probability = "*", 0.1
		b.sim.Faults.Add(s)
	}
	const subjects = 30
	var wg sync.WaitGroup
	for i := range 2 * subjects {
		wg.Go(func() {
			identifier := fmt.Sprintf("id-%d", i%subjects)
			if _, err := b.Insert(t.Context(), b.ent, account.Spec{Identifier: identifier, Type: account.UserAccount}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := b.sim.UserCount(b.ent); n != subjects {
		t.Errorf("%d accounts for %d subjects", n, subjects)
	}
}
