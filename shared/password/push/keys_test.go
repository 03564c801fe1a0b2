package push_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// rotateKeys has another key seal from now on, as processes see it.
func (b *bench) rotateKeys() {
	b.t.Helper()
	b.must(keyring.Rotate(context.Background(), b.secrets, keyring.SecretName))
	b.advance(11 * time.Minute)
}

// stale reports whether the row is sealed under an older key.
func (b *bench) stale(key string) bool {
	b.t.Helper()
	old, err := b.keyring.NeedsReseal(context.Background(), b.row(key).Sealed)
	b.must(err)
	return old
}

// TestKeys_W8_ResealedAsTheyAreUsed: after a rotation of keys a push and a delivery
// seal the password anew, once, and it stays the same.
func TestKeys_W8_ResealedAsTheyAreUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pushed, delivered := b.wanting("anna"), b.wanting("otto")
	b.push(delivered)
	b.rotateKeys()
	if !b.stale(pushed) || !b.stale(delivered) {
		t.Fatal("the key was not rotated")
	}

	ctx, ops := store.WithOps(t.Context())
	if _, err := b.Push(ctx, ent, pushed); err != nil || ops.Writes.Load() != 3 {
		t.Errorf("a push that seals anew makes %d writes, want 3: %v", ops.Writes.Load(), err)
	}
	if b.stale(pushed) {
		t.Error("the push did not seal anew")
	}
	b.agree(pushed)

	l := b.row(delivered)
	for i, want := range []int64{1, 0, 0} {
		ctx, ops := store.WithOps(t.Context())
		v, err := b.Open(ctx, l)
		if err != nil || !b.sim.PasswordIs(b.googleID(delivered), v) {
			t.Fatalf("delivery %d: %v", i, err)
		}
		if got := ops.Writes.Load(); got != want {
			t.Errorf("delivery %d makes %d writes, want %d", i, got, want)
		}
		if b.stale(delivered) {
			t.Errorf("delivery %d did not seal anew", i)
		}
		if i == 0 {
			continue // with the row as it was before, as another worker has it
		}
		l = b.row(delivered)
	}

	// A store that fails costs the sealing and not the delivery.
	b.rotateKeys()
	l = b.row(delivered)
	b.driver.Crash(1, 0)
	_, err := b.Open(t.Context(), l)
	b.driver.Fail(0, 0)
	if err != nil || !b.stale(delivered) {
		t.Errorf("without a store: %v", err)
	}
	b.agree(delivered)
}

func TestOpen_C5_OnlyWhatGoogleAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.row(b.wanting("anna"))
	if v, err := b.Open(t.Context(), l); fault.KindOf(err) != fault.Conflict || !v.Empty() {
		t.Errorf("a pending password is delivered: %v", err)
	}
}

