package push_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
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

// TestPush_W6_WhomNobodyCalls: where the row or the directory says already what
// would come of it, Google is not asked, and the row says why.
func TestPush_W6_WhomNobodyCalls(t *testing.T) {
	t.Parallel()
	appeared := func(l password.Ledger, now time.Time) password.Ledger { return l.Appeared(now, "g1") }
	for _, tc := range []struct {
		name   string
		change func(*person.Person)
		reason string
		last   string
		mend   func(*person.Person)
		back   func(password.Ledger, time.Time) password.Ledger
	}{
		{"no Google account", func(p *person.Person) { p.Google.ID = "" }, password.ReasonUnknownPerson, "google-not-found", nil, appeared},
		{"deleted at Google", func(p *person.Person) { p.Google.Deleted = true }, password.ReasonUnknownPerson, "workspace-deleted",
			func(p *person.Person) { p.Google.Deleted = false }, appeared},
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

// TestPush_PeopleOfGoogleThemselves: where people come from Google, their own id is
// the account's, and their rows say nothing else of it.
func TestPush_PeopleOfGoogleThemselves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(func(tx *record.Tx) error {
		c := directoryConfig()
		c.Mode = directory.GoogleOnly
		return tx.PutDirectory(c)
	})
	key := b.wanting("anna", func(p *person.Person) { p.ID, p.Google = "1234567890", person.Google{} })
	var asked []workspace.Key
	b.google = func(_ context.Context, _ push.Google, k workspace.Key, _ secret.Value) (workspace.User, error) {
		asked = append(asked, k)
		return workspace.User{ID: k.ID}, nil
	}
	if l := b.push(key); l.State != password.Active {
		t.Errorf("the password is %s, %s", l.State, l.Reason)
	}
	if want := []workspace.Key{{ID: "1234567890"}}; !slices.Equal(asked, want) {
		t.Errorf("asked for %+v, want %+v", asked, want)
	}
}
