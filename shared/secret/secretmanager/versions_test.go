package secretmanager_test

import (
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
)

// TestReplaceTellsWhatItCovers: Secret Manager compares nothing, so what another
// process stored between the look and the write is told of afterwards.
func TestReplaceTellsWhatItCovers(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	other := open(t, server, secretmanager.Options{})
	put(t, s, "one")
	_, base, err := s.Newest(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	var once atomic.Bool
	server.Before(func(call string) {
		if call == secretmanagertest.Add && once.CompareAndSwap(false, true) {
			put(t, other, "two")
			put(t, other, "three")
		}
	})
	version, covered, err := s.Replace(t.Context(), "key", base, secret.New("mine"))
	if err != nil || len(covered) != 2 || covered[0].Reveal() != "two" || covered[1].Reveal() != "three" {
		t.Fatalf("Replace = %d covered, %v", len(covered), err)
	}
	want(t, s, "mine")
	if _, now, err := other.Newest(t.Context(), "key"); err != nil || now != version {
		t.Errorf("the newest is %q, %v; want %q", now, err, version)
	}
}

// TestRetireDestroys: the value is gone from Secret Manager, and the newest stays.
func TestRetireDestroys(t *testing.T) {
	t.Parallel()
	server := secretmanagertest.New(t)
	s := open(t, server, secretmanager.Options{})
	put(t, s, "one")
	_, first, err := s.Newest(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "two")
	if server.Kept("key") != 2 {
		t.Fatalf("%d versions are kept", server.Kept("key"))
	}
	server.Fail(secretmanagertest.Destroy, codes.PermissionDenied)
	if err := s.Retire(t.Context(), "key", first); fault.KindOf(err) != fault.Permanent {
		t.Errorf("without the permission: %v", err)
	}
	if err := s.Retire(t.Context(), "key", first); err != nil || server.Kept("key") != 1 {
		t.Errorf("%d versions are kept, %v", server.Kept("key"), err)
	}
	want(t, s, "two")
}

// TestReplaceFails: with nothing stored where the look failed.
func TestReplaceFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{secretmanagertest.Access, secretmanagertest.Add} {
		server := secretmanagertest.New(t)
		s := open(t, server, secretmanager.Options{})
		put(t, s, "one")
		_, base, err := s.Newest(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		server.Fail(call, codes.PermissionDenied)
		if _, _, err := s.Replace(t.Context(), "key", base, secret.New("two")); fault.ReasonOf(err) != "secretmanager-permission" || server.Kept("key") != 1 {
			t.Errorf("%s: %v, %d versions", call, err, server.Kept("key"))
		}
	}
}
