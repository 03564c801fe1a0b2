package secretmanager_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
	"github.com/rollcall-emm/rollcall/shared/secret/secrettest"
)

func open(t *testing.T, server *secretmanagertest.Server, opt secretmanager.Options) *secretmanager.Store {
	t.Helper()
	opt.Client = server.Client()
	s := secretmanager.New("test-project", &opt)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	secrettest.Run(t, func(t *testing.T) func(*testing.T) secret.Versions {
		server := secretmanagertest.New(t)
		return func(t *testing.T) secret.Versions { return open(t, server, secretmanager.Options{}) }
	})
}

func put(t *testing.T, s *secretmanager.Store, value string) {
	t.Helper()
	if err := s.Put(t.Context(), "key", secret.New(value)); err != nil {
		t.Fatalf("Put = %v", err)
	}
}

func want(t *testing.T, s *secretmanager.Store, value string) {
	t.Helper()
	got, err := s.Access(t.Context(), "key")
	if err != nil || got.Reveal() != value {
		t.Errorf("Access = %q, %v; want %q", got.Reveal(), err, value)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := open(t, server, secretmanager.Options{Now: func() time.Time { return now }})
	other := open(t, server, secretmanager.Options{Cache: -1})
	put(t, s, "one")
	for range 3 {
		want(t, s, "one")
	}
	if n := server.Calls(secretmanagertest.Access); n != 1 {
		t.Errorf("%d calls for three reads, want 1", n)
	}
	put(t, s, "two")
	want(t, s, "two")
	put(t, other, "three")
	want(t, other, "three")
	now = now.Add(5*time.Minute - 1)
	want(t, s, "two")
	now = now.Add(1)
	want(t, s, "three")
	before := server.Calls(secretmanagertest.Access)
	for range 2 {
		want(t, other, "three")
	}
	if n := server.Calls(secretmanagertest.Access) - before; n != 2 {
		t.Errorf("%d calls without a cache, want 2", n)
	}
}

// TestOneFlight: many readers at once cost one call.
func TestOneFlight(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	put(t, s, "one")
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	server.Before(func(string) { arrived <- struct{}{}; <-release })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { want(t, s, "one") })
	}
	<-arrived
	close(release)
	wg.Wait()
	if n := server.Calls(secretmanagertest.Access); n != 1 {
		t.Errorf("%d calls for 20 readers, want 1", n)
	}
}

// TestReadDuringPut: a read that began before a Put does not leave the old value
// in the cache after it.
func TestReadDuringPut(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	put(t, s, "old")
	read, release := make(chan struct{}), make(chan struct{})
	var reads atomic.Int32
	server.Before(func(call string) {
		if call == secretmanagertest.Access && reads.Add(1) == 1 {
			close(read)
			<-release
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Access(t.Context(), "key") })
	<-read
	put(t, s, "new")
	want(t, s, "new")
	close(release)
	wg.Wait()
	want(t, s, "new")
}

// TestCreateRace: another process creates the secret between the two calls.
func TestCreateRace(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	server.Fail(secretmanagertest.Add, codes.NotFound)
	put(t, open(t, server, secretmanager.Options{}), "theirs")
	server.Fail(secretmanagertest.Add, codes.NotFound)
	put(t, s, "ours")
	want(t, s, "ours")
	if n := server.Calls(secretmanagertest.Create); n != 2 {
		t.Errorf("%d creations, want 2", n)
	}
}

func TestDamagedAnswer(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	put(t, s, "one")
	server.Damage(true)
	if _, err := s.Access(t.Context(), "key"); fault.KindOf(err) != fault.Transient || fault.ReasonOf(err) != "secret-damaged" {
		t.Errorf("Access = %v, want transient secret-damaged", err)
	}
	server.Damage(false)
	want(t, s, "one")
}

// TestErrors: each refusal has its kind and says what to change, and the next
// call works.
func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code codes.Code
		kind fault.Kind
		says string
	}{
		{codes.PermissionDenied, fault.Permanent, "grant roles/secretmanager."},
		{codes.Unauthenticated, fault.Permanent, "credentials"},
		{codes.FailedPrecondition, fault.Permanent, "enable it"},
		{codes.InvalidArgument, fault.Permanent, "refuses"},
		{codes.Internal, fault.Transient, "for the moment"},
		{codes.Aborted, fault.Transient, "for the moment"},
		{codes.DeadlineExceeded, fault.Transient, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.code.String(), func(t *testing.T) {
			t.Parallel()
			server := secretmanagertest.New(t)
			s := open(t, server, secretmanager.Options{})
			put(t, s, "one")
			calls := map[string]func() error{
				secretmanagertest.Access: func() error { _, err := s.Access(t.Context(), "key"); return err },
				secretmanagertest.Add:    func() error { return s.Put(t.Context(), "key", secret.New("hunter2")) },
				secretmanagertest.Delete: func() error { return s.Delete(t.Context(), "key") },
			}
			for _, call := range []string{secretmanagertest.Access, secretmanagertest.Add, secretmanagertest.Delete} {
				server.Fail(call, tt.code)
				e := fault.As(calls[call]())
				if e == nil || e.Kind != tt.kind || !strings.Contains(e.Public, tt.says) || strings.Contains(e.Error(), "hunter2") {
					t.Errorf("%s = %v, want %v that says %q", call, e, tt.kind, tt.says)
				}
				if err := calls[call](); err != nil {
					t.Errorf("%s afterwards = %v, want nil", call, err)
				}
			}
		})
	}
}

// TestFailedFirstUse: a store that could not dial dials again.
func TestFailedFirstUse(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", t.TempDir()+"/missing.json")
	s := secretmanager.New("test-project", nil)
	for range 2 {
		if _, err := s.Access(t.Context(), "key"); fault.ReasonOf(err) != "secretmanager-client" {
			t.Errorf("Access without credentials = %v, want secretmanager-client", err)
		}
	}
}