// TestKeys_W8_WithoutThemNothingIsLost: a key set that is missing, another, damaged
// or not to be had is a clear error and a wait, and everything works again when it is
// back; above all, the password is the same.
func TestKeys_W8_WithoutThemNothingIsLost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		reason string
		says   string
		lose   func(*bench)
	}{
		{"missing", password.ReasonKeyMissing, "rollcall password key --rotate", func(b *bench) {
			b.must(b.secrets.Delete(context.Background(), keyring.SecretName))
		}},
		{"another", password.ReasonKeyUnknown, "Restore the secret's earlier version", func(b *bench) {
			b.must(b.secrets.Delete(context.Background(), keyring.SecretName))
			b.must(keyring.Create(context.Background(), b.secrets, keyring.SecretName))
		}},
		{"damaged", password.ReasonKeyDamaged, "Restore its last good version", func(b *bench) {
			b.must(b.secrets.Put(context.Background(), keyring.SecretName, secret.New("no key set")))
		}},
		{"not allowed", "secretmanager-permission", "may not", func(b *bench) {
			b.Pusher.Keys = keyring.New(denying{}, keyring.SecretName, b.clock)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			waiting, live, due := b.wanting("anna"), b.wanting("otto"), b.wanting("uma")
			b.push(live)
			b.push(due)
			b.put(func(tx *record.Tx) error {
				l, err := tx.Password(ent, due)
				l.RotateAt = b.clock()
				if err != nil {
					return err
				}
				return tx.PutPassword(l)
			})
			kept, err := b.secrets.Access(t.Context(), keyring.SecretName)
			b.must(err)
			tc.lose(b)
			if tc.name != "not allowed" {
				b.Pusher.Keys = keyring.New(b.secrets, keyring.SecretName, b.clock)
			}

			calls := b.calls
			if _, err := b.Open(t.Context(), b.row(live)); fault.ReasonOf(err) != tc.reason || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("delivery says %q: %v", fault.ReasonOf(err), err)
			}
			l := b.push(waiting)
			if l.State != password.Retry || l.Last != tc.reason || l.Attempts != 0 || b.calls != calls || l.NextAt.Sub(b.clock()) < time.Hour {
				t.Errorf("after %d calls the row is %+v", b.calls-calls, l)
			}
			if password.Text(l.Last) == password.Text(password.ReasonUnexplained) {
				t.Errorf("nobody is told what %s is", l.Last)
			}
			if tc.reason != password.ReasonKeyUnknown { // another key set seals as well
				newcomer := b.hire("ida")
				if _, err := b.Want(t.Context(), ent, newcomer); fault.ReasonOf(err) != tc.reason || b.row(newcomer).State != password.None {
					t.Errorf("a first password: %v", err)
				}
				before := b.row(live)
				changed, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: live, Asked: b.clock().Add(time.Minute), Actor: "admin:a"})
				if changed || fault.ReasonOf(err) != tc.reason || b.row(live) != before {
					t.Errorf("a renewal: %v, %v", changed, err)
				}
				l, err := b.Rotate(t.Context(), ent, due)
				if err != nil || l.State != password.Active || l.Version != 1 || l.Due().Sub(b.clock()) < time.Hour {
					t.Errorf("a rotation: %+v, %v", l, err)
				}
			}

			b.must(b.secrets.Put(t.Context(), keyring.SecretName, kept))
			b.advance(11 * time.Minute)
			b.Pusher.Keys = b.keyring
			b.drive(waiting)
			b.agree(waiting)
			b.agree(live)
			b.advance(2 * time.Hour)
			if l, err := b.Rotate(t.Context(), ent, due); err != nil || l.Version != 2 {
				t.Errorf("with the key back the rotation makes %+v: %v", l, err)
			}
			b.drive(due)
			b.agree(due)
		})
	}
}

// denying is a secret store that the process may not read.
type denying struct{}

func (denying) Access(context.Context, string) (secret.Value, error) {
	return secret.Value{}, fault.New(fault.Permanent, "secretmanager-permission", "the service account may not")
}

// TestKeys_W8_CiphertextOfAnother: a password that was moved to another row does not
// open there; the person is told, and a renewal mends it.
func TestKeys_W8_CiphertextOfAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna, otto := b.wanting("anna"), b.wanting("otto")
	b.put(func(tx *record.Tx) error {
		from, err := tx.Password(ent, anna)
		if err != nil {
			return err
		}
		to, err := tx.Password(ent, otto)
		if err != nil {
			return err
		}
		to.Sealed = from.Sealed
		return tx.PutPassword(to)
	})
	if l := b.push(otto); l.State != password.Failed || l.Reason != password.ReasonUnreadable || b.calls != 0 {
		t.Errorf("the row is %+v after %d calls", l, b.calls)
	}
	b.advance(time.Second)
	if changed, err := b.Renew(t.Context(), push.Renewal{Enterprise: ent, Person: otto, Asked: b.clock(), When: password.AtOnce, Actor: "admin:a"}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.drive(otto)
	b.agree(otto)
}
