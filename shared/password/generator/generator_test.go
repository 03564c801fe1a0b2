package generator_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
)

var _ password.Generator = (*generator.Random)(nil)

func random(t *testing.T, seed byte) *generator.Random {
	t.Helper()
	g, err := generator.New(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func class(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return 0
	case 'A' <= c && c <= 'Z':
		return 1
	case '0' <= c && c <= '9':
		return 2
	}
	return 3
}

func TestGenerate_W5_EveryLengthFitsGoogle(t *testing.T) {
	t.Parallel()
	g := random(t, 1)
	for n := password.MinLength; n <= password.MaxLength; n++ {
		for range 20 {
			v, err := g.Generate(n)
			if err != nil {
				t.Fatalf("Generate(%d): %v", n, err)
			}
			s := v.Reveal()
			var classes [4]int
			for i := range len(s) {
				classes[class(s[i])]++
				if s[i] <= ' ' || s[i] > '~' {
					t.Fatalf("Generate(%d) made character %#x, which is not printable ASCII or a space", n, s[i])
				}
			}
			if len(s) != n || min(classes[0], classes[1], classes[2], classes[3]) == 0 {
				t.Fatalf("Generate(%d) made %d characters, of the classes %v", n, len(s), classes)
			}
		}
	}
}

func TestGenerate_W5_RefusesOtherLengths(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 7, 101} {
		if _, err := random(t, 1).Generate(n); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Generate(%d) = %v, want invalid", n, err)
		}
	}
}

// TestGenerate_W5_WithoutBias: over many passwords every character of a class comes
// as often as any other of it, and every place has every class as often as any
// other place.
func TestGenerate_W5_WithoutBias(t *testing.T) {
	t.Parallel()
	const n, rounds = 20, 20_000
	g := random(t, 2)
	var chars [128]int
	var places [n][4]int
	for range rounds {
		v, err := g.Generate(n)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range v.Bytes() {
			chars[c]++
			places[i][class(c)]++
		}
	}
	within := func(what string, got int, want float64) {
		// Seven standard deviations of a count: chance alone does not get there.
		if d := float64(got) - want; d*d > 49*want {
			t.Errorf("%s came %d times, want about %.0f", what, got, want)
		}
	}
	for c := byte('!'); c <= '~'; c++ {
		if c == '\'' || c == ';' {
			if chars[c] != 0 {
				t.Errorf("%q is none of the library's symbols and came %d times", c, chars[c])
			}
			continue
		}
		want := map[int]float64{0: 12.0 / 52, 1: 12.0 / 52, 2: 4.0 / 10, 3: 4.0 / 30}[class(c)]
		within("character "+string(c), chars[c], want*rounds)
	}
	for i := range places {
		for k, share := range []float64{6.0 / 20, 6.0 / 20, 4.0 / 20, 4.0 / 20} {
			within("class "+strings.Repeat("I", k+1)+" in a place", places[i][k], share*rounds)
		}
	}
}

func TestGenerate_SourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	for i := range 40 {
		g, err := generator.New(iotest.TimeoutReader(bytes.NewReader(make([]byte, i))))
		if i == 0 {
			g, err = generator.New(iotest.ErrReader(broken))
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := g.Generate(16)
		if fault.KindOf(err) != fault.Transient || errors.Is(err, broken) || !v.Empty() {
			t.Errorf("Generate over a source of %d bytes = %v, want transient without cause", i, err)
		}
	}
}
