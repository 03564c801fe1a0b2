// Package secrettest holds the tests that every secret.Versions must pass: one case
// for each sentence of the contract.
package secrettest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Harness makes one empty place for secrets for a test, and returns a function
// that opens a store on it. Every call opens another store on the same place,
// as another process would.
type Harness func(t *testing.T) (open func(t *testing.T) secret.Versions)

// Run runs the suite as parallel subtests of t.
func Run(t *testing.T, h Harness) {
	t.Helper()
	cases := []struct {
		name string
		test func(t *testing.T, open func(*testing.T) secret.Versions)
	}{
		{"access returns what was put", accessReturnsPut},
		{"access returns the newest value", accessReturnsNewest},
		{"a missing name is not found", missingIsNotFound},
		{"names are checked", namesAreChecked},
		{"values are checked", valuesAreChecked},
		{"values keep every byte", valuesKeepEveryByte},
		{"names do not touch each other", namesAreApart},
		{"put is durable when it returns", putIsDurable},
		{"delete removes every value", deleteRemoves},
		{"a deleted name can be put again", putAfterDelete},
		{"concurrent calls see whole values", concurrentCalls},
		{"the last put wins", lastPutWins},
		{"a cancelled call fails as transient", cancelled},
		{"errors do not hold the value", errorsHoldNoValue},
		{"newest passes every cache", newestPassesCaches},
		{"replace makes a successor of its base", replaceSucceeds},
		{"replace refuses another base", replaceRefuses},
		{"replace of what was deleted is refused", replaceOfDeleted},
		{"of many who replace one base nobody is overlooked", replaceAtOnce},
		{"retire destroys one version", retireOne},
		{"versions are checked as values are", versionsAreChecked},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, h(t))
		})
	}
}

func put(t *testing.T, s secret.Versions, name, value string) {
	t.Helper()
	if err := s.Put(t.Context(), name, secret.New(value)); err != nil {
		t.Fatalf("Put(%q) = %v, want nil", name, err)
	}
}

func wantValue(t *testing.T, s secret.Versions, name, want string) {
	t.Helper()
	got, err := s.Access(t.Context(), name)
	if err != nil {
		t.Fatalf("Access(%q) = %v, want nil", name, err)
	}
	// The values of tests are no secrets.
	if got.Reveal() != want {
		t.Errorf("Access(%q) = %.40q, want %.40q", name, got.Reveal(), want)
	}
}

func wantKind(t *testing.T, call string, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); err == nil || got != want {
		t.Errorf("%s = %v, want kind %v", call, err, want)
	}
	if err != nil && fault.As(err) == nil {
		t.Errorf("%s = %T, want *fault.Error", call, err)
	}
}

func accessReturnsPut(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	put(t, s, "token-key_1", "content")
	wantValue(t, s, "token-key_1", "content")
}

func accessReturnsNewest(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	for i := range 4 {
		put(t, s, "key", fmt.Sprint("value ", i))
		wantValue(t, s, "key", fmt.Sprint("value ", i))
	}
}

func missingIsNotFound(t *testing.T, open func(*testing.T) secret.Versions) {
	_, err := open(t).Access(t.Context(), "missing")
	wantKind(t, "Access of a missing name", err, fault.NotFound)
}

func namesAreChecked(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	for _, name := range []string{"", ".", "..", "a/b", "../a", "a.b", "a b", "ä", "a\x00", strings.Repeat("n", secret.MaxName+1)} {
		_, err := s.Access(t.Context(), name)
		wantKind(t, fmt.Sprintf("Access(%q)", name), err, fault.Invalid)
		wantKind(t, fmt.Sprintf("Put(%q)", name), s.Put(t.Context(), name, secret.New("v")), fault.Invalid)
		wantKind(t, fmt.Sprintf("Delete(%q)", name), s.Delete(t.Context(), name), fault.Invalid)
	}
	for _, name := range []string{"a", "-", "_", "Z9", strings.Repeat("n", secret.MaxName)} {
		put(t, s, name, "of "+name)
		wantValue(t, s, name, "of "+name)
	}
}

func valuesAreChecked(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	put(t, s, "key", "old")
	wantKind(t, "Put of nothing", s.Put(t.Context(), "key", secret.Value{}), fault.Invalid)
	wantKind(t, "Put of too much", s.Put(t.Context(), "key", secret.NewBytes(make([]byte, secret.MaxValue+1))), fault.Invalid)
	wantValue(t, s, "key", "old")
	wantKind(t, "Put of nothing under a new name", s.Put(t.Context(), "new", secret.Value{}), fault.Invalid)
	_, err := s.Access(t.Context(), "new")
	wantKind(t, "Access after a refused Put", err, fault.NotFound)
	largest := strings.Repeat("x", secret.MaxValue)
	put(t, s, "key", largest)
	wantValue(t, s, "key", largest)
}

func valuesKeepEveryByte(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	put(t, s, "bytes", string(every)+"\n\n")
	wantValue(t, s, "bytes", string(every)+"\n\n")
}

func namesAreApart(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	put(t, s, "key", "lower")
	put(t, s, "KEY", "upper")
	put(t, s, "key-1", "longer")
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "KEY", "upper")
	wantValue(t, s, "key-1", "longer")
}

func putIsDurable(t *testing.T, open func(*testing.T) secret.Versions) {
	put(t, open(t), "key", "value")
	wantValue(t, open(t), "key", "value")
}

func deleteRemoves(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	put(t, s, "key", "one")
	put(t, s, "key", "two")
	for range 2 { // the second time the name is missing
		if err := s.Delete(t.Context(), "key"); err != nil {
			t.Fatalf("Delete = %v, want nil", err)
		}
		_, err := s.Access(t.Context(), "key")
		wantKind(t, "Access after Delete", err, fault.NotFound)
	}
}

func putAfterDelete(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	put(t, s, "key", "one")
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "key", "two")
	wantValue(t, s, "key", "two")
}

func concurrentCalls(t *testing.T, open func(*testing.T) secret.Versions) {
	stores := []secret.Versions{open(t), open(t)}
	value := func(i int) string { return strings.Repeat(string(rune('a'+i)), 4096) }
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := stores[i%len(stores)]
			if err := s.Put(t.Context(), "shared", secret.New(value(i))); err != nil {
				t.Errorf("Put = %v", err)
			}
			got, err := s.Access(t.Context(), "shared")
			if err != nil {
				t.Errorf("Access = %v", err)
				return
			}
			if r := got.Reveal(); len(r) != 4096 || strings.Count(r, r[:1]) != 4096 {
				t.Errorf("Access returned a mixture of values")
			}
		})
	}
	wg.Wait()
}

func lastPutWins(t *testing.T, open func(*testing.T) secret.Versions) {
	a := open(t)
	for i := range 5 {
		put(t, a, "key", fmt.Sprint(i))
	}
	wantValue(t, open(t), "key", "4")
}

func cancelled(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantKind(t, "Put", s.Put(ctx, "key", secret.New("v")), fault.Transient)
	_, err := s.Access(ctx, "key")
	wantKind(t, "Access", err, fault.Transient)
	wantKind(t, "Delete", s.Delete(ctx, "key"), fault.Transient)
}

func errorsHoldNoValue(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	const value = "correct-horse-battery-staple"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := errors.Join(
		s.Put(t.Context(), "not/a/name", secret.New(value)),
		s.Put(t.Context(), "name", secret.New(value+strings.Repeat("x", secret.MaxValue))),
		s.Put(ctx, "name", secret.New(value)),
	)
	if err == nil || strings.Contains(err.Error(), value) {
		t.Errorf("errors = %v, want some without the value", err)
	}
}
