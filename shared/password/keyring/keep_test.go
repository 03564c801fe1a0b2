package keyring_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
)

// cloud is a Secret Manager with the stores of two processes, whose caches last for
// five minutes, and a key set.
func cloud(t *testing.T) (server *secretmanagertest.Server, a, b *secretmanager.Store) {
	t.Helper()
	server = secretmanagertest.New(t)
	open := func() *secretmanager.Store {
		s := secretmanager.New("test-project", &secretmanager.Options{Client: server.Client()})
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	a, b = open(), open()
	if err := keyring.Create(t.Context(), a, name); err != nil {
		t.Fatal(err)
	}
	return server, a, b
}

// sealNow seals with the key that seals by what the store holds now.
func sealNow(t *testing.T, s *secretmanager.Store) string {
	t.Helper()
	v, _, err := s.Newest(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return seal(t, keyring.New(&store{values: map[string]secret.Value{name: v}}, name, time.Now), clear)
}

// wantKeys holds that a process that has read nothing yet opens everything.
func wantKeys(t *testing.T, server *secretmanagertest.Server, n int, sealed ...string) {
	t.Helper()
	s := secretmanager.New("test-project", &secretmanager.Options{Client: server.Client()})
	t.Cleanup(func() { _ = s.Close() })
	keys, err := keyring.Keys(t.Context(), s, name)
	if err != nil || len(keys) != n {
		t.Errorf("%d keys, want %d: %v", len(keys), n, err)
	}
	k := keyring.New(s, name, time.Now)
	for _, text := range sealed {
		opens(t, k, text, clear)
	}
}

// TestRotate_W8_TwoProcessesWithinTheCachesTime: each has the key set in its cache,
// and neither drops the key that the other made meanwhile.
func TestRotate_W8_TwoProcessesWithinTheCachesTime(t *testing.T) {
	t.Parallel()
	server, a, b := cloud(t)
	var sealed []string
	for _, s := range []*secretmanager.Store{a, b} {
		if _, err := s.Access(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*secretmanager.Store{a, b, a, b} {
		sealed = append(sealed, sealNow(t, s))
		if err := keyring.Rotate(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, server, 5, append(sealed, sealNow(t, a))...)
}

// TestRotate_W8_InTheSameMoment: another process's key set comes between the look and
// the write, and something is sealed under it at once. It opens afterwards.
func TestRotate_W8_InTheSameMoment(t *testing.T) {
	t.Parallel()
	for _, when := range []string{secretmanagertest.Access, secretmanagertest.Add} {
		server, a, b := cloud(t)
		var between string
		var calls atomic.Int64
		nth := map[string]int64{secretmanagertest.Access: 2, secretmanagertest.Add: 1}[when]
		server.Before(func(call string) {
			if call == when && calls.Add(1) == nth {
				if err := keyring.Rotate(t.Context(), b, name); err != nil {
					t.Error(err)
				}
				between = sealNow(t, b)
			}
		})
		first := sealNow(t, a)
		calls.Store(0)
		if err := keyring.Rotate(t.Context(), a, name); err != nil {
			t.Fatal(err)
		}
		server.Before(nil)
		if between == "" {
			t.Fatalf("%s: nobody came in between", when)
		}
		wantKeys(t, server, 3, first, between, sealNow(t, a))
	}
}

func TestRotate_W8_ManyAtOnce(t *testing.T) {
	t.Parallel()
	server, a, b := cloud(t)
	const n = 8
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s := a
			if i%2 > 0 {
				s = b
			}
			if err := keyring.Rotate(t.Context(), s, name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantKeys(t, server, n+1)
}

// TestCreate_W8_TwoAtOnce: whichever comes second leaves the first one's key alone, or
// takes it in.
func TestCreate_W8_TwoAtOnce(t *testing.T) {
	t.Parallel()
	for _, when := range []string{secretmanagertest.Access, secretmanagertest.Add} {
		server, a, b := cloud(t)
		if err := a.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		var between string
		var once atomic.Bool
		server.Before(func(call string) {
			if call == when && once.CompareAndSwap(false, true) {
				if err := keyring.Create(t.Context(), b, name); err != nil {
					t.Error(err)
				}
				between = sealNow(t, b)
			}
		})
		err := keyring.Create(t.Context(), a, name)
		server.Before(nil)
		keys := 2
		if when == secretmanagertest.Access {
			keys = 1
		}
		if (err == nil) != (keys == 2) || err != nil && fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: Create = %v", when, err)
		}
		wantKeys(t, server, keys, between)
	}
}

// TestRotate_W8_AFailureLosesNoKey wherever Secret Manager fails.
func TestRotate_W8_AFailureLosesNoKey(t *testing.T) {
	t.Parallel()
	for _, call := range []string{secretmanagertest.Access, secretmanagertest.Add} {
		server, a, _ := cloud(t)
		first := sealNow(t, a)
		server.Fail(call, codes.PermissionDenied)
		if err := keyring.Rotate(t.Context(), a, name); err == nil || fault.ReasonOf(err) == password.ReasonKeyDamaged {
			t.Errorf("%s: Rotate = %v", call, err)
		}
		wantKeys(t, server, 1, first)
	}
}
