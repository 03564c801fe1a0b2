package provision_test

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// cut lets something happen in the middle of something else: before the at-th step
// of it, where the steps are the operations of the store and both sides of each call
// to Google. What happens then is not cut itself.
type cut struct {
	at, count int
	inside    bool
	meanwhile func()
}

func (c *cut) step() {
	if c.meanwhile == nil || c.inside {
		return
	}
	if c.count++; c.count == c.at {
		c.inside = true
		c.meanwhile()
		c.inside = false
	}
}

// into has meanwhile happen before the k-th step of do, and reports whether do has
// so many.
func (b *bench) into(k int, do, meanwhile func()) bool {
	b.cut = cut{at: k, meanwhile: meanwhile}
	do()
	reached := b.cut.count >= k
	b.cut = cut{}
	return reached
}

// stepped is a store whose operations are steps.
type stepped struct {
	store.Driver
	cut *cut
}

func (s stepped) Get(ctx context.Context, key store.Key) (store.Document, error) {
	s.cut.step()
	return s.Driver.Get(ctx, key)
}

func (s stepped) Find(ctx context.Context, q store.Query) ([]store.Document, error) {
	s.cut.step()
	return s.Driver.Find(ctx, q)
}

func (s stepped) Update(ctx context.Context, fn func(store.Txn) error) error {
	s.cut.step()
	return s.Driver.Update(ctx, fn)
}

// steppedGoogle is a Google whose calls have a step on each side.
type steppedGoogle struct {
	provider
	cut *cut
}

func (s steppedGoogle) Insert(ctx context.Context, ent string, spec account.Spec) (string, error) {
	s.cut.step()
	defer s.cut.step()
	return s.provider.Insert(ctx, ent, spec)
}

func (s steppedGoogle) MintToken(ctx context.Context, ent, user string) (secret.Value, error) {
	s.cut.step()
	defer s.cut.step()
	return s.provider.MintToken(ctx, ent, user)
}

func (s steppedGoogle) RevokeDeviceAccess(ctx context.Context, ent, user string) error {
	s.cut.step()
	defer s.cut.step()
	return s.provider.RevokeDeviceAccess(ctx, ent, user)
}

func (s steppedGoogle) Delete(ctx context.Context, ent, user string) error {
	s.cut.step()
	defer s.cut.step()
	return s.provider.Delete(ctx, ent, user)
}
