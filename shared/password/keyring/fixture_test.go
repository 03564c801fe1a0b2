package keyring_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// store is a secret.Store in memory that counts what is read and can fail.
type store struct {
	mu     sync.Mutex
	values map[string]secret.Value
	reads  int
	fails  error
}

func (s *store) Access(_ context.Context, name string) (secret.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.fails != nil {
		return secret.Value{}, s.fails
	}
	v, ok := s.values[name]
	if !ok {
		return secret.Value{}, fault.New(fault.NotFound, "", "no such secret")
	}
	return v, nil
}

func (s *store) Put(_ context.Context, name string, v secret.Value) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.values[name] = v
	return nil
}

func (s *store) Newest(ctx context.Context, name string) (secret.Value, secret.Version, error) {
	v, err := s.Access(ctx, name)
	if err != nil {
		return v, "", err
	}
	return v, secret.Version(v.Reveal()), nil
}

func (s *store) Replace(ctx context.Context, name string, base secret.Version, v secret.Value) (secret.Version, []secret.Value, error) {
	if _, is, err := s.Newest(ctx, name); is != base {
		return "", nil, errors.Join(secret.Changed(name), err)
	}
	return secret.Version(v.Reveal()), nil, s.Put(ctx, name, v)
}

func (s *store) Delete(_ context.Context, name string) error {
	delete(s.values, name)
	return nil
}

// bench is a store with a key set, and a clock.
type bench struct {
	*store
	now time.Time
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{&store{values: map[string]secret.Value{}}, time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	if err := keyring.Create(t.Context(), b, name); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) ring() *keyring.Keyring {
	return keyring.New(b, name, func() time.Time { return b.now })
}

func seal(t testing.TB, k *keyring.Keyring, text string) string {
	t.Helper()
	s, err := k.Seal(t.Context(), bound, secret.New(text))
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return s
}

// opens fails the test unless sealed opens to text.
func opens(t testing.TB, k *keyring.Keyring, sealed, text string) {
	t.Helper()
	v, err := k.Open(t.Context(), bound, sealed)
	if err != nil || v.Reveal() != text {
		t.Errorf("Open: %v, the right text: %v", err, v.Reveal() == text)
	}
}

// refuses fails the test unless opening is refused so, and with nothing secret.
func refuses(t testing.TB, k *keyring.Keyring, b password.Binding, sealed string, kind fault.Kind, reason string) {
	t.Helper()
	v, err := k.Open(t.Context(), b, sealed)
	if fault.KindOf(err) != kind || fault.ReasonOf(err) != reason || !v.Empty() {
		t.Errorf("Open = %v, want %v %s and no value", err, kind, reason)
	}
	if err != nil && (strings.Contains(err.Error(), clear) || sealed != "" && strings.Contains(err.Error(), sealed)) {
		t.Errorf("the error shows what is to be kept: %v", err)
	}
}
