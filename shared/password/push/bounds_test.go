package push_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// TestPush_StoreOperations holds what a push costs: policy and directory are read
// once in half a minute.
func TestPush_StoreOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.push(b.wanting("first"))
	key := b.hire("anna")
	cost := func(what string, reads, writes int64, do func(context.Context) error) {
		t.Helper()
		ctx, ops := store.WithOps(t.Context())
		if err := do(ctx); err != nil {
			t.Fatal(err)
		}
		if r, w := ops.Reads.Load(), ops.Writes.Load(); r != reads || w != writes {
			t.Errorf("%s: %d reads, %d writes; want %d, %d", what, r, w, reads, writes)
		}
	}
	push := func(ctx context.Context) error { _, err := b.Push(ctx, ent, key); return err }
	want := func(ctx context.Context) error { _, err := b.Want(ctx, ent, key); return err }
	rotate := func(ctx context.Context) error { _, err := b.Rotate(ctx, ent, key); return err }
	cost("a device needs the first password", 3, 1, want)
	cost("another device does", 1, 0, want)
	cost("push", 4, 3, push)
	cost("a nudge for nothing", 1, 0, push)
	cost("a device needs what is there", 1, 0, want)
	b.advance(b.row(key).RotateAt.Sub(b.clock()))
	cost("rotation", 3, 1, rotate)
	cost("a rotation that was made", 1, 0, rotate)
	cost("a push after long, before it is due", 3, 0, push)
	cost("a device needs the new one", 2, 1, want)
	cost("push of the new one", 4, 3, push)
	b.agree(key)
}

// TestPush_TheCallEndsBeforeTheLease: and before the caller's time; what is known
// then is in the row.
func TestPush_TheCallEndsBeforeTheLease(t *testing.T) {
	t.Parallel()
	for _, budget := range []time.Duration{0, 2 * time.Second, time.Hour} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.wanting("anna")
			// In the bubble the machine's clock is the pusher's.
			synctest.Test(t, func(t *testing.T) {
				b.Pusher.Now = time.Now
				b.google = func(ctx context.Context, _ push.Google, _ workspace.Key, _ secret.Value) (workspace.User, error) {
					<-ctx.Done()
					return workspace.User{}, google.Classify(ctx.Err())
				}
				b.put(func(tx *record.Tx) error {
					l := password.New(ent, key)
					f, err := password.Make(context.Background(), b.Generator, b.Keys, l.NextBound(), password.Policy{})
					if err != nil {
						return err
					}
					return tx.PutPassword(l.Want(time.Now().UTC(), f))
				})
				ctx := context.Background()
				want := 100 * time.Second
				if budget > 0 {
					c, cancel := context.WithTimeout(ctx, budget)
					defer cancel()
					ctx, want = c, min(want, budget)
				}
				start := time.Now()
				l, err := b.Push(ctx, ent, key)
				if err != nil || time.Since(start) != want {
					t.Errorf("the call took %v, want %v: %v", time.Since(start), want, err)
				}
				if l.State != password.Retry || l.Attempts != 0 || l.Last != google.ReasonDeadline || l.Unanswered.IsZero() {
					t.Errorf("the row is %+v", l)
				}
			})
		})
	}
}

// TestPush_W4_ANewerVersionWaitsForAnOlderCall: one that nobody waited for may reach
// Google after all, and must not come after the newer password.
func TestPush_W4_ANewerVersionWaitsForAnOlderCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.wanting("anna")
	var late func()
	b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error) {
		late = func() { _, _ = next.SetPassword(context.WithoutCancel(ctx), k, v) }
		return workspace.User{}, google.Classify(context.DeadlineExceeded)
	}
	b.push(key)
	b.google = nil
	b.advance(time.Second)
	if changed, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: key, Asked: b.clock(), When: password.AtOnce, Actor: "admin:a"}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if l := b.push(key); l.State != password.Pending || b.calls != 1 {
		t.Errorf("the newer version is offered while the older may be on its way: %+v", l)
	}
	b.advance(90 * time.Second)
	late()
	if l := b.drive(key); l.Version != 2 {
		t.Errorf("the row is %+v", l)
	}
	b.agree(key)
}

func TestPush_AnEndedCallerTakesNoLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.wanting("anna")
	before := b.row(key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Push(ctx, ent, key); err == nil {
		t.Error("a caller who had left got an answer")
	}
	if after := b.row(key); after != before || b.calls != 0 {
		t.Errorf("the row changed: %+v", after)
	}
}

// TestPush_ConfigurationIsRememberedForHalfAMinute: and no longer.
func TestPush_ConfigurationIsRememberedForHalfAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var subjects []string
	next := b.Pusher.Google
	b.Pusher.Google = func(ctx context.Context, c directory.Config) (push.Google, error) {
		subjects = append(subjects, c.Google.Subject)
		return next(ctx, c)
	}
	b.push(b.wanting("anna"))
	b.put(func(tx *record.Tx) error {
		c := directoryConfig()
		c.Google.Subject = "other@example.com"
		return tx.PutDirectory(c)
	})
	b.advance(29 * time.Second)
	b.push(b.wanting("otto"))
	b.advance(time.Second)
	b.push(b.wanting("uma"))
	if want := []string{boss, boss, "other@example.com"}; !slices.Equal(subjects, want) {
		t.Errorf("acted as %q, want %q", subjects, want)
	}
}
