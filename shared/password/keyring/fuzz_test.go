package keyring_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
)

func FuzzOpen_W8_DamagedText(f *testing.F) {
	b := newBench(f)
	k := b.ring()
	good := seal(f, k, clear)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "A")
	f.Add(strings.Repeat("A", 5000))
	f.Add("")
	f.Add("AQ")
	f.Add(strings.ToLower(good))
	f.Add(base64.StdEncoding.EncodeToString([]byte(good)))
	f.Fuzz(func(t *testing.T, sealed string) {
		v, err := k.Open(t.Context(), bound, sealed)
		if sealed == good {
			if err != nil || v.Reveal() != clear {
				t.Fatalf("Open = %v", err)
			}
			return
		}
		if r := fault.ReasonOf(err); r != password.ReasonUnreadable && r != password.ReasonKeyUnknown || !v.Empty() {
			t.Fatalf("Open of damaged text = %v, with a value: %v", err, !v.Empty())
		}
		if len(sealed) > 20 && strings.Contains(err.Error(), sealed) {
			t.Fatalf("the error shows the text: %v", err)
		}
	})
}
