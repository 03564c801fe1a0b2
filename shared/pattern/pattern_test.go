package pattern_test

import (
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/pattern"
)

func TestPattern_ManyFirstUses(t *testing.T) {
	t.Parallel()
	p := pattern.New(`^a+$`)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if !p.MatchString("aaa") || p.MatchString("ab") {
				t.Error("the pattern does not match as it must")
			}
		})
	}
	wg.Wait()
}

func TestPattern_AWrongOnePanicsAtFirstUse(t *testing.T) {
	t.Parallel()
	p := pattern.New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("a wrong expression was used")
		}
	}()
	p.MatchString("")
}
