package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// turnover is what became of the people who left, were locked and came back.
type turnover struct {
	Left         int `json:"left"`
	Locked       int `json:"locked"`
	Withdrawn    int `json:"devicesWithdrawn"`
	Returned     int `json:"returned"`
	AddedAgain   int `json:"devicesAddedAgain"`
	StillHolding int `json:"devicesStillHolding"`
}

// turn has one person leave and another be locked for a while, in the directory
// alone, and follows their devices: what they hold must go, and come back with the
// one who returns.
func (g *organisation) turn(ctx context.Context, f *fleet, patience time.Duration) (t turnover, err error) {
	owners := f.owners()
	if len(owners) < 3 {
		return t, nil
	}
	leaver, absent := owners[len(owners)-1], owners[len(owners)-2]
	if err := g.console.leave(leaver); err != nil {
		return t, err
	}
	if err := g.console.lock(absent); err != nil {
		return t, err
	}
	if _, err := g.synced(ctx, patience, true); err != nil {
		return t, err
	}
	for _, p := range []person.Person{leaver, absent} {
		if err := g.settled(ctx, patience, p.Key); err != nil {
			return t, err
		}
		without, with, err := f.holding(ctx, p.ID)
		if err != nil {
			return t, err
		}
		t.Withdrawn += without
		t.StillHolding += with
	}
	t.Left, t.Locked = 1, 1
	if err := g.console.unlock(absent); err != nil {
		return t, err
	}
	if _, err := g.synced(ctx, patience, true); err != nil {
		return t, err
	}
	if err := g.settled(ctx, patience, absent.Key); err != nil {
		return t, err
	}
	_, t.AddedAgain, err = f.holding(ctx, absent.ID)
	t.Returned = 1
	return t, err
}

// settled waits until a person's devices and accounts have the access that the
// person's state gives.
func (g *organisation) settled(ctx context.Context, patience time.Duration, key string) error {
	db, err := g.stack.Process.DB(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return retry.Do(ctx, retry.NewConstant(50*time.Millisecond), func(ctx context.Context) error {
		p, err := db.Person(ctx, key)
		if err == nil && p.Settled != p.State.Access() {
			return retry.RetryableError(fmt.Errorf("the accounts of a person who is %s are not settled", p.State))
		}
		return err
	})
}

// signedIn returns how many devices enrol with a password of the directory.
func (f *fleet) signedIn() (n int) {
	for _, p := range f.phones {
		if p.token.Empty() {
			n++
		}
	}
	return n
}

// owners returns the people who have devices, in order of user id, once each.
func (f *fleet) owners() []person.Person {
	seen := map[string]bool{}
	var out []person.Person
	for _, p := range f.phones {
		if p.owner.Key != "" && !seen[p.owner.Key] {
			seen[p.owner.Key] = true
			out = append(out, p.owner)
		}
	}
	slices.SortFunc(out, byLogin)
	return out
}

// holding has a person's devices check in until they have nothing left to do, and
// counts those without an account and those with one.
func (f *fleet) holding(ctx context.Context, id string) (without, with int, err error) {
	for _, p := range f.phones {
		if p.owner.ID != id {
			continue
		}
		if err := p.settle(ctx); err != nil {
			return without, with, err
		}
		accounts, err := p.play.Accounts(ctx)
		if err != nil {
			return without, with, err
		}
		if len(accounts) == 0 {
			without++
		} else {
			with++
		}
	}
	return without, with, nil
}

// doubt has the directory list nobody, as a wrong filter or a bad day makes it, and
// returns what Rollcall said to that, or nothing where the directory cannot. An
// admin rejects the run.
func (g *organisation) doubt(ctx context.Context, patience time.Duration) (string, error) {
	if !g.console.vanish(true) {
		return "", nil
	}
	defer g.console.vanish(false)
	r, err := g.sync(ctx, patience, true)
	if err != nil {
		return "", err
	}
	if r.Phase != directory.Quarantined || len(r.Breaches) == 0 {
		return "", fmt.Errorf("a directory that listed nobody was believed: the run is %s", r.Phase)
	}
	if err := g.office.post(ctx, g.path("/runs/"+r.ID+"/reject"), map[string]any{}, nil); err != nil {
		return "", err
	}
	_, err = g.until(ctx, patience, r.ID, func(p directory.Phase) bool { return p == directory.Rejected })
	return r.Breaches[0].Text, err
}
