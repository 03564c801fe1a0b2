package passwordsweep_test

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// directoryAPI is a Google that takes every password, or answers what the test says.
type directoryAPI struct {
	now func() time.Time
	// answer, if set, says how Google answers the n-th call about an account, from 1.
	answer func(id string, n int) error

	mu      sync.Mutex
	calls   int
	minutes map[int]int // calls by minute since noon
	about   map[string]int
	offered map[string]map[string]int // how often Google judged each password that an account was sent
	has     map[string]string         // the password of each account
}

func newDirectoryAPI(now func() time.Time) *directoryAPI {
	return &directoryAPI{now: now, minutes: map[int]int{}, about: map[string]int{}, offered: map[string]map[string]int{}, has: map[string]string{}}
}

func (g *directoryAPI) SetPassword(_ context.Context, k workspace.Key, v secret.Value) (workspace.User, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	g.about[k.ID]++
	g.minutes[int(g.now().Sub(noon)/time.Minute)]++
	if g.answer != nil {
		if err := g.answer(k.ID, g.about[k.ID]); fault.KindOf(err) == fault.Transient {
			return workspace.User{}, err
		} else if err != nil {
			g.judge(k.ID, v.Reveal())
			return workspace.User{}, err
		}
	}
	g.judge(k.ID, v.Reveal())
	g.has[k.ID] = v.Reveal()
	return workspace.User{ID: k.ID}, nil
}

func (g *directoryAPI) judge(id, password string) {
	if g.offered[id] == nil {
		g.offered[id] = map[string]int{}
	}
	g.offered[id][password]++
}

func backend() error { return fault.New(fault.Transient, "google-backend", "Google has a fault.") }
