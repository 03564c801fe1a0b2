package push_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

func TestPush_W1_APasswordThatGoogleAccepts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.wanting("anna")
	if before := b.row(key); before.State != password.Pending || !before.Due().Equal(noon) || before.Length != 16 {
		t.Fatalf("the first row is %+v", before)
	}
	l := b.push(key)
	if l.State != password.Active || l.Version != 1 || !l.SetAt.Equal(noon) || l.RotateAt.IsZero() {
		t.Errorf("the row is %+v", l)
	}
	b.agree(key)
	if b.calls != 1 || b.sim.Faults.Calls(updateMethod) != 1 {
		t.Errorf("%d calls of the client, %d at Google, want 1", b.calls, b.sim.Faults.Calls(updateMethod))
	}
	if again := b.push(key); again != l || b.calls != 1 {
		t.Errorf("a second nudge changed the row or called Google: %+v", again)
	}
	want := []string{"system:passwordpush password.accepted ok version 1"}
	if diff := cmp.Diff(want, b.trail(key)); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

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

// TestPush_W6_WhomNobodyCalls: where the row or the directory says already what
// would come of it, Google is not asked, and the row says why.
func TestPush_W6_WhomNobodyCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*person.Person)
		reason string
		last   string
		mend   func(*person.Person)
		back   func(password.Ledger, time.Time) password.Ledger
	}{
		{"no Google account", func(p *person.Person) { p.Google.ID = "" }, password.ReasonUnknownPerson, "google-not-found", nil, password.Ledger.Appeared},
		{"deleted at Google", func(p *person.Person) { p.Google.Deleted = true }, password.ReasonUnknownPerson, "workspace-deleted",
			func(p *person.Person) { p.Google.Deleted = false }, password.Ledger.Appeared},
		{"leaving", func(p *person.Person) { p.State = person.Leaving }, password.ReasonPersonAway, password.ReasonPersonAway,
			func(p *person.Person) { p.State = person.Active }, password.Ledger.Returned},
		{"disabled", func(p *person.Person) { p.State = person.Disabled }, password.ReasonPersonAway, password.ReasonPersonAway,
			func(p *person.Person) { p.State = person.Missing }, password.Ledger.Returned},
		{"gone", func(p *person.Person) { p.State = person.Gone }, password.ReasonPersonAway, password.ReasonPersonAway, nil, password.Ledger.Returned},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.wanting("anna")
			id := b.googleID(key)
			b.change(key, tc.change)
			l := b.push(key)
			if l.State != password.Failed || l.Reason != tc.reason || l.Last != tc.last || b.calls != 0 {
				t.Fatalf("the row is %q for %q, last %q, after %d calls", l.State, l.Reason, l.Last, b.calls)
			}
			if got := b.trail(key); len(got) != 1 {
				t.Errorf("the trail is %q", got)
			}
			for range 3 {
				b.advance(time.Hour)
				if _, err := b.Want(t.Context(), ent, key); err != nil || b.push(key) != l {
					t.Errorf("it is pushed again: %v", err)
				}
			}
			if tc.mend == nil {
				tc.mend = func(p *person.Person) { p.State, p.Google.ID = person.Active, id }
			}
			b.change(key, tc.mend)
			b.put(func(tx *record.Tx) error { return tx.PutPassword(tc.back(l, b.clock())) })
			if got := b.drive(key); got.Version != 1 {
				t.Errorf("it came back as version %d", got.Version)
			}
			b.agree(key)
		})
	}
	t.Run("no row", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		key := b.hire("anna")
		if l := b.push(key); l.State != password.None || b.calls != 0 {
			t.Errorf("a nudge for nobody made %+v", l)
		}
		if _, err := b.Push(t.Context(), ent, "no-such-person"); err != nil {
			t.Error(err)
		}
		other := b.wanting("otto")
		if _, err := b.Push(t.Context(), "other", other); fault.KindOf(err) != fault.NotFound {
			t.Errorf("another enterprise's person: %v", err)
		}
	})
	t.Run("no person", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		key := b.wanting("anna")
		b.change(key, func(p *person.Person) { p.Enterprise = "other" })
		if l := b.push(key); l.Reason != password.ReasonPersonAway || b.calls != 0 {
			t.Errorf("for a person of another enterprise the row is %+v", l)
		}
	})
}

