package keyring_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var _ password.Sealer = (*keyring.Keyring)(nil)

const (
	name  = "password-key"
	clear = "correct-Horse-7"
)

var bound = password.Binding{Enterprise: "acme", Person: "p1", Version: 3}

func TestKeyring_W8_SealsToItsBinding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.ring()
	sealed := seal(t, k, clear)
	opens(t, k, sealed, clear)
	opens(t, b.ring(), sealed, clear)
	if strings.Contains(sealed, clear) || seal(t, k, clear) == sealed {
		t.Error("the ciphertext shows the password, or is the same each time")
	}
	longest := seal(t, k, strings.Repeat("x", password.MaxLength))
	opens(t, k, longest, strings.Repeat("x", password.MaxLength))
	if len(longest) != 178 {
		t.Errorf("the longest password takes %d characters, want 178", len(longest))
	}
	for _, other := range []password.Binding{
		{Enterprise: "acm", Person: "p1", Version: 3}, {Enterprise: "acme", Person: "p2", Version: 3},
		{Enterprise: "acme", Person: "p1", Version: 2}, {Enterprise: "acme", Person: "p1", Version: 4},
		{Enterprise: "acmep", Person: "1", Version: 3}, {Enterprise: "acme\x02p1", Version: 3}, {},
	} {
		refuses(t, k, other, sealed, fault.Permanent, password.ReasonUnreadable)
	}
	if _, err := k.Seal(t.Context(), bound, secret.Value{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an empty password was sealed: %v", err)
	}
}

func TestKeyring_W8_Rotation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slow, k := b.ring(), b.ring()
	first := seal(t, slow, clear)
	if err := keyring.Rotate(t.Context(), b, name); err != nil {
		t.Fatal(err)
	}
	second := seal(t, k, clear)
	opens(t, k, first, clear)
	b.now = b.now.Add(time.Minute)
	opens(t, slow, second, clear) // it did not know the key and read again
	for _, tc := range []struct {
		sealed string
		want   bool
	}{{first, true}, {second, false}, {"", false}, {"AAAA", false}} {
		if got, err := k.NeedsReseal(t.Context(), tc.sealed); err != nil || got != tc.want {
			t.Errorf("NeedsReseal(%.8q) = %v, %v, want %v", tc.sealed, got, err, tc.want)
		}
	}
	opens(t, k, seal(t, k, clear), clear)
	for range 3 {
		if err := keyring.Rotate(t.Context(), b, name); err != nil {
			t.Fatal(err)
		}
	}
	opens(t, b.ring(), first, clear)
}

// TestKeyring_W8_ARotationTakesEffectEverywhere: a process that runs on seals with
// the new key after a while, though nothing told it.
func TestKeyring_W8_ARotationTakesEffectEverywhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.ring()
	first := seal(t, k, clear)
	if err := keyring.Rotate(t.Context(), b, name); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(11 * time.Minute)
	if old, err := k.NeedsReseal(t.Context(), first); err != nil || !old {
		t.Errorf("NeedsReseal = %v, %v, want true", old, err)
	}
}

func TestKeyring_W8_AMissingKeyLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sealed := seal(t, b.ring(), clear)
	kept := b.values[name]
	_ = b.Delete(t.Context(), name)

	k := b.ring()
	refuses(t, k, bound, sealed, fault.Transient, password.ReasonKeyMissing)
	if _, err := k.Seal(t.Context(), bound, secret.New(clear)); fault.ReasonOf(err) != password.ReasonKeyMissing {
		t.Errorf("Seal without a key = %v", err)
	}
	if err := keyring.Rotate(t.Context(), b, name); fault.ReasonOf(err) != password.ReasonKeyMissing {
		t.Errorf("Rotate without a key = %v", err)
	}

	if err := keyring.Create(t.Context(), b, name); err != nil { // the wrong thing to do
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Hour)
	refuses(t, k, bound, sealed, fault.Transient, password.ReasonKeyUnknown)
	b.values[name] = kept
	b.now = b.now.Add(time.Hour)
	opens(t, k, sealed, clear)
}

func TestKeyring_W8_ADamagedKeyLosesNothing(t *testing.T) {
	t.Parallel()
	good := newBench(t)
	kept := good.values[name].Reveal()
	sealed := seal(t, good.ring(), clear)
	for what, text := range map[string]string{
		"no JSON": clear, "cut off": kept[:len(kept)/2], "empty": "{}", "another primary": strings.Replace(kept, `"primaryKeyId":`, `"primaryKeyId":1`, 1),
		"disabled": strings.ReplaceAll(kept, "ENABLED", "DISABLED"), "of another kind": strings.ReplaceAll(kept, "AesGcmKey", "HmacKey"),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := &bench{&store{values: map[string]secret.Value{name: secret.New(text)}}, good.now}
			k := b.ring()
			refuses(t, k, bound, sealed, fault.Transient, password.ReasonKeyDamaged)
			if _, err := k.Seal(t.Context(), bound, secret.New(clear)); fault.ReasonOf(err) != password.ReasonKeyDamaged || strings.Contains(fmt.Sprint(err), clear) {
				t.Errorf("Seal = %v, want %s and nothing of the key", err, password.ReasonKeyDamaged)
			}
			if err := keyring.Rotate(t.Context(), b, name); fault.ReasonOf(err) != password.ReasonKeyDamaged || b.values[name].Reveal() != text {
				t.Errorf("Rotate = %v, or it wrote over the key", err)
			}
			b.values[name] = secret.New(kept)
			opens(t, k, sealed, clear)
		})
	}
}

func TestCreate_LeavesAKeyAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.values[name]
	if err := keyring.Create(t.Context(), b, name); fault.KindOf(err) != fault.Conflict || !b.values[name].Equal(before) {
		t.Errorf("Create = %v, or it wrote over the key", err)
	}
	b.fails = fault.New(fault.Transient, "", "store is down")
	if err := keyring.Create(t.Context(), b, "other"); fault.KindOf(err) != fault.Transient {
		t.Errorf("Create without a store = %v", err)
	}
}

func TestKeyring_ReadsSeldom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.ring()
	sealed := seal(t, k, clear)
	b.reads = 0
	for range 100 {
		opens(t, k, sealed, clear)
	}
	if b.reads != 0 {
		t.Errorf("100 times opening read the key %d times", b.reads)
	}
	foreign := seal(t, newBench(t).ring(), clear)
	for range 100 {
		refuses(t, k, bound, foreign, fault.Transient, password.ReasonKeyUnknown)
	}
	if b.reads != 1 {
		t.Errorf("100 times an unknown key read the key set %d times, want once", b.reads)
	}
	b.fails = fault.New(fault.Transient, "", "store is down")
	b.now = b.now.Add(time.Hour)
	for range 100 {
		opens(t, k, sealed, clear)
	}
	if b.reads != 2 {
		t.Errorf("with the store down the key was read %d times, want once more", b.reads)
	}
}

func TestKeyring_ConcurrentUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.ring()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := k.Seal(t.Context(), bound, secret.New(clear))
			if v, openErr := k.Open(t.Context(), bound, s); err != nil || openErr != nil || v.Reveal() != clear {
				t.Errorf("Seal and Open: %v, %v", err, openErr)
			}
		})
	}
	wg.Wait()
}
