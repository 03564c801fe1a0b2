package replay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/replay"
)

func TestWindow_C1_ReusedProofIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	w, err := replay.Window(nil).Admit("a", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Admit("a", now.Add(59*time.Second), now.Add(time.Minute)); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("a reused proof: %v", err)
	}
	if _, err := w.Admit("older", now, now.Add(time.Minute-1)); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("a proof made before the last change: %v", err)
	}
	if _, err := w.Admit("same second", now, now.Add(time.Minute)); err != nil {
		t.Errorf("a proof of the same moment: %v", err)
	}
	// Once the proof is too old by itself, the row need not remember it.
	w, err = w.Admit("b", now.Add(time.Minute), now.Add(2*time.Minute))
	if err != nil || w.Seen("a") || len(w) != 1 {
		t.Errorf("outdated proofs stay: %v, %v", w, err)
	}
}

func TestWindow_IsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var w replay.Window
	var err error
	for i := 0; err == nil; i++ {
		if i > 100 {
			t.Fatal("the window grows without bound")
		}
		w, err = w.Admit(fmt.Sprint(i), now, now.Add(time.Minute))
	}
	if e := fault.As(err); e.Kind != fault.Exhausted || e.RetryAfter != time.Minute {
		t.Errorf("a full window: %v after %v", err, e.RetryAfter)
	}
	if _, err := w.Admit("later", now.Add(time.Minute), now.Add(2*time.Minute)); err != nil {
		t.Errorf("a full window does not empty itself: %v", err)
	}
}