// TestPush_W3_WhatIsMissingForEverybodyIsWaitedFor: it gives up nobody within the
// budget, and works by itself once it is there.
func TestPush_W3_WhatIsMissingForEverybodyIsWaitedFor(t *testing.T) {
	t.Parallel()
	cfg := directoryConfig()
	bare := cfg
	bare.Google = nil
	policy := password.Policy{Enterprise: ent, Revision: 1, MaxAttempts: 3}
	for _, tc := range []struct {
		name   string
		reason string
		lose   func(*bench)
		mend   func(*bench)
	}{
		{"policy", password.ReasonOff,
			func(b *bench) { b.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy(ent) }) },
			func(b *bench) { b.policy(policy) }},
		{"directory", password.ReasonNoDirectory,
			func(b *bench) { b.put(func(tx *record.Tx) error { return tx.DeleteDirectory(ent) }) },
			func(b *bench) { b.put(func(tx *record.Tx) error { return tx.PutDirectory(cfg) }) }},
		{"google in the directory", password.ReasonNoDirectory,
			func(b *bench) { b.put(func(tx *record.Tx) error { return tx.PutDirectory(bare) }) },
			func(b *bench) { b.put(func(tx *record.Tx) error { return tx.PutDirectory(cfg) }) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			keep := b.Pusher.Google
			b.Pusher.Google = refusingWithoutGoogle(keep)
			key := b.wanting("anna")
			tc.lose(b)
			for range 5 {
				b.advance(max(0, b.row(key).Due().Sub(b.clock())))
				l := b.push(key)
				if l.State != password.Retry || l.Attempts != 0 || l.Last != tc.reason || b.calls != 0 || l.NextAt.Sub(b.clock()) < time.Hour {
					t.Fatalf("the row is %+v after %d calls", l, b.calls)
				}
			}
			tc.mend(b)
			b.advance(time.Minute) // what was read before is read anew
			b.drive(key)
			b.agree(key)
		})
	}
	t.Run("for too long", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		key := b.wanting("anna")
		b.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy(ent) })
		var l password.Ledger
		for range 100 {
			if l = b.row(key); l.State == password.Failed {
				break
			}
			b.advance(max(0, l.Due().Sub(b.clock())))
			b.push(key)
		}
		if l.Reason != password.ReasonDeferrals || l.Last != password.ReasonOff {
			t.Errorf("the row is %q for %q, last %q", l.State, l.Reason, l.Last)
		}
	})
}

// TestPush_APolicyThatChangesOnTheWayCounts: the row is planned by the policy as it
// is when Google's answer is taken in.
func TestPush_APolicyThatChangesOnTheWayCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.wanting("anna")
	b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error) {
		b.policy(password.Policy{Enterprise: ent, Revision: 2, RotateDays: 10})
		return next.SetPassword(ctx, k, v)
	}
	if got := b.push(key).RotateAt.Sub(noon); got < 9*24*time.Hour || got > 11*24*time.Hour {
		t.Errorf("it rotates after %v, want ten days", got)
	}
	other := b.wanting("otto")
	b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error) {
		b.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy(ent) })
		return next.SetPassword(ctx, k, v)
	}
	if l := b.push(other); l.State != password.Active || !l.RotateAt.IsZero() {
		t.Errorf("without a policy the row is %+v", l)
	}
	b.agree(other)
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

// TestPush_WhoIsAsked: by Google's id, whatever addresses say.
func TestPush_WhoIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := noon.Add(-time.Hour)
	key := b.wanting("anna", func(p *person.Person) { p.Google.CreatedAt = made })
	var asked []workspace.Key
	b.google = func(_ context.Context, _ push.Google, k workspace.Key, _ secret.Value) (workspace.User, error) {
		asked = append(asked, k)
		return workspace.User{ID: k.ID}, nil
	}
	b.push(key)
	if want := []workspace.Key{{ID: b.googleID(key), CreatedAt: made}}; !slices.Equal(asked, want) {
		t.Errorf("asked for %+v, want %+v", asked, want)
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
