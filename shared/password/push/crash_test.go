package push_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// life is what a password goes through: needed, pushed, renewed, pushed, rotated,
// wanted and pushed. Errors are for the next try.
func (b *bench) life(ctx context.Context, key string, asked time.Time) (version int, err error) {
	if _, err = b.Want(ctx, ent, key); err != nil {
		return 1, err
	}
	if _, err = b.Push(ctx, ent, key); err != nil {
		return 1, err
	}
	b.advance(max(0, asked.Sub(b.clock())))
	if _, err = b.Renew(ctx, push.Renewal{Enterprise: ent, Person: key, Asked: asked, When: password.AtOnce, Actor: "admin:a"}); err != nil {
		return 2, err
	}
	if _, err = b.Push(ctx, ent, key); err != nil {
		return 2, err
	}
	l, err := b.DB.Password(ctx, ent, key)
	if err != nil {
		return 2, err
	}
	if l.Version == 2 && l.State == password.Active && l.RotateAt.After(b.clock()) {
		b.advance(l.RotateAt.Sub(b.clock()))
	}
	if _, err = b.Rotate(ctx, ent, key); err != nil {
		return 3, err
	}
	if _, err = b.Want(ctx, ent, key); err != nil {
		return 3, err
	}
	_, err = b.Push(ctx, ent, key)
	return 3, err
}

// TestLife_W2_W4_KilledAtEveryStoreOperation: before the operation and behind it,
// alone and with everything after it, as when a process dies. Whoever comes next
// ends where nothing had happened: three versions, and no fourth.
func TestLife_W2_W4_KilledAtEveryStoreOperation(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("after %v, dies %v", when == storetest.After, crash), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				for k := 1; ; k++ {
					key := b.hire(fmt.Sprintf("p%d", k))
					// Each comes with a Pusher that knows nothing yet.
					b.restart()
					asked := b.clock().Add(time.Hour)
					if crash {
						b.driver.Crash(k, when)
					} else {
						b.driver.Fail(k, when)
					}
					_, err := b.life(t.Context(), key, asked)
					fired := b.driver.Fired()
					b.driver.Fail(0, storetest.Before)
					if fired != (err != nil) {
						t.Fatalf("operation %d failed: %v, and the error is %v", k, fired, err)
					}
					if !fired {
						if k < 10 {
							t.Errorf("only %d operations were broken", k-1)
						}
						b.agree(key)
						return
					}
					b.again(key, asked)
					if l := b.row(key); l.Version != 3 {
						t.Errorf("killed at operation %d, it ends at version %d", k, l.Version)
					}
					b.agree(key)
				}
			})
		}
	}
}

// restart is another process over the same store.
func (b *bench) restart() {
	p := b.Pusher
	b.Pusher = &push.Pusher{DB: p.DB, Google: p.Google, Keys: p.Keys, Generator: p.Generator, Now: p.Now, Jitter: p.Jitter, Log: p.Log}
}

// again does what redelivery, sweep and devices do after a failure.
func (b *bench) again(key string, asked time.Time) {
	b.t.Helper()
	for range 6 {
		if l := b.row(key); l.State != password.None {
			b.drive(key)
		}
		if version, err := b.life(context.Background(), key, asked); err != nil {
			b.t.Fatalf("the next try fails at version %d: %v", version, err)
		}
		if l := b.row(key); l.Version == 3 && l.State == password.Active {
			return
		}
	}
	b.t.Fatalf("it does not end: %+v", b.row(key))
}

// TestPush_W3_W4_KilledAroundEveryCall: a process that dies before or behind a call
// to Google leaves an attempt that counts, and the same version to be pushed again;
// one that always dies fails the person and never asks more often than the maximum.
func TestPush_W3_W4_KilledAroundEveryCall(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		for deaths := 1; deaths <= 3; deaths++ {
			t.Run(fmt.Sprintf("behind %v, %d times", behind, deaths), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				key := b.wanting("anna")
				left := deaths
				b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (u workspace.User, err error) {
					if behind || left == 0 {
						u, err = next.SetPassword(ctx, k, v)
					}
					if left > 0 {
						left--
						b.driver.Crash(1, storetest.Before)
					}
					return u, err
				}
				for range deaths {
					b.advance(max(0, b.row(key).Due().Sub(b.clock())))
					if _, err := b.Push(t.Context(), ent, key); err == nil {
						t.Fatal("a dead process answered")
					}
					b.driver.Fail(0, storetest.Before)
					if l := b.row(key); l.State != password.Leased || l.Version != 1 {
						t.Fatalf("it left the row %+v", l)
					}
				}
				l := b.drive(key)
				if deaths < 3 {
					b.agree(key)
					return
				}
				if l.Reason != password.ReasonAttempts || l.Last != password.ReasonNoAnswer || b.calls != 3 {
					t.Errorf("after three deaths and %d calls the row is %+v", b.calls, l)
				}
				if got := distinct(b.sent[b.googleID(key)]); got != 1 {
					t.Errorf("Google was sent %d passwords for one version", got)
				}
			})
		}
	}
}
