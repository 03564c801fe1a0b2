package agent_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

type killed struct{}

// live runs the agent until its device is converged, or until it is killed.
func live(p *phone) (dead bool, err error) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(killed); !ok {
				panic(x)
			}
			dead = true
		}
	}()
	a := p.start()
	for range 6 {
		if err = a.Enroll(p.t.Context(), secret.New(enrollmentToken)); err != nil {
			continue
		}
		r, cerr := a.CheckIn(p.t.Context())
		if err = cerr; err == nil && r.Converged {
			return false, nil
		}
	}
	return false, fmt.Errorf("not converged; last error %w", err)
}

// TestCrashAtEveryStep kills the agent at each of its steps in turn: before and
// after every save, every request, and every change of the device's accounts. The
// device converges, and the account is added exactly once.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	scenarios := map[string]func(*phone){
		"new device":      func(*phone) {},
		"foreign account": func(p *phone) { p.accounts = []protocol.Account{{Name: "old@x.example", State: protocol.AccountReady}} },
		"same account, invalidated": func(p *phone) {
			p.accounts = []protocol.Account{{Name: accountName, State: protocol.AccountInvalidated}}
		},
	}
	for name, prepare := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				p := newPhone(t, newServer(t))
				prepare(p)
				steps := 0
				p.step = func() {
					if steps++; steps == at {
						panic(killed{})
					}
				}
				dead, err := live(p)
				if err != nil {
					t.Fatalf("step %d: %v", at, err)
				}
				if !dead {
					t.Logf("%d steps", at-1)
					if at < 10 {
						t.Error("too few steps to be true")
					}
					return
				}
				p.step = func() {}
				if _, err := live(p); err != nil {
					t.Fatalf("after death at step %d: %v", at, err)
				}
				p.wantConverged()
				if p.adds != 1 {
					t.Errorf("after death at step %d the account was added %d times, want once", at, p.adds)
				}
			}
		})
	}
}

// TestSaveFails lets each save fail in turn, with the agent living on.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 4; n++ {
		p := newPhone(t, newServer(t))
		p.failSave = n
		a := p.start()
		failed := 0
		for range 6 {
			err := a.Enroll(t.Context(), secret.New(enrollmentToken))
			if err == nil {
				_, err = a.CheckIn(t.Context())
			}
			if errors.Is(err, errDisk) {
				failed++
			} else if err != nil {
				t.Fatalf("save %d: %v", n, err)
			}
		}
		if failed != 1 {
			t.Errorf("save %d failed %d calls, want 1", n, failed)
		}
		p.wantConverged()
		if p.adds != 1 {
			t.Errorf("save %d: the account was added %d times, want once", n, p.adds)
		}
	}
}
