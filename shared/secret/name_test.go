package secret_test

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"a": true, "A-Z_0-9": true, "-": true, "_": true,
		strings.Repeat("n", secret.MaxName):   true,
		strings.Repeat("n", secret.MaxName+1): false,
		"":                                    false, ".": false, "..": false, "a/b": false, `a\b`: false, "a b": false,
		"a\x00": false, "ü": false, "a.tmp": false, "a%2fb": false, "a\n": false,
	}
	for name, ok := range tests {
		err := secret.CheckName(name)
		if ok && err != nil {
			t.Errorf("CheckName(%q) = %v, want nil", name, err)
		}
		if !ok && fault.KindOf(err) != fault.Invalid {
			t.Errorf("CheckName(%q) = %v, want invalid", name, err)
		}
	}
}

func TestCheckNameDoesNotRepeatTheName(t *testing.T) {
	t.Parallel()
	if err := secret.CheckName("hunter2!"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("CheckName = %v, want an error without the name", err)
	}
}

func TestCheckValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size int
		ok   bool
	}{
		{"empty", 0, false},
		{"one byte", 1, true},
		{"the largest", secret.MaxValue, true},
		{"one too many", secret.MaxValue + 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := secret.CheckValue(secret.NewBytes(make([]byte, tt.size)))
			if got := err == nil; got != tt.ok {
				t.Fatalf("CheckValue of %d bytes = %v, want ok %v", tt.size, err, tt.ok)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("kind = %v, want invalid", fault.KindOf(err))
			}
		})
	}
}
