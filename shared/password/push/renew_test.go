package push_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// renew asks for a renewal now.
func (b *bench) renew(key string, when password.When) bool {
	b.t.Helper()
	b.advance(time.Second)
	changed, err := b.Renew(b.t.Context(), push.Renewal{
		Enterprise: ent, Person: key, Asked: b.clock(), When: when, Actor: "admin:eve@example.com", RequestID: "r1",
	})
	b.must(err)
	return changed
}

// TestRenew_W7_OutOfEveryState: with all attempts to go again, at once or when a
// device of the person checks in, and with a record of who had it done.
func TestRenew_W7_OutOfEveryState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.hire("anna")
	if b.renew(key, password.AtOnce) || b.row(key).State != password.None {
		t.Error("a person whom nobody needs a password of got one")
	}
	_, err := b.Want(t.Context(), ent, key)
	b.must(err)
	b.sim.Faults.Add(googletest.Script{Method: updateMethod, Mode: googletest.Refuse, Status: 400, Message: "Invalid Password", Times: 1})
	if l := b.push(key); l.State != password.Failed || l.Version != 1 {
		t.Fatalf("the row is %+v", l)
	}
	if !b.renew(key, password.AtCheckIn) {
		t.Fatal("not renewed out of failed")
	}
	if l := b.push(key); !l.Waiting() || l.Version != 2 || l.Attempts != 0 || b.calls != 1 {
		t.Errorf("it does not wait for a device: %+v", l)
	}
	_, err = b.Want(t.Context(), ent, key)
	b.must(err)
	b.push(key)
	b.agree(key)
	if !b.renew(key, password.AtOnce) || b.push(key).Version != 3 {
		t.Error("not renewed out of active")
	}
	b.agree(key)
	want := []string{
		"system:passwordpush password.failed workspace-password version 1",
		"admin:eve@example.com password.renewed ok version 2, r1",
		"system:passwordpush password.accepted ok version 2",
		"admin:eve@example.com password.renewed ok version 3, r1",
		"system:passwordpush password.accepted ok version 3",
	}
	if diff := cmp.Diff(want, b.trail(key)); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestWithoutAPolicyNothingIsGenerated: the policy is the opt-in.
func TestWithoutAPolicyNothingIsGenerated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key, live := b.hire("anna"), b.wanting("otto")
	b.push(live)
	b.put(func(tx *record.Tx) error { return tx.DeletePasswordPolicy(ent) })
	if l, err := b.Want(t.Context(), ent, key); err != nil || l.State != password.None {
		t.Errorf("wanted: %+v, %v", l, err)
	}
	b.advance(time.Second)
	_, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: live, Asked: b.clock(), Actor: "admin:a"})
	if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != password.ReasonOff {
		t.Errorf("renewed: %v", err)
	}
	b.advance(b.row(live).RotateAt.Sub(b.clock()))
	if l, err := b.Rotate(t.Context(), ent, live); err != nil || l.State != password.Active || !l.Due().IsZero() {
		t.Errorf("a rotation is not called off: %+v, %v", l, err)
	}
	b.agree(live)
}

// TestRotate_W5_TheOldPasswordWorksUntilADeviceComes: or until the grace is over.
func TestRotate_W5_TheOldPasswordWorksUntilADeviceComes(t *testing.T) {
	t.Parallel()
	for _, comes := range []bool{true, false} {
		b := newBench(t)
		b.policy(password.Policy{Enterprise: ent, Revision: 1, RotateDays: 10, Length: 24})
		key := b.wanting("anna")
		first := b.push(key)
		b.advance(first.RotateAt.Sub(b.clock()) - 1)
		if l, err := b.Rotate(t.Context(), ent, key); err != nil || l != first {
			t.Errorf("rotated too early: %+v, %v", l, err)
		}
		b.advance(1)
		l, err := b.Rotate(t.Context(), ent, key)
		if err != nil || l.Version != 2 || l.Length != 24 || l.Due().Sub(b.clock()) != password.RotationGrace {
			t.Fatalf("rotated to %+v: %v", l, err)
		}
		b.push(key)
		old, err := b.Open(t.Context(), first)
		if err != nil || !b.sim.PasswordIs(b.googleID(key), old) {
			t.Errorf("the old password does not work any more: %v", err)
		}
		if comes {
			_, err := b.Want(t.Context(), ent, key)
			b.must(err)
		} else {
			b.advance(password.RotationGrace)
		}
		b.push(key)
		b.agree(key)
	}
}
