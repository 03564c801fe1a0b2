package secrettest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// newest returns the version of a name whose newest value must be want.
func newest(t *testing.T, s secret.Versions, name, want string) secret.Version {
	t.Helper()
	v, version, err := s.Newest(t.Context(), name)
	if err != nil || v.Reveal() != want || version == "" {
		t.Fatalf("Newest(%q) = %.40q, version %q, %v; want %.40q", name, v.Reveal(), version, err, want)
	}
	return version
}

func replace(t *testing.T, s secret.Versions, base secret.Version, value string) secret.Version {
	t.Helper()
	version, covered, err := s.Replace(t.Context(), "key", base, secret.New(value))
	if err != nil || version == "" || version == base || len(covered) > 0 {
		t.Fatalf("Replace(%q) = version %q, %d covered, %v", base, version, len(covered), err)
	}
	return version
}

func newestPassesCaches(t *testing.T, open func(*testing.T) secret.Versions) {
	a, b := open(t), open(t)
	_, version, err := a.Newest(t.Context(), "key")
	wantKind(t, "Newest of a missing name", err, fault.NotFound)
	if version != "" {
		t.Errorf("a missing name has the version %q", version)
	}
	put(t, a, "key", "one")
	wantValue(t, a, "key", "one") // and is cached where there is a cache
	first := newest(t, a, "key", "one")
	put(t, b, "key", "two")
	if second := newest(t, a, "key", "two"); second == first || second != newest(t, b, "key", "two") {
		t.Errorf("two values have the versions %q and %q", first, second)
	}
	wantValue(t, a, "key", "two") // whoever read past the cache does not go back
}

func replaceSucceeds(t *testing.T, open func(*testing.T) secret.Versions) {
	a, b := open(t), open(t)
	first := replace(t, a, "", "one")
	if got := newest(t, b, "key", "one"); got != first {
		t.Errorf("the version is %q, Replace said %q", got, first)
	}
	second := replace(t, b, first, "two")
	replace(t, a, second, "three")
	wantValue(t, a, "key", "three")
	wantValue(t, open(t), "key", "three")
}

func replaceRefuses(t *testing.T, open func(*testing.T) secret.Versions) {
	a, b := open(t), open(t)
	first := replace(t, a, "", "one")
	second := replace(t, b, first, "two")
	for _, base := range []secret.Version{"", first, "no such version"} {
		_, _, err := a.Replace(t.Context(), "key", base, secret.New("other"))
		wantKind(t, fmt.Sprintf("Replace(%q)", base), err, fault.Conflict)
		if fault.ReasonOf(err) != secret.ReasonChanged {
			t.Errorf("Replace(%q) = %v", base, err)
		}
	}
	if got := newest(t, a, "key", "two"); got != second {
		t.Errorf("a refusal made the version %q of %q", got, second)
	}
	_, _, err := a.Replace(t.Context(), "missing", second, secret.New("other"))
	wantKind(t, "Replace of a missing name", err, fault.Conflict)
}

func replaceOfDeleted(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	first := replace(t, s, "", "one")
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Replace(t.Context(), "key", first, secret.New("other"))
	wantKind(t, "Replace of a deleted name", err, fault.Conflict)
	replace(t, s, "", "two")
}

// replaceAtOnce has each caller add its letter until it is in: as whoever replaces a
// list must, with what it covered.
func replaceAtOnce(t *testing.T, open func(*testing.T) secret.Versions) {
	stores := []secret.Versions{open(t), open(t)}
	replace(t, stores[0], "", ".")
	const n = 6
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s, want := stores[i%len(stores)], string(rune('a'+i))
			for range 1000 {
				old, base, err := s.Newest(t.Context(), "key")
				next := union(old.Reveal(), want)
				if err != nil || next == old.Reveal() {
					if err != nil {
						t.Errorf("Newest = %v", err)
					}
					return
				}
				_, covered, err := s.Replace(t.Context(), "key", base, secret.New(next))
				if err != nil && fault.ReasonOf(err) != secret.ReasonChanged {
					t.Errorf("Replace = %v", err)
					return
				}
				for _, c := range covered {
					want = union(want, c.Reveal())
				}
			}
			t.Error("never got through")
		})
	}
	wg.Wait()
	v, _, err := stores[0].Newest(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if strings.Count(v.Reveal(), string(rune('a'+i))) != 1 {
			t.Errorf("%q lacks a letter, or has one twice", v.Reveal())
		}
	}
}

// union returns a with the letters of b that it lacks.
func union(a, b string) string {
	for _, r := range b {
		if !strings.ContainsRune(a, r) {
			a += string(r)
		}
	}
	return a
}

func retireOne(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	first := replace(t, s, "", "one")
	second := replace(t, s, first, "two")
	third := replace(t, s, second, "three")
	for range 2 { // the second time it is gone
		for _, old := range []secret.Version{second, first, ""} {
			if err := s.Retire(t.Context(), "key", old); err != nil {
				t.Errorf("Retire(%q) = %v", old, err)
			}
		}
	}
	wantKind(t, "Retire of the newest", s.Retire(t.Context(), "key", third), fault.Conflict)
	if got := newest(t, open(t), "key", "three"); got != third {
		t.Errorf("the newest version is %q, want %q", got, third)
	}
	replace(t, s, third, "four")
	if err := s.Retire(t.Context(), "missing", first); err != nil {
		t.Errorf("Retire of a missing name = %v", err)
	}
}

func versionsAreChecked(t *testing.T, open func(*testing.T) secret.Versions) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const value = "correct-horse-battery-staple"
	for name, tc := range map[string]struct {
		ctx   context.Context
		name  string
		value secret.Value
		kind  fault.Kind
	}{
		"name":      {t.Context(), "a/b", secret.New(value), fault.Invalid},
		"nothing":   {t.Context(), "key", secret.Value{}, fault.Invalid},
		"too much":  {t.Context(), "key", secret.New(value + strings.Repeat("x", secret.MaxValue)), fault.Invalid},
		"cancelled": {ctx, "key", secret.New(value), fault.Transient},
	} {
		_, _, err := s.Replace(tc.ctx, tc.name, "", tc.value)
		wantKind(t, "Replace, "+name, err, tc.kind)
		if err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error holds the value", name)
		}
	}
	_, _, err := s.Newest(t.Context(), "a/b")
	wantKind(t, "Newest", err, fault.Invalid)
	_, _, err = s.Newest(ctx, "key")
	wantKind(t, "Newest, cancelled", err, fault.Transient)
	wantKind(t, "Retire", s.Retire(t.Context(), "a/b", "1"), fault.Invalid)
	wantKind(t, "Retire, cancelled", s.Retire(ctx, "key", "1"), fault.Transient)
}
